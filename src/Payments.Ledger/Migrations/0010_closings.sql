-- Months are closed: per account what stands at the month's end, per hash chain its last journal. A closing is hashed over its
-- content and over the closing before, and signed with a key that the database never sees. From then on a closed month need not be
-- read again to know a balance, and it may be retired (0011): its closing is the opening balance of what stays.
--
-- A month holds what was posted in it. The time of posting never falls within a chain, so a month is a range of numbers of each.

CREATE TABLE ledger.closings (
    month             date PRIMARY KEY CHECK (extract(day FROM month) = 1),
    cut_at            timestamptz NOT NULL, -- everything posted before this is in it, and nothing else
    journals          bigint NOT NULL,
    movements         bigint NOT NULL,
    pending_transfers bigint NOT NULL,
    previous_hash     bytea NOT NULL CHECK (length(previous_hash) = 32),
    hash              bytea NOT NULL CHECK (length(hash) = 32),
    key_id            text NOT NULL,
    signature         bytea NOT NULL CHECK (length(signature) = 32),
    closed_at         timestamptz NOT NULL DEFAULT now()
);

-- Both are written before they are signed, in one transaction; the deferred keys let none of it stand unsigned.
CREATE TABLE ledger.closing_heads (
    month     date NOT NULL REFERENCES ledger.closings (month) DEFERRABLE INITIALLY DEFERRED,
    partition integer NOT NULL,
    seq       bigint NOT NULL CHECK (seq > 0),
    hash      bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (month, partition)
);

-- Accounts that were touched in the month, as they stand at its end; the others stand where an earlier month left them.
CREATE TABLE ledger.closing_balances (
    month              date NOT NULL REFERENCES ledger.closings (month) DEFERRABLE INITIALLY DEFERRED,
    account_id         uuid NOT NULL,
    version            bigint NOT NULL,
    debits             bigint NOT NULL,
    credits            bigint NOT NULL,
    pending_debits     bigint NOT NULL,
    pending_credits    bigint NOT NULL,
    first_effective_at timestamptz, -- of the month's movements; both null where only pending amounts changed
    last_effective_at  timestamptz,
    PRIMARY KEY (account_id, month)
);
CREATE INDEX closing_balances_month ON ledger.closing_balances (month, account_id);

-- When each closed month was last read again and found as it was closed, or not.
CREATE TABLE ledger.month_audits (
    month      date PRIMARY KEY,
    audited_at timestamptz NOT NULL,
    findings   integer NOT NULL
);

CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.closings FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.closing_heads FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.closing_balances FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- The journals of a span of months: after the closing p_after (null: from the beginning) up to the closing p_upto (null: to now).
CREATE FUNCTION ledger.journals_of(p_after date, p_upto date) RETURNS SETOF ledger.journals
LANGUAGE sql STABLE AS $$
    SELECT j.* FROM ledger.chain_heads h
    LEFT JOIN ledger.closing_heads a ON a.month = p_after AND a.partition = h.partition
    LEFT JOIN ledger.closing_heads u ON u.month = p_upto AND u.partition = h.partition
    JOIN ledger.journals j ON j.partition = h.partition AND j.seq > coalesce(a.seq, 0)
        AND j.seq <= CASE WHEN p_upto IS NULL THEN h.seq ELSE coalesce(u.seq, 0) END
$$;

-- Lines carry the millisecond of their journal: the bounds within which those of these journals lie, for pruning partitions.
CREATE FUNCTION ledger.bounds_of(p_after date, p_upto date, OUT low uuid, OUT high uuid, OUT journals bigint)
LANGUAGE sql STABLE AS $$
    SELECT (left(min(j.id::text), 13) || '-0000-0000-000000000000')::uuid, (left(max(j.id::text), 13) || '-ffff-ffff-ffffffffffff')::uuid, count(*)
    FROM ledger.journals_of(p_after, p_upto) j
$$;

