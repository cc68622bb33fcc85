using System.Data;
using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Ledger.Chain;
using Payments.Ledger.Closing;

namespace Payments.Ledger.Controls;

/// <summary>
/// Proves the books against themselves, month by month. What was posted since the last closing is read every time; of the closed
/// months that are still in the books the one that was looked at longest ago, and those in which something was found. So the work
/// does not grow with the books, and no month stays unread for long.
/// </summary>
public sealed class Audit(NpgsqlDataSource database, Closings closings, ChainVerification chain)
{
    public const string ChainBroken = "chain_broken";

    // What a rule names.
    private enum Subject
    {
        Account,
        Payment,
        Line,
    }

    // kind, what is wrong, of what, query; at most a hundred rows each. $1 the closing before, $2 the month's own (null: to now),
    // $3 and $4 the ids of its lines, $5 and $6 the ids of the calendar month. All run on one snapshot.
    private sealed record Rule(string Kind, string Detail, Subject Of, string Sql);

    private static readonly Rule[] OfEveryMonth =
    [
        new("running_balance_differs", "A movement of the account carries a version or a balance that does not follow from those before it.", Subject.Account, """
            SELECT DISTINCT v.account_id FROM (
                SELECT e.account_id, e.version, e.balance, coalesce(o.version, 0) + row_number() OVER account AS expected_version,
                       coalesce(o.debits - o.credits, 0) + sum(e.debit - e.credit) OVER account AS expected_balance
                FROM ledger.entries_of($1, $2, $3, $4) e LEFT JOIN ledger.closed_balances($1) o ON o.account_id = e.account_id
                WINDOW account AS (PARTITION BY e.account_id ORDER BY e.version)) v
            WHERE v.version <> v.expected_version OR v.balance <> v.expected_balance
            LIMIT 100
            """),
        new("orphan", "A movement or a pending transfer names a journal or an account that does not exist, or one of another moment, currency or mode.", Subject.Line, """
            SELECT m.id FROM (
                SELECT id, journal_id, debit_account_id, credit_account_id, currency FROM ledger.movements WHERE id >= $5 AND id < $6
                UNION ALL SELECT id, journal_id, debit_account_id, credit_account_id, currency FROM ledger.pending_transfers WHERE id >= $5 AND id < $6) m
            LEFT JOIN ledger.journals j ON j.id = m.journal_id AND j.id >= $5 AND j.id < $6
            LEFT JOIN ledger.accounts d ON d.id = m.debit_account_id
            LEFT JOIN ledger.accounts c ON c.id = m.credit_account_id
            WHERE j.id IS NULL OR d.id IS NULL OR c.id IS NULL OR d.currency <> m.currency OR c.currency <> m.currency OR d.mode <> j.mode OR c.mode <> j.mode
                OR left(m.id::text, 13) <> left(j.id::text, 13)
            LIMIT 100
            """),
        new("released_more_than_held", "More was released of the payment's authorization than was held.", Subject.Payment, """
            SELECT r.payment_id FROM (SELECT DISTINCT p.payment_id FROM ledger.pending_of($1, $2, $3, $4) p WHERE p.action = 'release') r
            JOIN ledger.journals j ON j.payment_id = r.payment_id
            JOIN ledger.pending_transfers t ON t.journal_id = j.id AND t.payment_id = r.payment_id
            GROUP BY r.payment_id
            HAVING sum(CASE t.action WHEN 'hold' THEN t.amount ELSE -t.amount END)
                + coalesce((SELECT sum(o.amount) FROM ledger.opening_holds o WHERE o.payment_id = r.payment_id), 0) < 0
            LIMIT 100
            """),
    ];

