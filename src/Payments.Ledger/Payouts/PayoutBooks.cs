using System.Globalization;
using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Ledger.Books;
using Payments.Ledger.Settlement;
using Payments.Platform;
using Payments.Platform.Postgres;

namespace Payments.Ledger.Payouts;

/// <summary>Makes payouts of what is payable, and books what becomes of them. Every part comes to the same when it is repeated.</summary>
public sealed class PayoutBooks(NpgsqlDataSource database, TimeProvider time, ILogger<PayoutBooks> logger)
{
    // The newest settings say who may be paid.
    private const string Cleared = """
        SELECT s.mode, s.merchant_id, s.minimum, s.minimums::text
        FROM (SELECT DISTINCT ON (mode, merchant_id) * FROM ledger.payout_settings ORDER BY mode, merchant_id, version DESC) s
        WHERE s.state = 'cleared' AND NOT coalesce((SELECT w.stopped FROM ledger.payout_switch w ORDER BY w.version DESC LIMIT 1), false)
        """;

    // Looked at without a lock: most rounds find nothing, and lock nothing.
    private const string Payable = """
        SELECT a.id, a.mode, a.owner, a.currency
        FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) AS m (mode, owner, minimum, minimums)
        JOIN ledger.accounts a ON a.kind = 'merchant_payable' AND a.mode = m.mode AND a.owner = m.owner
        JOIN ledger.balances b ON b.account_id = a.id
        WHERE b.credits - b.debits - b.pending_debits >= coalesce((m.minimums::jsonb ->> a.currency)::bigint, m.minimum)
          AND NOT EXISTS (SELECT FROM ledger.payouts p WHERE p.account_id = a.id AND p.due_on = $5)
        ORDER BY a.id
        """;

    private const string Insert = """
        INSERT INTO ledger.payouts (id, mode, merchant_id, currency, amount, due_on, account_id)
        SELECT $1, $2, $3, $4, p.amount, $5, $6
        FROM (SELECT ledger.lock_payable($6, $5) AS amount) p
        JOIN LATERAL (SELECT * FROM ledger.payout_settings s WHERE s.mode = $2 AND s.merchant_id = $3 ORDER BY s.version DESC LIMIT 1) s ON true
        WHERE s.state = 'cleared' AND p.amount >= coalesce((s.minimums ->> $4)::bigint, s.minimum) AND NOT coalesce((SELECT w.stopped FROM ledger.payout_switch w ORDER BY w.version DESC LIMIT 1), false)
        ON CONFLICT DO NOTHING
        RETURNING amount
        """;

    private const string Limit = "SELECT above FROM ledger.payout_limits WHERE currency IN ($1, '*') ORDER BY currency = '*' LIMIT 1";

    private const string Add = """
        INSERT INTO ledger.payout_changes (payout_id, version, before, state, reference, reason, by_whom, evidence) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """;

    private const string Note = """
        INSERT INTO ledger.payout_reports (payout_id, state, reported_by, reference, reason, happened_at) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (payout_id, state, reported_by) DO NOTHING
        """;

    private const string Read = """
        SELECT p.mode, p.merchant_id, p.currency, p.amount, c.version, c.state
        FROM ledger.payouts p JOIN LATERAL (SELECT * FROM ledger.payout_changes n WHERE n.payout_id = p.id ORDER BY n.version DESC LIMIT 1) c ON true
        WHERE p.id = $1
        """;

    private const string ByHouse = "ledger";

    // after, effective: what the books do when a payout comes to a state.
    private static readonly Dictionary<PayoutState, (LineAction Action, LineKind Kind, bool Back)[]> Effects = new()
    {
        [PayoutState.Paid] = [(LineAction.Release, LineKind.Payout, false), (LineAction.Post, LineKind.Payout, false)],
        [PayoutState.Failed] = [(LineAction.Release, LineKind.Payout, false)],
        [PayoutState.Canceled] = [(LineAction.Release, LineKind.Payout, false)],
        [PayoutState.Returned] = [(LineAction.Post, LineKind.PayoutReturn, true)],
    };

    // They make an amount payable again: what one person says of them is not enough, nor what one uploads.
    private static readonly PayoutState[] OfTwo = [PayoutState.Failed, PayoutState.Returned];

    internal sealed record Current(Mode Mode, MerchantId Merchant, Money Amount, int Version, PayoutState State);

