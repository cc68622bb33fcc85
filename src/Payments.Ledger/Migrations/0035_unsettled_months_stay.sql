-- A month is not retired while a movement of it is in no batch: it would never be paid. What a statement shows stands with its items, so that it
-- can be read when the month is gone. And settlement looks its rows up by key, however large the books are: a plan for any account at any place
-- would read all journals.

ALTER TABLE ledger.settlement_items
    ADD COLUMN occurred_at timestamptz NULL,
    -- NULL: of no payment, as a correction may be.
    ADD COLUMN payment_id  uuid        NULL;

ALTER TABLE ledger.settlement_items DISABLE TRIGGER USER;
UPDATE ledger.settlement_items i SET occurred_at = j.effective_at, payment_id = nullif(j.payment_id, j.id)
FROM ledger.movements m JOIN ledger.journals j ON j.id = m.journal_id WHERE m.id = i.movement_id;
ALTER TABLE ledger.settlement_items ENABLE TRIGGER USER;

-- What is due at a day later than another is asked of each payable balance.
CREATE INDEX settlement_batches_pay ON ledger.settlement_batches (account_id, pay_on);
CREATE INDEX accounts_kind ON ledger.accounts (kind, mode, owner);

DROP FUNCTION ledger.settleable(uuid, bigint, timestamptz);

CREATE FUNCTION ledger.settleable(p_account uuid, p_after bigint, p_cut timestamptz)
RETURNS TABLE (version bigint, movement_id uuid, kind text, class text, amount bigint, due boolean, occurred_at timestamptz, payment_id uuid)
LANGUAGE sql STABLE
SET search_path = pg_catalog, ledger, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    SELECT e.version, e.id, e.kind, coalesce(k.class, 'other'), e.amount,
           j.effective_at < c.cut_at
               AND CASE WHEN j.partition = 1000 THEN j.seq <= c.house_seq ELSE j.event_seq <= coalesce(c.heads[j.partition + 1], 0) END,
           j.effective_at, nullif(j.payment_id, j.id)
    FROM (
        SELECT m.id, m.journal_id, m.kind, m.credit_version AS version, m.amount FROM ledger.movements m WHERE m.credit_account_id = p_account AND m.credit_version > p_after
        UNION ALL
        SELECT m.id, m.journal_id, m.kind, m.debit_version, -m.amount FROM ledger.movements m WHERE m.debit_account_id = p_account AND m.debit_version > p_after) e
    JOIN ledger.journals j ON j.id = e.journal_id
    JOIN ledger.settlement_cutoffs c ON c.cut_at = p_cut
    LEFT JOIN ledger.settlement_kinds k ON k.kind = e.kind
    WHERE coalesce(k.class, 'other') <> 'settled'
      AND NOT EXISTS (SELECT FROM ledger.settlement_items i WHERE i.account_id = p_account AND i.version = e.version)
$$;

-- Makes the batch, or returns the one that is there. NULL: nothing is due. The caller posts it in the same transaction.
-- p_day: the merchant's day at the cut-off, up to which reserves are given back; what is held now is held for p_reserve_days. p_shift: digits of p_currency less those of the batch's.
CREATE OR REPLACE FUNCTION ledger.settle(
    p_id uuid, p_account uuid, p_merchant uuid, p_cut timestamptz, p_pay_on date, p_reserve_basis_points integer, p_day date, p_reserve_days integer,
    p_currency text, p_rate numeric, p_shift integer) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
