using System.Globalization;
using Npgsql;
using NpgsqlTypes;
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

    /// <summary>A merchant is paid in another currency than a batch has, and no rate of ours is valid at the cut-off.</summary>
    RateMissing,

    /// <summary>The merchant's books could not be settled; the log says why. The next round tries again.</summary>
    Failed,
}

/// <summary>A merchant whose cut-off has come.</summary>
public sealed record DueMerchant(Mode Mode, MerchantId Merchant, SettlementTerms Terms, DateOnly PayOn);

/// <summary>
/// Makes the batches of a cut-off: records the heads of the log once, waits until the books are proven up to them, then closes one batch
/// after the other, each in one transaction. Every part comes to the same when it is repeated.
/// </summary>
public sealed class SettlementBatches(NpgsqlDataSource database, IOutboxSource publisher, ILogger<SettlementBatches> logger)
{
    public const string EventType = "settlement.closed";

    // Millions of items are gathered and proven in one statement each: that takes longer than a request may.
    private const int LongestSeconds = 900;

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

    private const string Accounts = "SELECT id, mode, owner, currency FROM ledger.accounts WHERE kind = 'merchant_pending' AND owner = ANY ($1) ORDER BY id";

    private const string Finish = """
        INSERT INTO ledger.settlement_closings (mode, merchant_id, cut_at) VALUES ($1, $2, $3) ON CONFLICT (mode, merchant_id, cut_at) DO NOTHING
        """;

    /// <summary>Closes the batches of these merchants; what one of them waits for, or fails by, keeps back no other.</summary>
    /// <exception cref="OutboxUnavailableException">The publisher does not answer now.</exception>
    public async Task<IReadOnlyList<(DueMerchant Merchant, CutoffVerdict Verdict)>> CloseAsync(DateTimeOffset cutAt, IReadOnlyList<DueMerchant> due, CancellationToken cancellationToken)
    {
        Steps.Reached(SettlementSteps.CutoffBefore);
        await RecordAsync(cutAt, cancellationToken);
        Steps.Reached(SettlementSteps.CutoffAfter);
        if (!await IsProvenAsync(cutAt, cancellationToken))
        {
            return [.. due.Select(d => (d, CutoffVerdict.NotProven))];
        }

        var accounts = (await AccountsAsync(due, cancellationToken)).ToLookup(a => (a.Mode, a.Merchant));
        var outcomes = new List<(DueMerchant, CutoffVerdict)>();
        foreach (var merchant in due)
        {
            outcomes.Add((merchant, await TryAsync(merchant, accounts[(merchant.Mode, merchant.Merchant)], cutAt, cancellationToken)));
        }

        return outcomes;
    }

    private async Task<CutoffVerdict> TryAsync(DueMerchant merchant, IEnumerable<Pending> accounts, DateTimeOffset cutAt, CancellationToken cancellationToken)
    {
        try
        {
            var verdict = CutoffVerdict.Closed;
            foreach (var account in accounts)
            {
                verdict = await SettleAsync(account, merchant, cutAt, cancellationToken) ? verdict : CutoffVerdict.RateMissing;
            }

            if (verdict == CutoffVerdict.Closed)
            {
                await using var finish = database.CreateCommand(Finish).With(Account.Text(merchant.Mode), merchant.Merchant.Value, cutAt.ToUniversalTime());
                await finish.ExecuteNonQueryAsync(cancellationToken);
            }

            return verdict;
        }
        catch (Exception e) when (OneOfMany.Concerns(e) && !cancellationToken.IsCancellationRequested)
        {
            Log.MerchantNotSettled(logger, merchant.Merchant.ToString(), Account.Text(merchant.Mode), cutAt, e);
            return CutoffVerdict.Failed;
        }
    }

    /// <summary>The batch's id follows from what it is; its time is the cut-off's.</summary>
    public static SettlementBatchId IdOf(Mode mode, MerchantId merchant, Currency currency, DateTimeOffset cutAt)
    {
        ArgumentNullException.ThrowIfNull(currency);
        return new(DerivedId.Version7(
            string.Create(CultureInfo.InvariantCulture, $"settlement|{Account.Text(mode)}|{merchant}|{currency.Code}|{cutAt.ToUnixTimeMilliseconds()}"), cutAt));
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

    private async Task<List<Pending>> AccountsAsync(IReadOnlyList<DueMerchant> due, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Accounts);
        command.Parameters.Add(new() { Value = due.Select(d => d.Merchant.ToString()).Distinct().ToArray() });
        var accounts = new List<Pending>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            Invariant.Holds(Id.TryParse<MerchantId>(reader.GetString(2), out var merchant), "a merchant's account is owned by a merchant");
            accounts.Add(new(reader.GetGuid(0), reader.GetString(1) == Account.Text(Mode.Live) ? Mode.Live : Mode.Test, merchant, Currency.Of(reader.GetString(3))));
        }