    /// <summary>A payout of each merchant who may be paid and has enough; how many were made.</summary>
    /// <exception cref="AggregateException">Of some none could be made; all others were.</exception>
    public async Task<int> CreateDueAsync(DateOnly dueOn, CancellationToken cancellationToken)
    {
        var (made, failures) = (0, new List<Exception>());
        var accounts = await PayableAsync(await ClearedAsync(cancellationToken), dueOn, cancellationToken);
        foreach (var account in accounts)
        {
            try
            {
                made += await CreateAsync(account.Id, account.Mode, account.Merchant, account.Currency, dueOn, cancellationToken) ? 1 : 0;
            }
            catch (Exception e) when (OneOfMany.Concerns(e) && !cancellationToken.IsCancellationRequested)
            {
                Log.MerchantNotPaid(logger, account.Merchant.ToString(), Account.Text(account.Mode), account.Currency.Code, e);
                failures.Add(e);
            }
        }

        return failures.Count == 0 ? made : throw new AggregateException("Payouts of some merchants could not be made.", failures);
    }

    /// <summary>What the statement said of it, or people, with a report of the bank or without: then one of them is not enough for what makes the amount payable again.</summary>
    public async Task<PayoutVerdict> ChangeAsync(PayoutId id, ToldOfPayout told, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(told);
        Invariant.Holds(Effects.ContainsKey(told.To), "only what has an effect on the books is told of a payout");
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (await ReadAsync(connection, transaction, id, cancellationToken) is not { } current)
        {
            return PayoutVerdict.NotFound;
        }

        if (current.State == told.To)
        {
            return PayoutVerdict.Duplicate;
        }

        await using var legal = new NpgsqlCommand("SELECT EXISTS (SELECT FROM ledger.payout_transitions WHERE before = $1 AND after = $2)", connection, transaction)
            .With(Words.Of(current.State), Words.Of(told.To));
        if (await legal.ExecuteScalarAsync(cancellationToken) is not true)
        {
            return PayoutVerdict.WrongState;
        }

        if (told.Evidence != BankEvidence.Statement && OfTwo.Contains(told.To) && !await SaidByTwoAsync(connection, transaction, id, told, cancellationToken))
        {
            await transaction.CommitAsync(cancellationToken);
            return PayoutVerdict.SecondPersonNeeded;
        }

        await AddAsync(connection, transaction, id, current.Version + 1, Words.Of(current.State), told, cancellationToken);
        await PostAsync(connection, transaction, id, current.Mode, current.Merchant, current.Amount, current.Version + 1, "payout." + Words.Of(told.To), told.At, Effects[told.To], cancellationToken);
        Steps.Reached(PayoutSteps.ReportEffects);
        await transaction.CommitAsync(cancellationToken);
        Steps.Reached(PayoutSteps.ReportAfter);
        return PayoutVerdict.Done;
    }

