-- Payouts of what is payable: whom we may pay and where to, the switch that stops all of them, each payout with the states it went
-- through, approvals, and the bank files. A payout holds its amount on merchant_payable in the transaction that makes it; nothing here is
-- ever changed.

-- The newest version counts. account: name, IBAN and BIC, sealed outside of the database. Only 'cleared' is paid.
CREATE TABLE ledger.payout_settings (
    mode         text        NOT NULL CHECK (mode IN ('test', 'live')),
    merchant_id  uuid        NOT NULL,
    version      integer     NOT NULL CHECK (version > 0),
    state        text        NOT NULL CHECK (state IN ('kyc_pending', 'cleared', 'sanctions_hold', 'risk_hold')),
    minimum      bigint      NOT NULL CHECK (minimum >= 1),
    account      text        NOT NULL CHECK (account <> ''),
    iban_last4   text        NOT NULL CHECK (iban_last4 ~ '^[A-Z0-9]{4}$'),
    reason       text        NOT NULL CHECK (reason <> ''),
    set_by       text        NOT NULL CHECK (set_by <> ''),
    set_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (mode, merchant_id, version)
);

-- The newest row counts; without one, payouts go out.
CREATE TABLE ledger.payout_switch (
    version integer     NOT NULL PRIMARY KEY CHECK (version > 0),
    stopped boolean     NOT NULL,
    reason  text        NOT NULL CHECK (reason <> ''),
    set_by  text        NOT NULL CHECK (set_by <> ''),
    set_at  timestamptz NOT NULL DEFAULT now()
);

-- A payout above this amount needs two people; a currency without a row has the limit of '*'.
CREATE TABLE ledger.payout_limits (
    currency text   NOT NULL PRIMARY KEY,
    above    bigint NOT NULL CHECK (above >= 0)
);

INSERT INTO ledger.payout_limits (currency, above) VALUES ('*', 1000000), ('JPY', 1000000), ('KRW', 10000000);

-- due_on: one payout a day of a merchant's currency, so that a repeat finds the one that is there.
CREATE TABLE ledger.payouts (
    id          uuid        NOT NULL PRIMARY KEY,
    mode        text        NOT NULL CHECK (mode IN ('test', 'live')),
    merchant_id uuid        NOT NULL,
    currency    text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount      bigint      NOT NULL CHECK (amount > 0),
    due_on      date        NOT NULL,
    account_id  uuid        NOT NULL REFERENCES ledger.accounts (id),
    created_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (mode, merchant_id, currency, due_on),
    UNIQUE (account_id, due_on)
);

CREATE INDEX payouts_merchant ON ledger.payouts (mode, merchant_id, id);

CREATE TABLE ledger.payout_transitions (
    before text NOT NULL,
    after  text NOT NULL,
    PRIMARY KEY (before, after)
);

INSERT INTO ledger.payout_transitions (before, after) VALUES
    ('', 'awaiting_approval'), ('', 'ready'), ('awaiting_approval', 'ready'), ('awaiting_approval', 'canceled'), ('ready', 'canceled'),
    ('ready', 'sent'), ('sent', 'paid'), ('sent', 'failed'), ('paid', 'returned');

-- The states of a payout, in order.
CREATE TABLE ledger.payout_changes (
    payout_id uuid        NOT NULL REFERENCES ledger.payouts (id),
    version   integer     NOT NULL CHECK (version > 0),
    before    text        NOT NULL,
    state     text        NOT NULL,
    reference text        NOT NULL DEFAULT '',
    reason    text        NOT NULL DEFAULT '',
    by_whom   text        NOT NULL CHECK (by_whom <> ''),
    at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (payout_id, version),
    UNIQUE (payout_id, state),
    FOREIGN KEY (before, state) REFERENCES ledger.payout_transitions (before, after)
);

-- One person counts once.
CREATE TABLE ledger.payout_approvals (
    payout_id   uuid        NOT NULL REFERENCES ledger.payouts (id),
    approved_by text        NOT NULL CHECK (approved_by <> ''),
    approved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (payout_id, approved_by)
);

-- What is needed to write the same file again, and the hash that proves it.
CREATE TABLE ledger.payout_files (
    id          uuid        NOT NULL PRIMARY KEY,
    mode        text        NOT NULL CHECK (mode IN ('test', 'live')),
    currency    text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    execute_on  date        NOT NULL,
    debtor_name text        NOT NULL CHECK (debtor_name <> ''),
    debtor_iban text        NOT NULL CHECK (debtor_iban <> ''),
    debtor_bic  text        NOT NULL CHECK (debtor_bic <> ''),
    payouts     integer     NOT NULL CHECK (payouts > 0),
    total       bigint      NOT NULL CHECK (total > 0),
    sha256      bytea       NOT NULL CHECK (length(sha256) = 32),
    made_by     text        NOT NULL CHECK (made_by <> ''),
    made_at     timestamptz NOT NULL
);

