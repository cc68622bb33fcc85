using System.Security.Cryptography;
using Npgsql;
using Payments.Core;
using Payments.Ledger.Books;
using Payments.Platform;
using Payments.Platform.Postgres;

namespace Payments.Ledger.Payouts;

/// <param name="Sha256">Of the file's bytes.</param>
public sealed record PayoutFile(PayoutFileId Id, Mode Mode, string Currency, DateOnly ExecuteOn, int Payouts, long Total, string Sha256, DateTimeOffset MadeAt);

/// <summary>
/// Bank files. What is in one is written down with the payouts' state; the bytes are made from that each time, and are the same each time,
/// so that no bank account lies about in clear.
/// </summary>
public sealed class PayoutFiles(NpgsqlDataSource database, PayoutSettings settings, TimeProvider time, LedgerOptions options, ILogger<PayoutFiles> logger)
{
    private const int Most = 10_000;

    // What is stopped or held, or goes to an account that one person gave, stays ready and is in a later file. The lock keeps two files from taking the same.
    private const string Ready = """
        SELECT p.id, p.merchant_id, p.amount, c.version, s.version, s.account, s.account_version
        FROM ledger.payouts_open o JOIN ledger.payouts p ON p.id = o.payout_id
        JOIN LATERAL (SELECT * FROM ledger.payout_changes n WHERE n.payout_id = o.payout_id ORDER BY n.version DESC LIMIT 1) c ON c.state = 'ready'
        JOIN LATERAL (SELECT * FROM ledger.payout_settings n WHERE n.mode = p.mode AND n.merchant_id = p.merchant_id ORDER BY n.version DESC LIMIT 1) s ON s.state = 'cleared'
        WHERE o.mode = $1 AND o.currency = $2 AND o.state = 'ready' AND NOT EXISTS (SELECT FROM ledger.payout_file_items i WHERE i.payout_id = p.id)
          AND NOT coalesce((SELECT w.stopped FROM ledger.payout_switch w ORDER BY w.version DESC LIMIT 1), false)
          AND ledger.account_confirmed(p.mode, p.merchant_id, s.account_version)
          AND (c.before <> 'awaiting_approval' OR ledger.payout_approved_by(p.id, s.account_version) >= 2)
        ORDER BY o.payout_id LIMIT $3
        """;

    private const string Unconfirmed = """
        SELECT EXISTS (
            SELECT FROM ledger.payouts_open o JOIN ledger.payouts p ON p.id = o.payout_id
            JOIN LATERAL (SELECT * FROM ledger.payout_settings n WHERE n.mode = p.mode AND n.merchant_id = p.merchant_id ORDER BY n.version DESC LIMIT 1) s ON true
            WHERE o.mode = $1 AND o.currency = $2 AND o.state = 'ready' AND NOT ledger.account_confirmed(p.mode, p.merchant_id, s.account_version))
        """;

    private const string Insert = """
        INSERT INTO ledger.payout_files (id, mode, currency, execute_on, debtor_name, debtor_iban, debtor_bic, payouts, total, sha256, made_by, made_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        """;

    private const string Columns = "SELECT mode, currency, execute_on, debtor_name, debtor_iban, debtor_bic, payouts, total, sha256, made_at, id FROM ledger.payout_files";

    private const string Read = $"{Columns} WHERE id = $1";

    private const string List = $"{Columns} WHERE ($1::uuid IS NULL OR id < $1) AND ($2::text IS NULL OR mode = $2) AND ($3::text IS NULL OR currency = $3) ORDER BY id DESC LIMIT $4";

    private const string Items = """
        SELECT p.id, p.merchant_id, p.amount, 0, i.settings_version, s.account, s.account_version
        FROM ledger.payout_file_items i JOIN ledger.payouts p ON p.id = i.payout_id
        JOIN ledger.payout_settings s ON s.mode = p.mode AND s.merchant_id = p.merchant_id AND s.version = i.settings_version
        WHERE i.file_id = $1 ORDER BY p.id
        """;

    private sealed record Item(PayoutId Id, MerchantId Merchant, long Amount, int Version, int SettingsVersion, string Account, int AccountVersion);

    /// <summary>Our own account; null where it is not configured, or wrongly.</summary>
    public BankAccount? Debtor { get; } =
        new BankAccount(options.PayoutDebtorName ?? "", options.PayoutDebtorIban ?? "", options.PayoutDebtorBic ?? "") is { Fault: null } debtor ? debtor : null;

    /// <summary>A file of all that is ready; null where nothing is. It is there when the caller commits.</summary>
    public async Task<PayoutFile?> MakeAsync(NpgsqlTransaction transaction, PayoutFileId id, Mode mode, Currency currency, DateOnly executeOn, string by, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        ArgumentNullException.ThrowIfNull(currency);
        var debtor = Debtor ?? throw new InvariantException("a bank file has a debtor");
        var connection = transaction.Connection!;
        await PayoutSettings.KeepAsync(connection, transaction, cancellationToken);
        await using var wait = new NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtextextended('ledger.payout_files' || $1 || $2, 0))", connection, transaction).With(Account.Text(mode), currency.Code);
        await wait.ExecuteNonQueryAsync(cancellationToken);
        await using var ready = new NpgsqlCommand(Ready, connection, transaction).With(Account.Text(mode), currency.Code, Most);
        var items = await ItemsAsync(ready, cancellationToken);
        if (items.Count == 0)
        {
            return null;
        }

