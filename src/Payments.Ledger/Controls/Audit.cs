using Npgsql;
using Payments.Core;

namespace Payments.Ledger.Controls;

/// <summary>
/// Proves the books against themselves: folds against movements, running balances, orphans, holds, default partitions. A zero trial
/// balance alone proves little where an unbalanced row cannot be written.
/// </summary>
public sealed class Audit(NpgsqlDataSource database)
{
    // kind, what is wrong, query for (subject, detail); at most a hundred rows each. Each runs on one snapshot.
    private static readonly (string Kind, string Detail, bool OfAccount, string Sql)[] Rules =
    [
        ("fold_differs", "The account's folded balance is not the sum of its movements.", true, """
            SELECT b.account_id FROM ledger.balances b
            LEFT JOIN (SELECT account_id, count(*) AS movements, max(version) AS version, coalesce(sum(amount) FILTER (WHERE direction = 'debit'), 0) AS debits,
                              coalesce(sum(amount) FILTER (WHERE direction = 'credit'), 0) AS credits
                       FROM ledger.entries GROUP BY account_id) e ON e.account_id = b.account_id
            WHERE (b.version, b.version, b.debits, b.credits) <> (coalesce(e.movements, 0), coalesce(e.version, 0), coalesce(e.debits, 0), coalesce(e.credits, 0))
            LIMIT 100
            """),
        ("pending_fold_differs", "The account's folded pending amounts are not the sums of its pending transfers.", true, """
            SELECT b.account_id FROM ledger.balances b
            LEFT JOIN (SELECT x.account_id, sum(x.debit) AS debits, sum(x.credit) AS credits
                       FROM ledger.pending_transfers p,
                            LATERAL (SELECT CASE p.action WHEN 'hold' THEN p.amount ELSE -p.amount END AS amount) s,
                            LATERAL (VALUES (p.debit_account_id, s.amount, 0), (p.credit_account_id, 0, s.amount)) AS x (account_id, debit, credit)
                       GROUP BY x.account_id) e ON e.account_id = b.account_id
            WHERE (b.pending_debits, b.pending_credits) <> (coalesce(e.debits, 0), coalesce(e.credits, 0))
            LIMIT 100
            """),
        ("running_balance_differs", "A movement of the account carries a version or a balance that does not follow from those before it.", true, """
            SELECT DISTINCT account_id FROM (
                SELECT account_id, version, balance, row_number() OVER account AS expected_version,
                       sum(CASE direction WHEN 'debit' THEN amount ELSE -amount END) OVER account AS expected_balance
                FROM ledger.entries WINDOW account AS (PARTITION BY account_id ORDER BY version)) v
            WHERE version <> expected_version OR balance <> expected_balance
            LIMIT 100
            """),
        ("orphan", "A movement or a pending transfer names a journal or an account that does not exist, or one of another currency or mode.", false, """
            SELECT m.id FROM (
                SELECT id, journal_id, debit_account_id, credit_account_id, currency FROM ledger.movements
                UNION ALL SELECT id, journal_id, debit_account_id, credit_account_id, currency FROM ledger.pending_transfers) m
            LEFT JOIN ledger.journals j ON j.id = m.journal_id
            LEFT JOIN ledger.accounts d ON d.id = m.debit_account_id
            LEFT JOIN ledger.accounts c ON c.id = m.credit_account_id
            WHERE j.id IS NULL OR d.id IS NULL OR c.id IS NULL OR d.currency <> m.currency OR c.currency <> m.currency OR d.mode <> j.mode OR c.mode <> j.mode
            LIMIT 100
            """),
        ("released_more_than_held", "More was released of the payment's authorization than was held.", false, """
            SELECT payment_id FROM ledger.pending_transfers GROUP BY payment_id
            HAVING sum(CASE action WHEN 'hold' THEN amount ELSE -amount END) < 0
            LIMIT 100
            """),
        ("default_partition", "Rows lie in the default partition: their ids are of a month that has none.", false, """
            SELECT id FROM ledger.journals_default
            UNION ALL SELECT id FROM ledger.movements_default UNION ALL SELECT id FROM ledger.pending_transfers_default
            LIMIT 100
            """),
        ("trial_balance", "The debits and credits of the currency differ (subject: an account of it).", true, """
            SELECT min(a.id::text)::uuid FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id
            GROUP BY a.mode, a.currency HAVING sum(b.debits) <> sum(b.credits)
            LIMIT 100
            """),
    ];

    public static IReadOnlyList<string> Kinds { get; } = [.. Rules.Select(r => r.Kind)];

    /// <summary>Reads all of the books: to be run rarely.</summary>
    public async Task<IReadOnlyList<Finding>> ExamineAsync(CancellationToken cancellationToken)
    {
        var found = new List<Finding>();
        foreach (var (kind, detail, ofAccount, sql) in Rules)
        {
            await using var command = database.CreateCommand(sql);
            command.CommandTimeout = 0;
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                var subject = reader.GetGuid(0);
                found.Add(new(kind, ofAccount ? new AccountId(subject).ToString() : kind == "released_more_than_held" ? new PaymentId(subject).ToString() : subject.ToString(), detail));
            }
        }

        return found;
    }
}
