-- A balance at a past time begins at the last closing before it, so that at most one month of an account's movements is read,
-- however old the time is and however much the account has moved since.

-- By time of posting: what the books said. Always one row. A table, so that it is planned once with the query that asks.
CREATE FUNCTION ledger.balance_at(p_account uuid, p_at timestamptz) RETURNS TABLE (balance bigint, version bigint)
LANGUAGE sql STABLE AS $$
    SELECT coalesce(e.balance, o.balance, 0), coalesce(e.version, o.version, 0)
    FROM (VALUES (1)) AS one
    LEFT JOIN LATERAL (
        SELECT b.debits - b.credits AS balance, b.version FROM ledger.closing_balances b JOIN ledger.closings c ON c.month = b.month
        WHERE b.account_id = p_account AND c.cut_at <= p_at ORDER BY b.month DESC LIMIT 1) o ON true
    LEFT JOIN LATERAL (
        SELECT b.version FROM ledger.closing_balances b JOIN ledger.closings c ON c.month = b.month
        WHERE b.account_id = p_account AND c.cut_at > p_at ORDER BY b.month LIMIT 1) n ON true
    LEFT JOIN LATERAL (
        SELECT x.balance, x.version FROM (
            (SELECT m.debit_balance AS balance, m.debit_version AS version FROM ledger.movements m
             WHERE m.debit_account_id = p_account AND m.debit_version > coalesce(o.version, 0) AND m.debit_version <= coalesce(n.version, 9223372036854775807) AND m.posted_at <= p_at
             ORDER BY m.debit_version DESC LIMIT 1)
            UNION ALL
            (SELECT m.credit_balance, m.credit_version FROM ledger.movements m
             WHERE m.credit_account_id = p_account AND m.credit_version > coalesce(o.version, 0) AND m.credit_version <= coalesce(n.version, 9223372036854775807) AND m.posted_at <= p_at
             ORDER BY m.credit_version DESC LIMIT 1)) x
        ORDER BY x.version DESC LIMIT 1) e ON true
$$;

-- By effective time: what is known today of that moment. A closed month is taken whole where all of its movements are of before
-- the moment, left out where none is, and read where some are; so is what was posted since the last closing.
CREATE FUNCTION ledger.effective_balance_at(p_account uuid, p_at timestamptz) RETURNS TABLE (balance bigint, movements bigint)
LANGUAGE sql STABLE AS $$
    WITH months AS (
        SELECT b.version, b.debits - b.credits AS balance, b.first_effective_at, b.last_effective_at,
               lag(b.version, 1, 0::bigint) OVER account AS from_version, lag(b.debits - b.credits, 1, 0::bigint) OVER account AS from_balance
        FROM ledger.closing_balances b WHERE b.account_id = p_account
        WINDOW account AS (ORDER BY b.month)
    ), spans AS (
        SELECT m.from_version, m.version FROM months m WHERE m.first_effective_at <= p_at AND m.last_effective_at > p_at
        UNION ALL SELECT coalesce(max(m.version), 0), 9223372036854775807 FROM months m
    ), parts AS (
        SELECT m.balance - m.from_balance AS balance, m.version - m.from_version AS movements FROM months m WHERE m.last_effective_at <= p_at
        UNION ALL
        SELECT d.amount, 1 FROM spans s JOIN ledger.movements d
            ON d.debit_account_id = p_account AND d.debit_version > s.from_version AND d.debit_version <= s.version AND d.effective_at <= p_at
        UNION ALL
        SELECT -c.amount, 1 FROM spans s JOIN ledger.movements c
            ON c.credit_account_id = p_account AND c.credit_version > s.from_version AND c.credit_version <= s.version AND c.effective_at <= p_at
    )
    SELECT coalesce(sum(p.balance), 0)::bigint, coalesce(sum(p.movements), 0)::bigint FROM parts p
$$;

REVOKE ALL ON FUNCTION ledger.balance_at, ledger.effective_balance_at FROM PUBLIC;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_writer') THEN
        GRANT EXECUTE ON FUNCTION ledger.balance_at, ledger.effective_balance_at TO ledger_writer;
    END IF;
END $$;
