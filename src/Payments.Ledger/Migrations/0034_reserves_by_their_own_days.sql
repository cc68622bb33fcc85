-- When a reserve is given back is decided when it is held, as a day of the merchant: whoever shortens or ends the reserve in the terms gives
-- back nothing of what was agreed before, and a day of 23 or 25 hours moves nothing. A POST of a rate or of terms is answered as the first
-- time when it comes again: it does not come to count before what was given after it.

ALTER TABLE ledger.settlement_batches ADD COLUMN release_on date NULL;

-- What is held was held by the terms of its time; none from then: by the first that there are.
ALTER TABLE ledger.settlement_batches DISABLE TRIGGER USER;
UPDATE ledger.settlement_batches b SET release_on = (b.cut_at AT TIME ZONE t.time_zone)::date + t.reserve_days
FROM ledger.settlement_batches h
CROSS JOIN LATERAL (
    SELECT s.time_zone, s.reserve_days FROM ledger.settlement_terms s WHERE s.mode = h.mode AND s.merchant_id = h.merchant_id AND s.reserve_days > 0
    ORDER BY s.set_at <= h.closed_at DESC, CASE WHEN s.set_at <= h.closed_at THEN -s.version ELSE s.version END LIMIT 1) t
WHERE h.id = b.id AND h.reserve_held > 0;
UPDATE ledger.settlement_batches SET release_on = (cut_at AT TIME ZONE 'UTC')::date + 730 WHERE reserve_held > 0 AND release_on IS NULL;
ALTER TABLE ledger.settlement_batches ENABLE TRIGGER USER;
ALTER TABLE ledger.settlement_batches ADD CONSTRAINT settlement_batches_release CHECK ((reserve_held > 0) = (release_on IS NOT NULL));

-- Makes the batch, or returns the one that is there. NULL: nothing is due. The caller posts it in the same transaction.
-- p_day: the merchant's day at the cut-off, up to which reserves are given back; what is held now is held for p_reserve_days. p_shift: digits of p_currency less those of the batch's.
CREATE FUNCTION ledger.settle(
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
    INSERT INTO ledger.settlement_items (account_id, version, batch_id, movement_id, kind, class, amount)
    SELECT p_account, s.version, p_id, s.movement_id, s.kind, s.class, s.amount FROM ledger.settleable(p_account, v_after, p_cut) s WHERE s.due;

    INSERT INTO ledger.reserve_releases (held_batch_id, released_batch_id)
    SELECT b.id, p_id FROM ledger.settlement_batches b
    WHERE b.account_id = p_account AND b.reserve_held > 0 AND b.release_on <= p_day
      AND NOT EXISTS (SELECT FROM ledger.reserve_releases r WHERE r.held_batch_id = b.id);
    SELECT coalesce(sum(b.reserve_held), 0) INTO v_released
    FROM ledger.reserve_releases r JOIN ledger.settlement_batches b ON b.id = r.held_batch_id WHERE r.released_batch_id = p_id;

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

-- As the version before asks, until no replica of it runs.
CREATE OR REPLACE FUNCTION ledger.settle(
    p_id uuid, p_account uuid, p_merchant uuid, p_cut timestamptz, p_pay_on date, p_reserve_basis_points integer, p_release_before timestamptz,
    p_currency text, p_rate numeric, p_shift integer) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
    SELECT ledger.settle(p_id, p_account, p_merchant, p_cut, p_pay_on, p_reserve_basis_points, (p_cut AT TIME ZONE 'UTC')::date,
        coalesce(extract(epoch FROM p_cut - p_release_before)::integer / 86400, 0), p_currency, p_rate, p_shift)
$$;

-- Under which key of whom it was given.
ALTER TABLE ledger.rates ADD COLUMN request_key text NULL;
ALTER TABLE ledger.settlement_terms ADD COLUMN request_key text NULL;
CREATE UNIQUE INDEX rates_request ON ledger.rates (uploaded_by, request_key) WHERE request_key IS NOT NULL;
CREATE UNIQUE INDEX settlement_terms_request ON ledger.settlement_terms (set_by, request_key) WHERE request_key IS NOT NULL;

REVOKE ALL ON FUNCTION ledger.settle(uuid, uuid, uuid, timestamptz, date, integer, date, integer, text, numeric, integer) FROM PUBLIC;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_writer') THEN
        GRANT EXECUTE ON FUNCTION ledger.settle(uuid, uuid, uuid, timestamptz, date, integer, date, integer, text, numeric, integer) TO ledger_writer;
    END IF;
END $$;
