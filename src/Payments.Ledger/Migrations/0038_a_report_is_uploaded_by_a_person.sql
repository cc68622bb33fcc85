-- A bank's report is uploaded by a person, and nothing proves that the bank wrote it: what makes a payout payable again needs the statement, or two people
-- who say or upload it.

CREATE OR REPLACE FUNCTION ledger.check_payout_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
DECLARE
    v_payout ledger.payouts;
    v_limit  bigint;
BEGIN
    SELECT * INTO STRICT v_payout FROM ledger.payouts WHERE id = NEW.payout_id FOR KEY SHARE;
    IF NEW.before <> coalesce((SELECT c.state FROM ledger.payout_changes c WHERE c.payout_id = NEW.payout_id AND c.version = NEW.version - 1), '')
        OR (NEW.version = 1) <> (NEW.before = '') THEN
        RAISE EXCEPTION 'payout % is not %', NEW.payout_id, NEW.before USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    SELECT l.above INTO v_limit FROM ledger.payout_limits l WHERE l.currency IN (v_payout.currency, '*') ORDER BY l.currency = '*' LIMIT 1;
    IF NEW.state = 'ready' AND v_payout.amount > v_limit AND (SELECT count(*) FROM ledger.payout_approvals a WHERE a.payout_id = NEW.payout_id) < 2 THEN
        RAISE EXCEPTION 'payout % needs two people', NEW.payout_id USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    IF NEW.state IN ('failed', 'returned') AND NEW.evidence <> 'statement'
        AND (SELECT count(*) FROM ledger.payout_reports r WHERE r.payout_id = NEW.payout_id AND r.state = NEW.state) < 2 THEN
        RAISE EXCEPTION 'that payout % is % says neither the statement nor a second person', NEW.payout_id, NEW.state USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    IF NEW.state = 'sent' AND (coalesce((SELECT s.stopped FROM ledger.payout_switch s ORDER BY s.version DESC LIMIT 1), false)
        OR (SELECT s.state FROM ledger.payout_settings s WHERE s.mode = v_payout.mode AND s.merchant_id = v_payout.merchant_id ORDER BY s.version DESC LIMIT 1) IS DISTINCT FROM 'cleared') THEN
        RAISE EXCEPTION 'payout % is held', NEW.payout_id USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    RETURN NEW;
END $$;