-- Both sides of every movement of a span of months.
CREATE FUNCTION ledger.entries_of(p_after date, p_upto date, p_low uuid, p_high uuid)
RETURNS TABLE (account_id uuid, version bigint, balance bigint, debit bigint, credit bigint, posted_at timestamptz, effective_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT e.account_id, e.version, e.balance, e.debit, e.credit, j.posted_at, m.effective_at
    FROM ledger.journals_of(p_after, p_upto) j
    JOIN ledger.movements m ON m.journal_id = j.id AND m.id BETWEEN p_low AND p_high
    CROSS JOIN LATERAL (VALUES (m.debit_account_id, m.debit_version, m.debit_balance, m.amount, 0::bigint),
                               (m.credit_account_id, m.credit_version, m.credit_balance, 0::bigint, m.amount)) AS e (account_id, version, balance, debit, credit)
$$;

-- Both sides of every hold (positive) and release (negative) of a span of months.
CREATE FUNCTION ledger.pending_of(p_after date, p_upto date, p_low uuid, p_high uuid)
RETURNS TABLE (id uuid, payment_id uuid, action text, account_id uuid, debit bigint, credit bigint)
LANGUAGE sql STABLE AS $$
    SELECT p.id, p.payment_id, p.action, e.account_id, e.debit, e.credit
    FROM ledger.journals_of(p_after, p_upto) j
    JOIN ledger.pending_transfers p ON p.journal_id = j.id AND p.id BETWEEN p_low AND p_high
    CROSS JOIN LATERAL (SELECT CASE p.action WHEN 'hold' THEN p.amount ELSE -p.amount END AS amount) s
    CROSS JOIN LATERAL (VALUES (p.debit_account_id, s.amount, 0::bigint), (p.credit_account_id, 0::bigint, s.amount)) AS e (account_id, debit, credit)
$$;

-- Each account as the latest closing up to a month left it.
CREATE FUNCTION ledger.closed_balances(p_upto date) RETURNS SETOF ledger.closing_balances
LANGUAGE sql STABLE AS $$
    SELECT DISTINCT ON (b.account_id) b.* FROM ledger.closing_balances b WHERE b.month <= p_upto ORDER BY b.account_id, b.month DESC
$$;

-- What the accounts of a span of months are at its end, recomputed from rows.
CREATE FUNCTION ledger.recomputed_balances(p_after date, p_upto date, p_low uuid, p_high uuid) RETURNS SETOF ledger.closing_balances
LANGUAGE sql STABLE AS $$
    SELECT p_upto, t.account_id, coalesce(o.version, 0) + t.movements, (coalesce(o.debits, 0) + t.debits)::bigint, (coalesce(o.credits, 0) + t.credits)::bigint,
           (coalesce(o.pending_debits, 0) + t.pending_debits)::bigint, (coalesce(o.pending_credits, 0) + t.pending_credits)::bigint, t.first_effective_at, t.last_effective_at
    FROM (
        SELECT x.account_id, count(*) FILTER (WHERE x.moved) AS movements, sum(x.debit) AS debits, sum(x.credit) AS credits,
               sum(x.pending_debit) AS pending_debits, sum(x.pending_credit) AS pending_credits,
               min(x.effective_at) AS first_effective_at, max(x.effective_at) AS last_effective_at
        FROM (
            SELECT e.account_id, true AS moved, e.debit, e.credit, 0::bigint AS pending_debit, 0::bigint AS pending_credit, e.effective_at
            FROM ledger.entries_of(p_after, p_upto, p_low, p_high) e
            UNION ALL
            SELECT p.account_id, false, 0, 0, p.debit, p.credit, NULL FROM ledger.pending_of(p_after, p_upto, p_low, p_high) p) x
        GROUP BY x.account_id) t
    LEFT JOIN ledger.closed_balances(p_after) o ON o.account_id = t.account_id
$$;

CREATE FUNCTION ledger.closing_hash(
    p_month date, p_cut timestamptz, p_journals bigint, p_movements bigint, p_pending bigint, p_previous bytea)
RETURNS bytea
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT sha256(p_previous || convert_to(
        concat_ws('|', 'closing', to_char(p_month, 'YYYY-MM-DD'), (extract(epoch FROM p_cut) * 1000000)::bigint, p_journals, p_movements, p_pending) || E'\n'
        || coalesce((SELECT string_agg(concat_ws('|', 'head', h.partition, h.seq, encode(h.hash, 'hex')) || E'\n', '' ORDER BY h.partition)
                     FROM ledger.closing_heads h WHERE h.month = p_month), '')
        || coalesce((SELECT string_agg(concat_ws('|', 'balance', b.account_id, b.version, b.debits, b.credits, b.pending_debits, b.pending_credits,
                                                 (extract(epoch FROM b.first_effective_at) * 1000000)::bigint, (extract(epoch FROM b.last_effective_at) * 1000000)::bigint) || E'\n', '' ORDER BY b.account_id)
                     FROM ledger.closing_balances b WHERE b.month = p_month), ''), 'UTF8'))
$$;

-- The next month that can be closed: ended for a day, so that what is being posted now can no longer fall into it. Null: none.
CREATE FUNCTION ledger.closable_month() RETURNS date
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT m.month FROM (
        SELECT coalesce(
            (SELECT (max(c.month) + interval '1 month')::date FROM ledger.closings c),
            (SELECT date_trunc('month', min(f.posted_at) AT TIME ZONE 'UTC')::date
             FROM ledger.chain_heads h, LATERAL (SELECT j.posted_at FROM ledger.journals j WHERE j.partition = h.partition ORDER BY j.seq LIMIT 1) f)) AS month) m
    WHERE (m.month + interval '1 month 1 day') AT TIME ZONE 'UTC' <= now()
$$;

-- Writes what stands at the end of the next month and returns what is to be signed. Everything is recomputed from rows: each
-- account's versions must go on without a gap from the closing before, and its running balances must follow from its movements.
CREATE FUNCTION ledger.draft_closing(p_month date)
RETURNS TABLE (cut_at timestamptz, journals bigint, movements bigint, pending_transfers bigint, previous_hash bytea, hash bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_end      timestamptz := (p_month + interval '1 month') AT TIME ZONE 'UTC';
    v_cut      timestamptz := v_end;
    v_before   date := (SELECT max(c.month) FROM ledger.closings c);
    v_previous bytea := coalesce((SELECT c.hash FROM ledger.closings c WHERE c.month = v_before), decode(repeat('00', 32), 'hex'));
    v_bounds   record;
    v_earlier  timestamptz;
    v_wrong    bigint;
    v_moves    bigint;
    v_pending  bigint;
BEGIN
    IF ledger.closable_month() IS DISTINCT FROM p_month THEN
        RAISE EXCEPTION 'month % is not the next that can be closed', p_month USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;

    -- From here on nothing can be posted into the month any more, whatever a clock says.
    UPDATE ledger.chain_heads h SET posted_at = v_end WHERE h.posted_at < v_end;

    -- Where the clock stepped back at the month's end, two chains may have posted to one account against the order of time: the cut
    -- then moves before that, by seconds.
    v_bounds := ledger.bounds_of(v_before, NULL);
    LOOP
        SELECT min(r.posted_at) FILTER (WHERE r.version <> r.expected_version),
               count(*) FILTER (WHERE r.version = r.expected_version AND r.balance <> r.expected_balance)
        INTO v_earlier, v_wrong
        FROM (
            SELECT e.posted_at, e.version, e.balance, coalesce(o.version, 0) + row_number() OVER account AS expected_version,
                   coalesce(o.debits - o.credits, 0) + sum(e.debit - e.credit) OVER account AS expected_balance
            FROM ledger.entries_of(v_before, NULL, v_bounds.low, v_bounds.high) e
            LEFT JOIN ledger.closed_balances(v_before) o ON o.account_id = e.account_id
            WHERE e.posted_at < v_cut
            WINDOW account AS (PARTITION BY e.account_id ORDER BY e.version)) r;
        EXIT WHEN v_earlier IS NULL;
        v_cut := v_earlier;
        IF v_cut < v_end - interval '1 hour' THEN
            RAISE EXCEPTION 'month % cannot be closed: the versions of an account have a gap', p_month USING ERRCODE = 'data_corrupted';
        END IF;
    END LOOP;
    IF v_wrong > 0 THEN
        RAISE EXCEPTION 'month % cannot be closed: % running balances do not follow from their movements', p_month, v_wrong USING ERRCODE = 'data_corrupted';
    END IF;

    INSERT INTO ledger.closing_heads (month, partition, seq, hash)
    SELECT p_month, h.partition, coalesce(l.seq, b.seq), coalesce(l.hash, b.hash)
    FROM ledger.chain_heads h
    LEFT JOIN ledger.closing_heads b ON b.month = v_before AND b.partition = h.partition
    LEFT JOIN LATERAL (
        SELECT j.seq, j.hash FROM ledger.journals j
        WHERE j.partition = h.partition AND j.seq > coalesce(b.seq, 0) AND j.posted_at < v_cut ORDER BY j.seq DESC LIMIT 1) l ON true
    WHERE coalesce(l.seq, b.seq) IS NOT NULL;

    v_bounds := ledger.bounds_of(v_before, p_month);
    INSERT INTO ledger.closing_balances (month, account_id, version, debits, credits, pending_debits, pending_credits, first_effective_at, last_effective_at)
    SELECT r.month, r.account_id, r.version, r.debits, r.credits, r.pending_debits, r.pending_credits, r.first_effective_at, r.last_effective_at
    FROM ledger.recomputed_balances(v_before, p_month, v_bounds.low, v_bounds.high) r;
    SELECT count(*) INTO v_moves FROM ledger.entries_of(v_before, p_month, v_bounds.low, v_bounds.high) e WHERE e.debit > 0;
    SELECT count(DISTINCT p.id) INTO v_pending FROM ledger.pending_of(v_before, p_month, v_bounds.low, v_bounds.high) p;
    RETURN QUERY SELECT v_cut, v_bounds.journals, v_moves, v_pending, v_previous,
        ledger.closing_hash(p_month, v_cut, v_bounds.journals, v_moves, v_pending, v_previous);
END $$;

-- Puts the signature under a draft of the same transaction.
CREATE FUNCTION ledger.sign_closing(
    p_month date, p_cut timestamptz, p_journals bigint, p_movements bigint, p_pending bigint, p_key_id text, p_signature bytea)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_previous bytea := coalesce((SELECT c.hash FROM ledger.closings c ORDER BY c.month DESC LIMIT 1), decode(repeat('00', 32), 'hex'));
BEGIN
    IF ledger.closable_month() IS DISTINCT FROM p_month THEN
        RAISE EXCEPTION 'month % is not the next that can be closed', p_month USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;

    INSERT INTO ledger.closings (month, cut_at, journals, movements, pending_transfers, previous_hash, hash, key_id, signature)
    VALUES (p_month, p_cut, p_journals, p_movements, p_pending, v_previous,
        ledger.closing_hash(p_month, p_cut, p_journals, p_movements, p_pending, v_previous), p_key_id, p_signature);
END $$;

REVOKE ALL ON FUNCTION ledger.journals_of, ledger.bounds_of, ledger.entries_of, ledger.pending_of, ledger.closed_balances, ledger.recomputed_balances,
    ledger.closing_hash, ledger.closable_month, ledger.draft_closing, ledger.sign_closing FROM PUBLIC;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_writer') THEN
        GRANT SELECT ON ledger.closings, ledger.closing_heads, ledger.closing_balances, ledger.month_audits TO ledger_writer;
        GRANT INSERT, UPDATE ON ledger.month_audits TO ledger_writer;
        GRANT EXECUTE ON FUNCTION ledger.journals_of, ledger.bounds_of, ledger.entries_of, ledger.pending_of, ledger.closed_balances, ledger.recomputed_balances,
            ledger.closing_hash, ledger.closable_month, ledger.draft_closing, ledger.sign_closing TO ledger_writer;
    END IF;
END $$;