DECLARE
    v_account  ledger.accounts;
    v_after    bigint;
    v_known    uuid;
    v_sum      record;
    v_held     bigint;
    v_released bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('ledger.settle' || p_account, 0));
    SELECT * INTO STRICT v_account FROM ledger.accounts WHERE id = p_account AND kind = 'merchant_pending';
    SELECT b.id INTO v_known FROM ledger.settlement_batches b WHERE b.account_id = p_account AND b.cut_at = p_cut;
    IF FOUND THEN
        RETURN v_known;
    END IF;

    v_after := ledger.settled_to(p_account, NULL);
    INSERT INTO ledger.settlement_items (account_id, version, batch_id, movement_id, kind, class, amount, occurred_at, payment_id)
    SELECT p_account, s.version, p_id, s.movement_id, s.kind, s.class, s.amount, s.occurred_at, s.payment_id FROM ledger.settleable(p_account, v_after, p_cut) s WHERE s.due;

    INSERT INTO ledger.reserve_releases (held_batch_id, released_batch_id)
    SELECT b.id, p_id FROM ledger.settlement_batches b
    WHERE b.account_id = p_account AND b.reserve_held > 0 AND b.release_on <= p_day
      AND NOT EXISTS (SELECT FROM ledger.reserve_releases r WHERE r.held_batch_id = b.id);
    SELECT coalesce(sum(b.reserve_held), 0) INTO v_released
    FROM ledger.settlement_batches b JOIN ledger.reserve_releases r ON r.held_batch_id = b.id WHERE b.account_id = p_account AND b.reserve_held > 0 AND r.released_batch_id = p_id;

    SELECT count(*) AS items, coalesce(sum(i.amount), 0) AS net,
        coalesce(sum(i.amount) FILTER (WHERE i.class = 'gross'), 0) AS gross, coalesce(sum(i.amount) FILTER (WHERE i.class = 'refunds'), 0) AS refunds,
        coalesce(sum(i.amount) FILTER (WHERE i.class = 'commission'), 0) AS commission, coalesce(sum(i.amount) FILTER (WHERE i.class = 'disputes'), 0) AS disputes,
        coalesce(sum(i.amount) FILTER (WHERE i.class = 'dispute_fees'), 0) AS dispute_fees, coalesce(sum(i.amount) FILTER (WHERE i.class = 'corrections'), 0) AS corrections,
        coalesce(sum(i.amount) FILTER (WHERE i.class = 'other'), 0) AS other
    INTO v_sum FROM ledger.settlement_items i WHERE i.batch_id = p_id;
    IF v_sum.items = 0 AND v_released = 0 THEN
        RETURN NULL;
    END IF;

    v_held := least(round(greatest(v_sum.gross, 0) * p_reserve_basis_points::numeric / 10000), greatest(v_sum.net, 0));
    INSERT INTO ledger.settlement_batches (id, mode, merchant_id, currency, cut_at, account_id, gathered_to, items,
        gross, refunds, commission, disputes, dispute_fees, corrections, other, net, pay_on, reserve_held, reserve_released, release_on, rate, paid_currency, paid)
    SELECT p_id, v_account.mode, p_merchant, v_account.currency, p_cut, p_account,
        coalesce((SELECT min(s.version) - 1 FROM ledger.settleable(p_account, v_after, p_cut) s), (SELECT b.version FROM ledger.balances b WHERE b.account_id = p_account)),
        v_sum.items, v_sum.gross, v_sum.refunds, v_sum.commission, v_sum.disputes, v_sum.dispute_fees, v_sum.corrections, v_sum.other, v_sum.net,
        p_pay_on, v_held, v_released, CASE WHEN v_held > 0 THEN p_day + p_reserve_days END, p_rate, p_currency,
        round((v_sum.net - v_held + v_released) * coalesce(p_rate, 1) * power(10::numeric, p_shift));
    RETURN p_id;
END $$;

-- A movement that would go with the month and is in no batch; NULL: none. Every version up to settled_to is in one, or is gathered by none, so that
-- only what came after is looked at.
CREATE FUNCTION ledger.unsettled_in(p_month date) RETURNS uuid
LANGUAGE sql STABLE
SET search_path = pg_catalog, ledger, pg_temp SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    SELECT e.id
    FROM ledger.accounts a
    CROSS JOIN LATERAL (SELECT ledger.settled_to(a.id, NULL) AS version) s
    CROSS JOIN LATERAL (
        SELECT m.id, m.journal_id, m.kind, m.credit_version AS version FROM ledger.movements m
        WHERE m.credit_account_id = a.id AND m.credit_version > s.version AND m.id < ledger.uuid_floor((p_month + interval '1 month') AT TIME ZONE 'UTC')
        UNION ALL
        SELECT m.id, m.journal_id, m.kind, m.debit_version FROM ledger.movements m
        WHERE m.debit_account_id = a.id AND m.debit_version > s.version AND m.id < ledger.uuid_floor((p_month + interval '1 month') AT TIME ZONE 'UTC')) e
    JOIN ledger.journals j ON j.id = e.journal_id
    JOIN ledger.closing_heads h ON h.month = p_month AND h.partition = j.partition AND j.seq <= h.seq
    LEFT JOIN ledger.settlement_kinds k ON k.kind = e.kind
    WHERE a.kind = 'merchant_pending' AND coalesce(k.class, 'other') <> 'settled'
      AND NOT EXISTS (SELECT FROM ledger.settlement_items i WHERE i.account_id = a.id AND i.version = e.version)
    LIMIT 1
$$;

-- Looked at in the transaction that lets the month go, before anything of it does.
CREATE FUNCTION ledger.refuse_unsettled() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
DECLARE
    v_movement uuid := ledger.unsettled_in(NEW.month);
BEGIN
    IF v_movement IS NOT NULL THEN
        RAISE EXCEPTION 'month % is not retired while movement % of it is in no settlement', NEW.month, v_movement USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;

    RETURN NEW;
END $$;

CREATE TRIGGER refuse_unsettled BEFORE INSERT ON ledger.retired_months FOR EACH ROW EXECUTE FUNCTION ledger.refuse_unsettled();

REVOKE ALL ON FUNCTION ledger.settleable, ledger.unsettled_in, ledger.refuse_unsettled FROM PUBLIC;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_writer') THEN
        GRANT EXECUTE ON FUNCTION ledger.settleable, ledger.unsettled_in TO ledger_writer;
    END IF;
END $$;