    // Notes what this person says; whether another one said the same.
    private static async Task<bool> SaidByTwoAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, PayoutId id, ToldOfPayout told, CancellationToken cancellationToken)
    {
        await using var note = new NpgsqlCommand(Note, connection, transaction).With(id.Value, Words.Of(told.To), told.By, told.Reference, told.Reason, told.At.ToUniversalTime());
        await note.ExecuteNonQueryAsync(cancellationToken);
        await using var count = new NpgsqlCommand("SELECT count(*) >= 2 FROM ledger.payout_reports WHERE payout_id = $1 AND state = $2", connection, transaction).With(id.Value, Words.Of(told.To));
        return await count.ExecuteScalarAsync(cancellationToken) is true;
    }

    /// <summary>What the bank's statement says: an amount went out, or (positive) came back. Known before, from the statement or a report, it changes nothing.</summary>
    /// <param name="by">Who read the statement.</param>
    public async Task<PayoutVerdict> EnterAsync(PayoutEntry entry, string by, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(entry);
        var to = StateOf(entry);
        await using (var command = database.CreateCommand("""
            SELECT p.amount = $3 AND p.currency = $4, EXISTS (SELECT FROM ledger.payout_changes c WHERE c.payout_id = p.id AND c.state = $5) FROM ledger.payouts p WHERE p.id = $1 AND p.mode = $2
            """).With(entry.Payout.Value, Account.Text(entry.Mode), Math.Abs(entry.AmountMinor), entry.Currency, Words.Of(to)))
        await using (var row = await command.ExecuteReaderAsync(cancellationToken))
        {
            if (!await row.ReadAsync(cancellationToken))
            {
                return PayoutVerdict.NotFound;
            }

            if (!row.GetBoolean(0) || row.GetBoolean(1))
            {
                return row.GetBoolean(0) ? PayoutVerdict.Duplicate : PayoutVerdict.OtherAmount;
            }
        }

        return await ChangeAsync(entry.Payout, new(to, "", "", by, entry.BookedAt, BankEvidence.Statement), cancellationToken);
    }

    /// <summary>What an entry of the statement says that became of its payout.</summary>
    internal static PayoutState StateOf(PayoutEntry entry) => entry.AmountMinor < 0 ? PayoutState.Paid : PayoutState.Returned;

    internal static async Task AddAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, PayoutId id, int version, string before, ToldOfPayout told, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Add, connection, transaction).With(id.Value, version, before, Words.Of(told.To), told.Reference, told.Reason, told.By, told.Evidence);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<List<(string Mode, string Owner, long Minimum, string Minimums)>> ClearedAsync(CancellationToken cancellationToken)
    {
        var cleared = new List<(string, string, long, string)>();
        await using var command = database.CreateCommand(Cleared);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            cleared.Add((reader.GetString(0), new MerchantId(reader.GetGuid(1)).ToString(), reader.GetInt64(2), reader.GetString(3)));
        }

        return cleared;
    }

    private async Task<List<(Guid Id, Mode Mode, MerchantId Merchant, Currency Currency)>> PayableAsync(
        List<(string Mode, string Owner, long Minimum, string Minimums)> cleared, DateOnly dueOn, CancellationToken cancellationToken)
    {
        var accounts = new List<(Guid, Mode, MerchantId, Currency)>();
        if (cleared.Count == 0)
        {
            return accounts;
        }

        await using var command = database.CreateCommand(Payable)
            .With(cleared.Select(c => c.Mode).ToArray(), cleared.Select(c => c.Owner).ToArray(), cleared.Select(c => c.Minimum).ToArray(), cleared.Select(c => c.Minimums).ToArray(), dueOn);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            Invariant.Holds(Id.TryParse<MerchantId>(reader.GetString(2), out var merchant), "a merchant's account is owned by a merchant");
            accounts.Add((reader.GetGuid(0), Words.Parse<Mode>(reader.GetString(1)), merchant, Currency.Of(reader.GetString(3))));
        }

        return accounts;
    }

    private async Task<bool> CreateAsync(Guid account, Mode mode, MerchantId merchant, Currency currency, DateOnly dueOn, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var id = PayoutIds.Of(mode, merchant, currency, dueOn);
        await using var insert = new NpgsqlCommand(Insert, connection, transaction).With(id.Value, Account.Text(mode), merchant.Value, currency.Code, dueOn, account);
        if (await insert.ExecuteScalarAsync(cancellationToken) is not long amount)
        {
            return false;
        }

        await using var limit = new NpgsqlCommand(Limit, connection, transaction).With(currency.Code);
        var above = amount > (long)(await limit.ExecuteScalarAsync(cancellationToken))!;
        var at = new DateTimeOffset(dueOn.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);
        await AddAsync(connection, transaction, id, 1, "", new(above ? PayoutState.AwaitingApproval : PayoutState.Ready, "", "", ByHouse, at), cancellationToken);
        Steps.Reached(PayoutSteps.CreateGathered);
        await PostAsync(connection, transaction, id, mode, merchant, new Money(amount, currency), 1, "payout.created", at, [(LineAction.Hold, LineKind.Payout, false)], cancellationToken);
        Steps.Reached(PayoutSteps.CreateEffects);
        await transaction.CommitAsync(cancellationToken);
        Steps.Reached(PayoutSteps.CreateAfter);
        return true;
    }

    /// <summary>Where it stands, until the transaction ends; null for an unknown one.</summary>
    internal static async Task<Current?> ReadAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, PayoutId id, CancellationToken cancellationToken)
    {
        await using var wait = new NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtextextended('ledger.payout' || $1, 0))", connection, transaction).With(id.ToString());
        await wait.ExecuteNonQueryAsync(cancellationToken);
        await using var command = new NpgsqlCommand(Read, connection, transaction).With(id.Value);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken)
            ? new(Words.Parse<Mode>(row.GetString(0)), new(row.GetGuid(1)), new Money(row.GetInt64(3), Currency.Of(row.GetString(2))), row.GetInt32(4), Words.Parse<PayoutState>(row.GetString(5)))
            : null;
    }

    // The first journal has the payout's digits, each later one its own by the version of the state. It lies in the month in which it is booked: that
    // of the payout may be closed by then.
    private async Task PostAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, PayoutId id, Mode mode, MerchantId merchant, Money amount, int version, string type, DateTimeOffset at,
        (LineAction Action, LineKind Kind, bool Back)[] lines, CancellationToken cancellationToken)
    {
        var (payable, bank) = (new AccountName(merchant.ToString(), AccountKind.MerchantPayable), new AccountName(Account.Platform, AccountKind.Bank));
        var journal = HouseJournal.Of(
            version == 1 ? id.Value : DerivedId.Version7(string.Create(CultureInfo.InvariantCulture, $"{id}|{version}"), time.GetUtcNow()), id.Value, mode, merchant, type, at,
            [.. lines.Select(l => new JournalLine(l.Kind, l.Action, l.Back ? bank : payable, l.Back ? payable : bank, amount))]);
        var verdict = await JournalWriter.PostAsync(connection, transaction, [journal], cancellationToken);
        Invariant.Holds(verdict is [PostingVerdict.Posted], $"a change of a payout is booked once (verdict {verdict[0]})");
    }
}