        // To the second, as the file says it.
        var now = time.GetUtcNow();
        var madeAt = new DateTimeOffset(now.UtcTicks - (now.UtcTicks % TimeSpan.TicksPerSecond), TimeSpan.Zero);
        var bytes = Order(id, mode, currency, executeOn, debtor, madeAt, items).ToBytes();
        var file = new PayoutFile(id, mode, currency.Code, executeOn, items.Count, items.Aggregate(0L, (sum, i) => checked(sum + i.Amount)), Convert.ToHexStringLower(SHA256.HashData(bytes)), madeAt);
        await using var insert = new NpgsqlCommand(Insert, connection, transaction).With(
            id.Value, Account.Text(mode), currency.Code, executeOn, debtor.Name, debtor.Iban, debtor.Bic, file.Payouts, file.Total, SHA256.HashData(bytes), by, madeAt);
        await insert.ExecuteNonQueryAsync(cancellationToken);
        foreach (var item in items)
        {
            await using var add = new NpgsqlCommand("INSERT INTO ledger.payout_file_items (payout_id, file_id, settings_version) VALUES ($1, $2, $3)", connection, transaction)
                .With(item.Id.Value, id.Value, item.SettingsVersion);
            await add.ExecuteNonQueryAsync(cancellationToken);
            await PayoutBooks.AddAsync(connection, transaction, item.Id, item.Version + 1, Words.Of(PayoutState.Ready), new(PayoutState.Sent, id.ToString(), "", by, madeAt), cancellationToken);
        }

        Steps.Reached(PayoutSteps.FileEffects);
        Log.PayoutFileMade(logger, id.ToString(), items.Count, currency.Code);
        return file;
    }

    /// <summary>Whether a payout is ready but for its account, which one person gave.</summary>
    public async Task<bool> WaitForAccountsAsync(Mode mode, Currency currency, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(currency);
        await using var command = database.CreateCommand(Unconfirmed).With(Account.Text(mode), currency.Code);
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    /// <summary>The file and its bytes; null for an unknown one.</summary>
    /// <exception cref="InvariantException">They are not what they were.</exception>
    public async Task<(PayoutFile File, byte[] Bytes)?> ReadAsync(PayoutFileId id, CancellationToken cancellationToken)
    {
        PayoutFile file;
        BankAccount debtor;
        await using (var command = database.CreateCommand(Read).With(id.Value))
        await using (var row = await command.ExecuteReaderAsync(cancellationToken))
        {
            if (!await row.ReadAsync(cancellationToken))
            {
                return null;
            }

            debtor = new BankAccount(row.GetString(3), row.GetString(4), row.GetString(5));
            file = Of(row);
        }

        await using var items = database.CreateCommand(Items).With(id.Value);
        var bytes = Order(id, file.Mode, Currency.Of(file.Currency), file.ExecuteOn, debtor, file.MadeAt, await ItemsAsync(items, cancellationToken)).ToBytes();
        Invariant.Holds(Convert.ToHexStringLower(SHA256.HashData(bytes)) == file.Sha256, "a bank file is the same each time");
        return (file, bytes);
    }

    /// <summary>Newest first.</summary>
    public async Task<IReadOnlyList<PayoutFile>> ListAsync(Guid? before, Mode? mode, string? currency, int limit, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(List).With(before, mode is { } m ? Account.Text(m) : null, currency, limit);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var files = new List<PayoutFile>();
        while (await row.ReadAsync(cancellationToken))
        {
            files.Add(Of(row));
        }

        return files;
    }

    private static PayoutFile Of(NpgsqlDataReader row) => new(
        new(row.GetGuid(10)), Words.Parse<Mode>(row.GetString(0)), row.GetString(1), row.GetFieldValue<DateOnly>(2), row.GetInt32(6), row.GetInt64(7),
        Convert.ToHexStringLower(row.GetFieldValue<byte[]>(8)), row.GetFieldValue<DateTimeOffset>(9));

    /// <summary>The payouts of a file.</summary>
    public async Task<IReadOnlyList<PayoutId>> PayoutsOfAsync(PayoutFileId id, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Items).With(id.Value);
        return [.. (await ItemsAsync(command, cancellationToken)).Select(i => i.Id)];
    }

    private PaymentOrder Order(PayoutFileId id, Mode mode, Currency currency, DateOnly executeOn, BankAccount debtor, DateTimeOffset madeAt, IReadOnlyList<Item> items) => new(
        id, madeAt, executeOn, debtor, [.. items.Select(i => new OrderedPayout(i.Id, new Money(i.Amount, currency), settings.Open(mode, i.Merchant, i.AccountVersion, i.Account)))]);

    private static async Task<List<Item>> ItemsAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        var items = new List<Item>();
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
        {
            items.Add(new(new(row.GetGuid(0)), new(row.GetGuid(1)), row.GetInt64(2), row.GetInt32(3), row.GetInt32(4), row.GetString(5), row.GetInt32(6)));
        }

        return items;
    }
}