    private static readonly Rule[] OfClosedMonths =
    [
        new("closing_differs", "The account's rows of the month do not lead to what its closing says.", Subject.Account, """
            SELECT coalesce(b.account_id, r.account_id)
            FROM (SELECT * FROM ledger.closing_balances WHERE month = $2) b
            FULL JOIN ledger.recomputed_balances($1, $2, $3, $4) r ON r.account_id = b.account_id
            WHERE b IS DISTINCT FROM r
            LIMIT 100
            """),
    ];

    private static readonly Rule[] OfTheOpenSpan =
    [
        new("fold_differs", "The account's folded balance is not the sum of its movements.", Subject.Account, """
            SELECT b.account_id FROM ledger.balances b
            LEFT JOIN ledger.closed_balances($1) o ON o.account_id = b.account_id
            LEFT JOIN ledger.recomputed_balances($1, $2, $3, $4) r ON r.account_id = b.account_id
            WHERE (b.version, b.debits, b.credits) <> (coalesce(r.version, o.version, 0), coalesce(r.debits, o.debits, 0), coalesce(r.credits, o.credits, 0))
            LIMIT 100
            """),
        new("pending_fold_differs", "The account's folded pending amounts are not the sums of its pending transfers.", Subject.Account, """
            SELECT b.account_id FROM ledger.balances b
            LEFT JOIN ledger.closed_balances($1) o ON o.account_id = b.account_id
            LEFT JOIN ledger.recomputed_balances($1, $2, $3, $4) r ON r.account_id = b.account_id
            WHERE (b.pending_debits, b.pending_credits) <> (coalesce(r.pending_debits, o.pending_debits, 0), coalesce(r.pending_credits, o.pending_credits, 0))
            LIMIT 100
            """),
        new("default_partition", "Rows lie in the default partition: their ids are of a month that has none.", Subject.Line, """
            SELECT id FROM ledger.journals_default
            UNION ALL SELECT id FROM ledger.movements_default UNION ALL SELECT id FROM ledger.pending_transfers_default
            LIMIT 100
            """),
        new("trial_balance", "The debits and credits of the currency differ (subject: an account of it).", Subject.Account, """
            SELECT min(a.id::text)::uuid FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id
            GROUP BY a.mode, a.currency HAVING sum(b.debits) <> sum(b.credits)
            LIMIT 100
            """),
    ];

    public static IReadOnlyList<string> Kinds { get; } = [ChainBroken, .. OfEveryMonth.Concat(OfClosedMonths).Concat(OfTheOpenSpan).Select(r => r.Kind)];

    /// <summary>Everything since the last closing, one closed month in turn, and those in which something was found the last time.</summary>
    /// <returns>What was found, and up to where each chain was verified.</returns>
    /// <param name="pace">Null where somebody waits for the answer.</param>
    public async Task<(IReadOnlyList<Finding> Found, IReadOnlyList<ChainHead> Verified)> ExamineAsync(CancellationToken cancellationToken, Pace? pace = null)
    {
        var months = await closings.MonthsAsync(cancellationToken);
        var found = new List<Finding>();
        foreach (var month in await TurnAsync(cancellationToken))
        {
            var before = months.LastOrDefault(m => m.Month < month)?.Month;
            var (_, ofMonth) = await ExamineAsync(before, month, [.. OfEveryMonth, .. OfClosedMonths], pace, cancellationToken);
            await MarkAsync(month, ofMonth.Count, cancellationToken);
            found.AddRange(ofMonth);
        }

        var (report, open) = await ExamineAsync(months is [.., var last] ? last.Month : null, null, [.. OfEveryMonth, .. OfTheOpenSpan], pace, cancellationToken);
        found.AddRange(open);
        return (found, report.Heads);
    }

    /// <summary>What a break of the chain is as a finding.</summary>
    public static Finding Describe(ChainBreak broken)
    {
        ArgumentNullException.ThrowIfNull(broken);
        return new(
            ChainBroken,
            broken.Journal is { } journal ? journal.ToString() : $"partition {broken.Partition}, number {broken.Seq}",
            $"Journal number {broken.Seq} of ledger partition {broken.Partition}: {broken.Problem}");
    }