-- A payout is in one file only, to the account that counted then.
CREATE TABLE ledger.payout_file_items (
    payout_id        uuid    NOT NULL PRIMARY KEY REFERENCES ledger.payouts (id),
    file_id          uuid    NOT NULL REFERENCES ledger.payout_files (id) DEFERRABLE INITIALLY DEFERRED,
    settings_version integer NOT NULL
);

CREATE INDEX payout_file_items_file ON ledger.payout_file_items (file_id);

-- A state follows the one before it; above the limit a payout begins as one to be approved, and two people make it ready; it is sent when
-- nothing stops it.
CREATE FUNCTION ledger.check_payout_change() RETURNS trigger
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

    IF NEW.state = 'sent' AND (coalesce((SELECT s.stopped FROM ledger.payout_switch s ORDER BY s.version DESC LIMIT 1), false)
        OR (SELECT s.state FROM ledger.payout_settings s WHERE s.mode = v_payout.mode AND s.merchant_id = v_payout.merchant_id ORDER BY s.version DESC LIMIT 1) IS DISTINCT FROM 'cleared') THEN
        RAISE EXCEPTION 'payout % is held', NEW.payout_id USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    RETURN NEW;
END $$;

CREATE TRIGGER check_payout_change BEFORE INSERT ON ledger.payout_changes FOR EACH ROW EXECUTE FUNCTION ledger.check_payout_change();

-- At commit: a payout has its hold, a state, and is no more than what was there to be paid.
CREATE FUNCTION ledger.prove_payout() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM ledger.pending_transfers t
        WHERE t.journal_id = NEW.id AND t.action = 'hold' AND t.debit_account_id = NEW.account_id AND t.amount = NEW.amount AND t.currency = NEW.currency) THEN
        RAISE EXCEPTION 'payout % holds nothing', NEW.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    IF NOT EXISTS (SELECT FROM ledger.payout_changes c WHERE c.payout_id = NEW.id) THEN
        RAISE EXCEPTION 'payout % has no state', NEW.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    IF (SELECT b.credits - b.debits - b.pending_debits FROM ledger.balances b WHERE b.account_id = NEW.account_id) < 0 THEN
        RAISE EXCEPTION 'payout % is more than there is', NEW.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER prove_payout AFTER INSERT ON ledger.payouts DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION ledger.prove_payout();

-- What of a merchant's payable balance may be paid on a day: what batches made payable later is not, what is held already is not. Locks the
-- balance, so that whoever asks again at the same moment waits for the payout that follows.
CREATE FUNCTION ledger.lock_payable(p_account uuid, p_day date) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
DECLARE
    v_account ledger.accounts;
    v_balance bigint;
    v_later   bigint;
BEGIN
    SELECT * INTO STRICT v_account FROM ledger.accounts WHERE id = p_account AND kind = 'merchant_payable';
    -- In the order of the posting function.
    PERFORM FROM ledger.chain_heads h WHERE h.partition = 1000 FOR UPDATE;
    SELECT b.credits - b.debits - b.pending_debits INTO STRICT v_balance FROM ledger.balances b WHERE b.account_id = p_account FOR NO KEY UPDATE;
    SELECT coalesce(sum(s.paid), 0) INTO v_later
    FROM ledger.settlement_batches s JOIN ledger.accounts p ON p.id = s.account_id
    WHERE p.mode = v_account.mode AND p.owner = v_account.owner AND s.paid_currency = v_account.currency AND s.pay_on > p_day AND s.paid > 0;
    RETURN v_balance - v_later;
END $$;

DO $$
DECLARE
    v_table text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['payout_settings', 'payout_switch', 'payouts', 'payout_transitions', 'payout_changes', 'payout_approvals', 'payout_files', 'payout_file_items'] LOOP
        EXECUTE format('CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON ledger.%I FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change()', v_table);
        EXECUTE format('CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.%I FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()', v_table);
    END LOOP;
    REVOKE ALL ON FUNCTION ledger.check_payout_change, ledger.prove_payout, ledger.lock_payable FROM PUBLIC;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_writer') THEN
        GRANT SELECT ON ledger.payout_limits, ledger.payout_transitions TO ledger_writer;
        GRANT SELECT, INSERT ON ledger.payout_settings, ledger.payout_switch, ledger.payouts, ledger.payout_changes, ledger.payout_approvals, ledger.payout_files, ledger.payout_file_items TO ledger_writer;
        GRANT EXECUTE ON FUNCTION ledger.lock_payable TO ledger_writer;
    END IF;
END $$;
