using System.Buffers.Binary;
using System.Globalization;
using Npgsql;
using Payments.Core;
using Payments.Ledger.Books;
using Payments.Platform;
using Payments.Platform.Outbox;
using Payments.Platform.Postgres;

namespace Payments.Ledger.Settlement;

/// <summary>Whether the batches of a cut-off could be closed.</summary>
public enum CutoffVerdict
{
    Closed,

    /// <summary>The ledger has not yet applied and compared everything up to the recorded heads, or a finding is open.</summary>
    NotProven,
}

/// <summary>
/// Makes the batches of a cut-off: records the heads of the log once, waits until the books are proven up to them, then closes one batch
/// after the other, each in one transaction. Every part comes to the same when it is repeated.
/// </summary>
public sealed class SettlementBatches(NpgsqlDataSource database, IOutboxSource publisher)
{
    public const string EventType = "settlement.closed";

    // The first who comes records; whoever comes late settles up to the same heads.
    private const string Record = """
        INSERT INTO ledger.settlement_cutoffs (cut_at, epoch, heads, house_seq)
        VALUES ($1, $2, $3, coalesce((SELECT h.seq FROM ledger.chain_heads h WHERE h.partition = $4), 0)) ON CONFLICT (cut_at) DO NOTHING
        """;

    private const string Proven = """
        SELECT NOT EXISTS (SELECT FROM ledger.findings WHERE resolved_at IS NULL)
            AND NOT EXISTS (
                SELECT FROM ledger.settlement_cutoffs c, unnest(c.heads) WITH ORDINALITY AS head (seq, place)
                LEFT JOIN checkpoints p ON p.consumer = $2 AND p.partition = head.place - 1
                LEFT JOIN ledger.control_marks m ON m.control = 'completeness' AND m.partition = head.place - 1
                WHERE c.cut_at = $1 AND head.seq > 0
                  AND (p.epoch = c.epoch AND m.epoch = c.epoch AND p.seq >= head.seq AND m.seq >= head.seq) IS NOT TRUE)
        """;

    private const string Accounts = "SELECT id, mode, owner, currency FROM ledger.accounts WHERE kind = 'merchant_pending' ORDER BY id";

    /// <exception cref="OutboxUnavailableException">The publisher does not answer now.</exception>
    public async Task<CutoffVerdict> CloseAsync(DateTimeOffset cutAt, CancellationToken cancellationToken)
    {
        Steps.Reached(SettlementSteps.CutoffBefore);
        await RecordAsync(cutAt, cancellationToken);
        Steps.Reached(SettlementSteps.CutoffAfter);
        if (!await IsProvenAsync(cutAt, cancellationToken))
        {
            return CutoffVerdict.NotProven;
        }

        foreach (var account in await AccountsAsync(cancellationToken))
        {
            await SettleAsync(account, cutAt, cancellationToken);
        }

        return CutoffVerdict.Closed;
    }

    /// <summary>The batch's id follows from what it is; its time is the cut-off's.</summary>
    public static SettlementBatchId IdOf(Mode mode, MerchantId merchant, Currency currency, DateTimeOffset cutAt)
    {
        ArgumentNullException.ThrowIfNull(currency);
        Span<byte> bytes = stackalloc byte[16];
        DerivedId.Version8(string.Create(CultureInfo.InvariantCulture, $"settlement|{Account.Text(mode)}|{merchant}|{currency.Code}|{cutAt.ToUnixTimeMilliseconds()}"))
            .TryWriteBytes(bytes, bigEndian: true, out _);
        BinaryPrimitives.WriteInt64BigEndian(bytes, (cutAt.ToUnixTimeMilliseconds() << 16) | BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]));
        return new(DerivedId.Version7(new Guid(bytes, bigEndian: true), 0));
    }

    private async Task RecordAsync(DateTimeOffset cutAt, CancellationToken cancellationToken)
    {
        var heads = await publisher.HeadsAsync(cancellationToken);
        await using var command = database.CreateCommand(Record).With(cutAt.ToUniversalTime(), heads.Epoch, heads.Sequences.ToArray(), HouseJournal.Partition);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<bool> IsProvenAsync(DateTimeOffset cutAt, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Proven).With(cutAt.ToUniversalTime(), LedgerModule.Consumer);
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    private async Task<List<Pending>> AccountsAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Accounts);
        var accounts = new List<Pending>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            Invariant.Holds(Id.TryParse<MerchantId>(reader.GetString(2), out var merchant), "a merchant's account is owned by a merchant");
            accounts.Add(new(reader.GetGuid(0), reader.GetString(1) == Account.Text(Mode.Live) ? Mode.Live : Mode.Test, merchant, Currency.Of(reader.GetString(3))));
        }

        return accounts;
    }

    private async Task SettleAsync(Pending account, DateTimeOffset cutAt, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var id = IdOf(account.Mode, account.Merchant, account.Currency, cutAt);
        await using var settle = new NpgsqlCommand("SELECT ledger.settle($1, $2, $3, $4)", connection, transaction)
            .With(id.Value, account.Id, account.Merchant.Value, cutAt.ToUniversalTime());
        if (await settle.ExecuteScalarAsync(cancellationToken) is not Guid)
        {
            return;
        }

        Steps.Reached(SettlementSteps.BatchGathered);
        await using var sum = new NpgsqlCommand("SELECT net FROM ledger.settlement_batches WHERE id = $1", connection, transaction).With(id.Value);
        var net = (long)(await sum.ExecuteScalarAsync(cancellationToken))!;
        var owner = account.Merchant.ToString();
        var lines = HouseJournal.Signed(LineKind.Settlement, new(owner, AccountKind.MerchantPending), new(owner, AccountKind.MerchantPayable), net, account.Currency).ToArray();
        if (lines.Length > 0)
        {
            // A fact: what is owed by a merchant makes payable negative, and the next batches carry it.
            var journal = HouseJournal.Of(id.Value, id.Value, account.Mode, account.Merchant, EventType, cutAt, lines);
            var verdict = await JournalWriter.PostAsync(connection, transaction, [journal], cancellationToken);
            Invariant.Holds(verdict is [PostingVerdict.Posted or PostingVerdict.Duplicate], $"a batch is booked (verdict {verdict[0]})");
        }

        Steps.Reached(SettlementSteps.BatchEffects);
        await transaction.CommitAsync(cancellationToken);
        Steps.Reached(SettlementSteps.BatchAfter);
    }

    private sealed record Pending(Guid Id, Mode Mode, MerchantId Merchant, Currency Currency);
}