    private async Task<(ChainReport Report, List<Finding> Found)> ExamineAsync(DateOnly? before, DateOnly? month, Rule[] rules, Pace? pace, CancellationToken cancellationToken)
    {
        var report = await chain.VerifyAsync(
            await closings.HeadsAsync(before, cancellationToken), month is null ? null : await closings.HeadsAsync(month, cancellationToken), cancellationToken, pace);
        var found = report.Breaks.Select(Describe).ToList();

        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        var bounds = await BoundsAsync(connection, before, month, cancellationToken);
        foreach (var rule in rules)
        {
            await using var command = new NpgsqlCommand(rule.Sql, connection, transaction) { CommandTimeout = 0 };
            AddMonths(command, before, month);
            foreach (var id in bounds)
            {
                command.Parameters.Add(new() { Value = id, NpgsqlDbType = NpgsqlDbType.Uuid });
            }

            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                var id = reader.GetGuid(0);
                var subject = rule.Of switch
                {
                    Subject.Account => new AccountId(id).ToString(),
                    Subject.Payment => new PaymentId(id).ToString(),
                    _ => id.ToString(),
                };
                found.Add(new(rule.Kind, subject, rule.Detail));
            }
        }

        return (report, found);
    }

    // Within the snapshot of the rules: what is posted meanwhile is in neither. The open span has no end: a line that was planted
    // behind the last journal is in it.
    private static async Task<object[]> BoundsAsync(NpgsqlConnection connection, DateOnly? before, DateOnly? month, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("""
            SELECT b.low, CASE WHEN $2 IS NOT NULL THEN b.high ELSE 'ffffffff-ffff-ffff-ffff-ffffffffffff' END,
                CASE WHEN $2 IS NOT NULL THEN ledger.uuid_floor($2::timestamp AT TIME ZONE 'UTC')
                     WHEN $1 IS NOT NULL THEN ledger.uuid_floor(($1 + interval '1 month') AT TIME ZONE 'UTC') ELSE '00000000-0000-0000-0000-000000000000' END,
                CASE WHEN $2 IS NOT NULL THEN ledger.uuid_floor(($2 + interval '1 month') AT TIME ZONE 'UTC') ELSE 'ffffffff-ffff-ffff-ffff-ffffffffffff' END
            FROM ledger.bounds_of($1, $2) b
            """, connection) { CommandTimeout = 0 };
        AddMonths(command, before, month);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return [reader.GetValue(0), reader.GetValue(1), reader.GetValue(2), reader.GetValue(3)];
    }

    private static void AddMonths(NpgsqlCommand command, DateOnly? before, DateOnly? month)
    {
        command.Parameters.Add(new() { Value = (object?)before ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Date });
        command.Parameters.Add(new() { Value = (object?)month ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Date });
    }

    private async Task<List<DateOnly>> TurnAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            SELECT month FROM (
                SELECT c.month, a.findings, row_number() OVER (ORDER BY a.audited_at NULLS FIRST, c.month) AS place
                FROM ledger.closings c LEFT JOIN ledger.month_audits a ON a.month = c.month
                WHERE c.month > coalesce(ledger.horizon(), '-infinity')) m
            WHERE place = 1 OR findings > 0 ORDER BY month
            """);
        var months = new List<DateOnly>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            months.Add(reader.GetFieldValue<DateOnly>(0));
        }

        return months;
    }

    private async Task MarkAsync(DateOnly month, int findings, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            INSERT INTO ledger.month_audits (month, audited_at, findings) VALUES ($1, now(), $2)
            ON CONFLICT (month) DO UPDATE SET audited_at = excluded.audited_at, findings = excluded.findings
            """);
        command.Parameters.Add(new() { Value = month, NpgsqlDbType = NpgsqlDbType.Date });
        command.Parameters.Add(new() { Value = findings });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
