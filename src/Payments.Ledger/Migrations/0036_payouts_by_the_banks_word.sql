-- What makes a payout payable again needs the bank's word or two people. Payouts that wait are found by key. Limits are set by requests. Requests of
-- operators are executed once, as everywhere: rates.request_key and settlement_terms.request_key are written no more.

-- '' : people said it. Else the statement, or the bank's report by the hash of its bytes.
ALTER TABLE ledger.payout_changes
    ADD COLUMN evidence text NOT NULL DEFAULT '' CHECK (evidence = '' OR evidence = 'statement' OR evidence ~ '^status_report [0-9a-f]{64}$');

-- One person counts once.
CREATE TABLE ledger.payout_reports (
    payout_id   uuid        NOT NULL REFERENCES ledger.payouts (id),
    state       text        NOT NULL CHECK (state IN ('failed', 'returned')),
    reported_by text        NOT NULL CHECK (reported_by <> ''),
    reference   text        NOT NULL,
    reason      text        NOT NULL,
    happened_at timestamptz NOT NULL,
    reported_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (payout_id, state, reported_by)
);

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

    IF NEW.state IN ('failed', 'returned') AND NEW.evidence = ''
        AND (SELECT count(*) FROM ledger.payout_reports r WHERE r.payout_id = NEW.payout_id AND r.state = NEW.state) < 2 THEN
        RAISE EXCEPTION 'that payout % is % says neither the bank nor a second person', NEW.payout_id, NEW.state USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    IF NEW.state = 'sent' AND (coalesce((SELECT s.stopped FROM ledger.payout_switch s ORDER BY s.version DESC LIMIT 1), false)
        OR (SELECT s.state FROM ledger.payout_settings s WHERE s.mode = v_payout.mode AND s.merchant_id = v_payout.merchant_id ORDER BY s.version DESC LIMIT 1) IS DISTINCT FROM 'cleared') THEN
        RAISE EXCEPTION 'payout % is held', NEW.payout_id USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    RETURN NEW;
END $$;

-- Payouts that somebody, or the bank, has still to do something about. since: when that began; of a sent one not before the day it is executed.
CREATE TABLE ledger.payouts_open (
    payout_id uuid        NOT NULL PRIMARY KEY REFERENCES ledger.payouts (id),
    mode      text        NOT NULL CHECK (mode IN ('test', 'live')),
    currency  text        NOT NULL,
    state     text        NOT NULL CHECK (state IN ('awaiting_approval', 'ready', 'sent')),
    since     timestamptz NOT NULL
);

CREATE INDEX payouts_open_state ON ledger.payouts_open (mode, currency, state, payout_id);

CREATE FUNCTION ledger.follow_payout() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
BEGIN
    IF NEW.state NOT IN ('awaiting_approval', 'ready', 'sent') THEN
        DELETE FROM ledger.payouts_open WHERE payout_id = NEW.payout_id;
        RETURN NULL;
    END IF;

    INSERT INTO ledger.payouts_open (payout_id, mode, currency, state, since)
    SELECT p.id, p.mode, p.currency, NEW.state, greatest(NEW.at, (SELECT f.execute_on::timestamp AT TIME ZONE 'UTC' FROM ledger.payout_file_items i JOIN ledger.payout_files f ON f.id = i.file_id WHERE i.payout_id = p.id))
    FROM ledger.payouts p WHERE p.id = NEW.payout_id
    ON CONFLICT (payout_id) DO UPDATE SET state = excluded.state, since = excluded.since;
    RETURN NULL;
END $$;

CREATE TRIGGER follow_payout AFTER INSERT ON ledger.payout_changes FOR EACH ROW EXECUTE FUNCTION ledger.follow_payout();

INSERT INTO ledger.payouts_open (payout_id, mode, currency, state, since)
SELECT p.id, p.mode, p.currency, c.state, greatest(c.at, (SELECT f.execute_on::timestamp AT TIME ZONE 'UTC' FROM ledger.payout_file_items i JOIN ledger.payout_files f ON f.id = i.file_id WHERE i.payout_id = p.id))
FROM ledger.payouts p JOIN LATERAL (SELECT * FROM ledger.payout_changes n WHERE n.payout_id = p.id ORDER BY n.version DESC LIMIT 1) c ON c.state IN ('awaiting_approval', 'ready', 'sent');

-- Who wanted which limit. One that lets more go out unseen counts when another person wants the same, and nothing counted in between.
CREATE TABLE ledger.payout_limit_requests (
    number       bigint      GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    currency     text        NOT NULL CHECK (currency = '*' OR currency ~ '^[A-Z]{3}$'),
    above        bigint      NOT NULL CHECK (above >= 0),
    was          bigint      NOT NULL,
    requested_by text        NOT NULL CHECK (requested_by <> ''),
    reason       text        NOT NULL CHECK (reason <> ''),
    counts       boolean     NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX payout_limit_requests_currency ON ledger.payout_limit_requests (currency, number);

-- Whether it counts now.
CREATE FUNCTION ledger.set_payout_limit(p_currency text, p_above bigint, p_person text, p_reason text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
DECLARE
    v_was    bigint;
    v_counts boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('ledger.payout_limits', 0));
    SELECT l.above INTO STRICT v_was FROM ledger.payout_limits l WHERE l.currency IN (p_currency, '*') ORDER BY l.currency = '*' LIMIT 1;
    v_counts := p_above <= v_was OR EXISTS (
        SELECT FROM ledger.payout_limit_requests r
        WHERE r.currency = p_currency AND r.above = p_above AND r.requested_by <> p_person
          AND r.number > coalesce((SELECT max(c.number) FROM ledger.payout_limit_requests c WHERE c.currency = p_currency AND c.counts), 0));
    INSERT INTO ledger.payout_limit_requests (currency, above, was, requested_by, reason, counts) VALUES (p_currency, p_above, v_was, p_person, p_reason, v_counts);
    IF v_counts THEN
        INSERT INTO ledger.payout_limits (currency, above) VALUES (p_currency, p_above) ON CONFLICT (currency) DO UPDATE SET above = excluded.above;
    END IF;

    RETURN v_counts;
END $$;

DO $$
DECLARE
    v_table text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['payout_reports', 'payout_limit_requests'] LOOP
        EXECUTE format('CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON ledger.%I FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change()', v_table);
        EXECUTE format('CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.%I FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()', v_table);
    END LOOP;
    REVOKE ALL ON FUNCTION ledger.follow_payout, ledger.set_payout_limit FROM PUBLIC;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_writer') THEN
        GRANT SELECT ON ledger.payouts_open, ledger.payout_limit_requests TO ledger_writer;
        GRANT SELECT, INSERT ON ledger.payout_reports TO ledger_writer;
        GRANT EXECUTE ON FUNCTION ledger.set_payout_limit TO ledger_writer;
        GRANT SELECT, INSERT, UPDATE, DELETE ON public.idempotency_keys TO ledger_writer;
    END IF;
END $$;
