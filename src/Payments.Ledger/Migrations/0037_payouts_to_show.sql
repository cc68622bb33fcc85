-- Payouts that were paid, or came back, by another word than the bank's statement: reconciliation expects them there, and is told. The list is
-- what is still to be told, and no record; what happened stands in payout_changes.

CREATE TABLE ledger.payouts_to_show (
    payout_id uuid        NOT NULL REFERENCES ledger.payouts (id),
    state     text        NOT NULL CHECK (state IN ('paid', 'returned')),
    mode      text        NOT NULL CHECK (mode IN ('test', 'live')),
    noted_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (payout_id, state)
);

CREATE FUNCTION ledger.note_payout_to_show() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
BEGIN
    IF NEW.state IN ('paid', 'returned') AND NEW.evidence <> 'statement' THEN
        INSERT INTO ledger.payouts_to_show (payout_id, state, mode) SELECT p.id, NEW.state, p.mode FROM ledger.payouts p WHERE p.id = NEW.payout_id;
    END IF;

    RETURN NULL;
END $$;

CREATE TRIGGER note_payout_to_show AFTER INSERT ON ledger.payout_changes FOR EACH ROW EXECUTE FUNCTION ledger.note_payout_to_show();

-- What reconciliation has found on a statement already it expects once.
INSERT INTO ledger.payouts_to_show (payout_id, state, mode)
SELECT c.payout_id, c.state, p.mode FROM ledger.payout_changes c JOIN ledger.payouts p ON p.id = c.payout_id WHERE c.state IN ('paid', 'returned') AND c.evidence <> 'statement';

DO $$
BEGIN
    REVOKE ALL ON FUNCTION ledger.note_payout_to_show FROM PUBLIC;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_writer') THEN
        GRANT SELECT, DELETE ON ledger.payouts_to_show TO ledger_writer;
    END IF;
END $$;
