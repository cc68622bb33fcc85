-- Two people approve a payout to a bank account, and no other is paid. A later account of a merchant is paid when a second person has given the same.
-- set_by is from here on the person, as in payout_approvals; before it was the key.

-- The version that first had this account. Later versions with the same one carry the same sealed text.
ALTER TABLE ledger.payout_settings
    ADD COLUMN account_version integer NULL CHECK (account_version BETWEEN 1 AND version),
    -- Of an account that replaces another one: not paid before a second person gave it too. What counted before this is left to count.
    ADD COLUMN to_confirm boolean NOT NULL DEFAULT false;

ALTER TABLE ledger.payout_settings DISABLE TRIGGER USER;
UPDATE ledger.payout_settings SET account_version = version;
ALTER TABLE ledger.payout_settings ENABLE TRIGGER USER;
ALTER TABLE ledger.payout_settings ALTER COLUMN account_version SET NOT NULL;

-- The account that stood when it was approved: what changed it since sends the payout back.
ALTER TABLE ledger.payout_approvals ADD COLUMN account_version integer NULL CHECK (account_version > 0);
ALTER TABLE ledger.payout_approvals DISABLE TRIGGER USER;
UPDATE ledger.payout_approvals a SET account_version = coalesce((
    SELECT max(s.version) FROM ledger.payouts p JOIN ledger.payout_settings s ON s.mode = p.mode AND s.merchant_id = p.merchant_id
    WHERE p.id = a.payout_id AND s.set_at <= a.approved_at), 1);
ALTER TABLE ledger.payout_approvals ENABLE TRIGGER USER;
ALTER TABLE ledger.payout_approvals
    ALTER COLUMN account_version SET NOT NULL,
    DROP CONSTRAINT payout_approvals_pkey,
    ADD PRIMARY KEY (payout_id, account_version, approved_by);

-- Back to its approval and ready again, as often as the account changes; every other state once.
INSERT INTO ledger.payout_transitions (before, after) VALUES ('ready', 'awaiting_approval');
ALTER TABLE ledger.payout_changes DROP CONSTRAINT payout_changes_payout_id_state_key;
CREATE UNIQUE INDEX payout_changes_once ON ledger.payout_changes (payout_id, state) WHERE state NOT IN ('awaiting_approval', 'ready');

-- Whether a second person gave this account, where one is needed. A hold of payouts is no consent to it.
CREATE FUNCTION ledger.account_confirmed(p_mode text, p_merchant uuid, p_account integer) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, ledger, pg_temp AS $$
    SELECT NOT f.to_confirm OR EXISTS (
        SELECT FROM ledger.payout_settings s
        WHERE s.mode = f.mode AND s.merchant_id = f.merchant_id AND s.account_version = f.version AND s.state = 'cleared' AND s.set_by <> f.set_by)
    FROM ledger.payout_settings f WHERE f.mode = p_mode AND f.merchant_id = p_merchant AND f.version = p_account
$$;

-- How many people approved the payout to this account.
CREATE FUNCTION ledger.payout_approved_by(p_payout uuid, p_account integer) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, ledger, pg_temp AS $$
    SELECT count(*) FROM ledger.payout_approvals a WHERE a.payout_id = p_payout AND a.account_version = p_account
$$;

-- Settings do not change under what is approved, made ready or sent: those take this lock together, a change takes it alone. It comes before all others.
CREATE FUNCTION ledger.keep_payout_settings() RETURNS void
LANGUAGE sql AS $$ SELECT pg_advisory_xact_lock_shared(hashtextextended('ledger.payout_settings', 0)) $$;

CREATE FUNCTION ledger.follow_payout_account() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
DECLARE
    v_last ledger.payout_settings;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('ledger.payout_settings', 0));
    SELECT * INTO v_last FROM ledger.payout_settings s WHERE s.mode = NEW.mode AND s.merchant_id = NEW.merchant_id ORDER BY s.version DESC LIMIT 1;
    IF NEW.version > coalesce(v_last.version, 0) + 1 THEN
        RAISE EXCEPTION 'payout settings of % have no version %', NEW.merchant_id, NEW.version - 1 USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    NEW.account_version := CASE WHEN NEW.account = v_last.account THEN v_last.account_version ELSE NEW.version END;
    NEW.to_confirm := NEW.version > 1 AND NEW.account_version = NEW.version;
    RETURN NEW;
END $$;

CREATE TRIGGER follow_payout_account BEFORE INSERT ON ledger.payout_settings FOR EACH ROW EXECUTE FUNCTION ledger.follow_payout_account();

CREATE FUNCTION ledger.check_payout_approval() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
BEGIN
    PERFORM ledger.keep_payout_settings();
    IF NEW.account_version IS DISTINCT FROM (
        SELECT s.account_version FROM ledger.payouts p JOIN ledger.payout_settings s ON s.mode = p.mode AND s.merchant_id = p.merchant_id
        WHERE p.id = NEW.payout_id ORDER BY s.version DESC LIMIT 1) THEN
        RAISE EXCEPTION 'payout % goes to another account', NEW.payout_id USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    RETURN NEW;