        return accounts;
    }

    /// <returns>False: nothing was done, because there is no rate.</returns>
    private async Task<bool> SettleAsync(Pending account, DueMerchant merchant, DateTimeOffset cutAt, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var paid = merchant.Terms.Currency is { } wanted ? Currency.Of(wanted) : account.Currency;
        var rate = paid == account.Currency ? null : await FxRates.AtAsync(connection, transaction, account.Currency, paid, cutAt, cancellationToken);
        var id = IdOf(account.Mode, account.Merchant, account.Currency, cutAt);
        var day = CutOff.DayOf(merchant.Terms, cutAt);
        if (paid != account.Currency && rate is null)
        {
            return !await IsAnythingDueAsync(connection, transaction, account, id, cutAt, day, cancellationToken);
        }

        await using var settle = new NpgsqlCommand("SELECT ledger.settle($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)", connection, transaction)
            .With(id.Value, account.Id, account.Merchant.Value, cutAt.ToUniversalTime(), merchant.PayOn, merchant.Terms.ReserveBasisPoints);
        settle.With(day, merchant.Terms.ReserveDays, paid.Code);
        settle.Parameters.Add(new() { Value = (object?)rate ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Numeric });
        settle.With(paid.Exponent - account.Currency.Exponent);
        settle.CommandTimeout = LongestSeconds;
        if (await settle.ExecuteScalarAsync(cancellationToken) is not Guid)
        {
            return true;
        }

        Steps.Reached(SettlementSteps.BatchGathered);
        var lines = await LinesAsync(connection, transaction, account, id, cancellationToken);
        if (lines.Count > 0)
        {
            // A fact: what is owed by a merchant makes payable negative, and the next batches carry it.
            var journal = HouseJournal.Of(id.Value, id.Value, account.Mode, account.Merchant, EventType, cutAt, lines);
            var verdict = await JournalWriter.PostAsync(connection, transaction, [journal], cancellationToken);
            Invariant.Holds(verdict is [PostingVerdict.Posted or PostingVerdict.Duplicate], $"a batch is booked (verdict {verdict[0]})");
        }

        Steps.Reached(SettlementSteps.BatchEffects);

        // What is proven at commit has a statement's time here, and a commit's only there.
        await using var prove = new NpgsqlCommand("SET CONSTRAINTS ALL IMMEDIATE", connection, transaction) { CommandTimeout = LongestSeconds };
        await prove.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        Steps.Reached(SettlementSteps.BatchAfter);
        return true;
    }

    // Asked only where there is no rate: nothing to settle needs none.
    private static async Task<bool> IsAnythingDueAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, Pending account, SettlementBatchId id, DateTimeOffset cutAt, DateOnly day, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("""
            SELECT NOT EXISTS (SELECT FROM ledger.settlement_batches WHERE id = $4)
               AND (EXISTS (SELECT FROM ledger.settleable($1, ledger.settled_to($1, NULL), $2) s WHERE s.due)
                 OR EXISTS (SELECT FROM ledger.settlement_batches b WHERE b.account_id = $1 AND b.reserve_held > 0 AND b.release_on <= $3
                        AND NOT EXISTS (SELECT FROM ledger.reserve_releases r WHERE r.held_batch_id = b.id)))
            """, connection, transaction).With(account.Id, cutAt.ToUniversalTime(), day, id.Value);
        command.CommandTimeout = LongestSeconds;
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    private static async Task<IReadOnlyList<JournalLine>> LinesAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, Pending account, SettlementBatchId id, CancellationToken cancellationToken)
    {
        await using var read = new NpgsqlCommand(
            "SELECT net, reserve_held, reserve_released, paid_currency, paid FROM ledger.settlement_batches WHERE id = $1", connection, transaction).With(id.Value);
        await using var row = await read.ExecuteReaderAsync(cancellationToken);
        Invariant.Holds(await row.ReadAsync(cancellationToken), "a batch that was gathered is there");
        var booked = new BatchAmounts(account.Currency, row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.IsDBNull(3) ? account.Currency : Currency.Of(row.GetString(3)), row.IsDBNull(4) ? row.GetInt64(0) : row.GetInt64(4));
        return SettlementPostings.For(account.Merchant, booked);
    }

    private sealed record Pending(Guid Id, Mode Mode, MerchantId Merchant, Currency Currency);
}
