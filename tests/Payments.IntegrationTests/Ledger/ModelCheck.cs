using Xunit;

namespace Payments.IntegrationTests.Ledger;

/// <summary>Replays everything that is in the books and compares it with what they say of themselves.</summary>
internal static class ModelCheck
{
    private const string PostedTime = "posted time grows with an account's versions";

    private static readonly (string Rule, string Sql)[] Violations =
    [
        ("folded balances are the sums of their movements", """
            SELECT count(*) FROM ledger.balances b
            LEFT JOIN (SELECT account_id, count(*) AS n, sum(amount) FILTER (WHERE direction = 'debit') AS debits, sum(amount) FILTER (WHERE direction = 'credit') AS credits
                       FROM ledger.entries GROUP BY account_id) e ON e.account_id = b.account_id
            WHERE (b.version, b.debits, b.credits) <> (coalesce(e.n, 0), coalesce(e.debits, 0), coalesce(e.credits, 0))
            """),
        ("folded pending amounts are the sums of pending transfers", """
            SELECT count(*) FROM ledger.balances b
            LEFT JOIN (SELECT x.account_id, sum(x.debit) AS debits, sum(x.credit) AS credits
                       FROM ledger.pending_transfers p,
                            LATERAL (SELECT CASE p.action WHEN 'hold' THEN p.amount ELSE -p.amount END AS amount) s,
                            LATERAL (VALUES (p.debit_account_id, s.amount, 0), (p.credit_account_id, 0, s.amount)) AS x (account_id, debit, credit)
                       GROUP BY x.account_id) e ON e.account_id = b.account_id
            WHERE (b.pending_debits, b.pending_credits) <> (coalesce(e.debits, 0), coalesce(e.credits, 0))
            """),
        ("an account's versions have neither gap nor duplicate", """
            SELECT count(*) FROM (SELECT version, row_number() OVER (PARTITION BY account_id ORDER BY version) AS expected FROM ledger.entries) v WHERE version <> expected
            """),
        ("running balances follow from the movements before", """
            SELECT count(*) FROM (SELECT balance, sum(CASE direction WHEN 'debit' THEN amount ELSE -amount END) OVER (PARTITION BY account_id ORDER BY version) AS expected
                                  FROM ledger.entries) v WHERE balance <> expected
            """),
        (PostedTime, """
            SELECT count(*) FROM (SELECT posted_at, lag(posted_at) OVER (PARTITION BY account_id ORDER BY version) AS before FROM ledger.entries) v WHERE posted_at < before
            """),
        ("no movement or pending transfer is an orphan", """
            SELECT count(*) FROM (
                SELECT journal_id, debit_account_id, credit_account_id, currency FROM ledger.movements
                UNION ALL SELECT journal_id, debit_account_id, credit_account_id, currency FROM ledger.pending_transfers) m
            LEFT JOIN ledger.journals j ON j.id = m.journal_id
            LEFT JOIN ledger.accounts d ON d.id = m.debit_account_id
            LEFT JOIN ledger.accounts c ON c.id = m.credit_account_id
            WHERE j.id IS NULL OR d.id IS NULL OR c.id IS NULL OR d.currency <> m.currency OR c.currency <> m.currency OR d.mode <> j.mode OR c.mode <> j.mode
            """),
        ("a journal has the movements that it says", """
            SELECT count(*) FROM ledger.journals j WHERE j.movements <> (SELECT count(*) FROM ledger.movements m WHERE m.journal_id = j.id)
            """),
        ("hash chains have neither gap nor fork and end at their heads", """
            SELECT (SELECT count(*) FROM (SELECT seq, previous_hash, row_number() OVER chain AS expected, lag(hash, 1, decode(repeat('00', 32), 'hex')) OVER chain AS before
                                          FROM ledger.journals WINDOW chain AS (PARTITION BY partition ORDER BY seq)) c WHERE seq <> expected OR previous_hash <> before)
                 + (SELECT count(*) FROM ledger.chain_heads h WHERE h.seq <> (SELECT count(*) FROM ledger.journals j WHERE j.partition = h.partition))
            """),
        ("nothing lies in a default partition", """
            SELECT (SELECT count(*) FROM ledger.journals_default) + (SELECT count(*) FROM ledger.movements_default) + (SELECT count(*) FROM ledger.pending_transfers_default)
            """),
        ("each currency and mode balances", """
            SELECT count(*) FROM (SELECT 1 FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id GROUP BY a.mode, a.currency HAVING sum(b.debits) <> sum(b.credits)) t
            """),
    ];

    /// <param name="clockSteppedBack">The database's clock did while these books were written: then only its order of chains holds.</param>
    public static async Task HoldsAsync(LedgerDatabase books, CancellationToken cancellationToken, bool clockSteppedBack = false)
    {
        foreach (var (rule, sql) in Violations.Where(v => !clockSteppedBack || v.Rule != PostedTime))
        {
            var found = await books.ValueAsync<long>(sql, cancellationToken);
            Assert.True(found == 0, $"Not true: {rule} ({found} violations).");
        }
    }
}