END $$;

CREATE TRIGGER check_payout_approval BEFORE INSERT ON ledger.payout_approvals FOR EACH ROW EXECUTE FUNCTION ledger.check_payout_approval();

CREATE OR REPLACE FUNCTION ledger.check_payout_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
DECLARE
    v_payout   ledger.payouts;
    v_limit    bigint;
    v_settings ledger.payout_settings;
BEGIN
    IF NEW.state IN ('ready', 'sent') THEN
        PERFORM ledger.keep_payout_settings();
    END IF;

    SELECT * INTO STRICT v_payout FROM ledger.payouts WHERE id = NEW.payout_id FOR KEY SHARE;
    IF NEW.before <> coalesce((SELECT c.state FROM ledger.payout_changes c WHERE c.payout_id = NEW.payout_id AND c.version = NEW.version - 1), '')
        OR (NEW.version = 1) <> (NEW.before = '') THEN
        RAISE EXCEPTION 'payout % is not %', NEW.payout_id, NEW.before USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    SELECT * INTO v_settings FROM ledger.payout_settings s WHERE s.mode = v_payout.mode AND s.merchant_id = v_payout.merchant_id ORDER BY s.version DESC LIMIT 1;
    SELECT l.above INTO v_limit FROM ledger.payout_limits l WHERE l.currency IN (v_payout.currency, '*') ORDER BY l.currency = '*' LIMIT 1;
    IF NEW.state = 'ready' AND (NEW.before = 'awaiting_approval' OR v_payout.amount > v_limit) AND ledger.payout_approved_by(NEW.payout_id, v_settings.account_version) < 2 THEN
        RAISE EXCEPTION 'payout % needs two people', NEW.payout_id USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    IF NEW.state IN ('failed', 'returned') AND NEW.evidence <> 'statement'
        AND (SELECT count(*) FROM ledger.payout_reports r WHERE r.payout_id = NEW.payout_id AND r.state = NEW.state) < 2 THEN
        RAISE EXCEPTION 'that payout % is % says neither the statement nor a second person', NEW.payout_id, NEW.state USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    IF NEW.state <> 'sent' THEN
        RETURN NEW;
    END IF;

    IF coalesce((SELECT s.stopped FROM ledger.payout_switch s ORDER BY s.version DESC LIMIT 1), false) OR v_settings.state IS DISTINCT FROM 'cleared' THEN
        RAISE EXCEPTION 'payout % is held', NEW.payout_id USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    IF NOT EXISTS (
        SELECT FROM ledger.payout_file_items i JOIN ledger.payout_settings s ON s.version = i.settings_version
        WHERE i.payout_id = NEW.payout_id AND s.mode = v_payout.mode AND s.merchant_id = v_payout.merchant_id AND s.account_version = v_settings.account_version) THEN
        RAISE EXCEPTION 'payout % goes to another account than its merchant has', NEW.payout_id USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    IF NOT ledger.account_confirmed(v_payout.mode, v_payout.merchant_id, v_settings.account_version) THEN
        RAISE EXCEPTION 'payout % goes to an account that one person gave', NEW.payout_id USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    IF (SELECT c.before FROM ledger.payout_changes c WHERE c.payout_id = NEW.payout_id AND c.version = NEW.version - 1) = 'awaiting_approval'
        AND ledger.payout_approved_by(NEW.payout_id, v_settings.account_version) < 2 THEN
        RAISE EXCEPTION 'payout % was approved to another account', NEW.payout_id USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    RETURN NEW;
END $$;

-- Payouts that were approved, and of which nobody can say any more that it was to this account.
INSERT INTO ledger.payout_changes (payout_id, version, before, state, reason, by_whom)
SELECT c.payout_id, c.version + 1, 'ready', 'awaiting_approval', 'The payout settings changed after the approval.', 'ledger'
FROM ledger.payouts_open o
JOIN ledger.payouts p ON p.id = o.payout_id
JOIN LATERAL (SELECT * FROM ledger.payout_changes n WHERE n.payout_id = o.payout_id ORDER BY n.version DESC LIMIT 1) c ON c.before = 'awaiting_approval'
JOIN LATERAL (SELECT * FROM ledger.payout_settings n WHERE n.mode = p.mode AND n.merchant_id = p.merchant_id ORDER BY n.version DESC LIMIT 1) s ON true
WHERE o.state = 'ready' AND ledger.payout_approved_by(p.id, s.account_version) < 2;

DO $$
BEGIN
    REVOKE ALL ON FUNCTION ledger.account_confirmed, ledger.payout_approved_by, ledger.keep_payout_settings, ledger.follow_payout_account, ledger.check_payout_approval FROM PUBLIC;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_writer') THEN
        GRANT EXECUTE ON FUNCTION ledger.account_confirmed, ledger.payout_approved_by, ledger.keep_payout_settings TO ledger_writer;
    END IF;
END $$;
