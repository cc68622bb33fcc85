-- An exchange of our own is decided once: booked, or refused. The bank's reference is booked once, however often it was recorded, and at commit a journal
-- moves just what was recorded or valued. What was recorded and approved before stands as it did: below its limit it was booked by who recorded it.
-- A process of the version before values as before, but records and approves no exchange any more: its statements fail, and book nothing.

-- In the order in which the version before takes them, so that what it has begun is carried over.
LOCK TABLE ledger.exchanges IN ACCESS EXCLUSIVE MODE;
LOCK TABLE ledger.exchange_approvals IN ACCESS EXCLUSIVE MODE;

ALTER TABLE ledger.exchanges RENAME COLUMN proposed_by TO recorded_by;
ALTER TABLE ledger.exchanges RENAME COLUMN proposed_at TO recorded_at;
ALTER TABLE ledger.exchanges RENAME CONSTRAINT exchanges_proposed_by_check TO exchanges_recorded_by_check;
ALTER TABLE ledger.exchanges
    DROP CONSTRAINT exchanges_mode_reference_key,
    ADD UNIQUE (id, mode, reference);

-- One of each exchange. What the bank calls an exchange is booked once.
CREATE TABLE ledger.exchange_decisions (
    exchange_id uuid        NOT NULL PRIMARY KEY,
    mode        text        NOT NULL,
    reference   text        NOT NULL,
    state       text        NOT NULL CHECK (state IN ('booked', 'refused')),
    because     text        NULL CHECK (length(because) BETWEEN 1 AND 2000),
    decided_by  text        NOT NULL CHECK (decided_by <> ''),
    decided_at  timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (exchange_id, mode, reference) REFERENCES ledger.exchanges (id, mode, reference),
    CHECK ((state = 'refused') = (because IS NOT NULL))
);

CREATE UNIQUE INDEX exchange_booked_once ON ledger.exchange_decisions (mode, reference) WHERE state = 'booked';

INSERT INTO ledger.exchange_decisions (exchange_id, mode, reference, state, decided_by, decided_at)
SELECT x.id, x.mode, x.reference, 'booked', coalesce(a.approved_by, x.recorded_by), coalesce(a.approved_at, x.recorded_at)
FROM ledger.exchanges x LEFT JOIN ledger.exchange_approvals a ON a.exchange_id = x.id WHERE a.exchange_id IS NOT NULL OR NOT x.needs_approval;

DROP TABLE ledger.exchange_approvals;

-- Either amount above the limit of corrections: another person has to agree.
CREATE OR REPLACE FUNCTION ledger.judge_exchange() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
BEGIN
    NEW.needs_approval := (
        SELECT bool_or(e.amount > (SELECT l.above FROM ledger.correction_limits l WHERE l.currency IN (e.currency, '*') ORDER BY l.currency = '*' LIMIT 1))
        FROM (VALUES (NEW.sold_currency, NEW.sold), (NEW.bought_currency, NEW.bought)) AS e (currency, amount));
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION ledger.refuse_own_approval() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
BEGIN
    IF NEW.state = 'booked' AND EXISTS (SELECT FROM ledger.exchanges x WHERE x.id = NEW.exchange_id AND x.needs_approval AND x.recorded_by = NEW.decided_by) THEN
        RAISE EXCEPTION 'who recorded an exchange of this amount does not approve it' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER refuse_own_approval BEFORE INSERT ON ledger.exchange_decisions FOR EACH ROW EXECUTE FUNCTION ledger.refuse_own_approval();

-- No journal of either kind without what it is of; and at commit it moves just that.
CREATE OR REPLACE FUNCTION ledger.refuse_unfounded() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
BEGIN
    IF NEW.event_type = 'fx.exchanged' AND NOT EXISTS (SELECT FROM ledger.exchange_decisions d WHERE d.exchange_id = NEW.id AND d.state = 'booked') THEN
        RAISE EXCEPTION 'exchange % is unknown, or not agreed to', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.event_type = 'fx.revalued' AND NOT EXISTS (SELECT FROM ledger.revaluations r WHERE r.id = NEW.id AND r.amount <> 0) THEN
        RAISE EXCEPTION 'journal % is of no revaluation', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

DROP FUNCTION ledger.exchange_counts(uuid);

-- What a journal moves: debit, credit, amount and currency of each line, in order.
CREATE FUNCTION ledger.moves_of(p_journal uuid) RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, ledger, pg_temp AS $$
    SELECT string_agg(concat_ws(' ', d.mode, d.kind, c.kind, m.amount, m.currency), ', ' ORDER BY m.line)
    FROM ledger.movements m JOIN ledger.accounts d ON d.id = m.debit_account_id JOIN ledger.accounts c ON c.id = m.credit_account_id WHERE m.journal_id = p_journal
$$;

CREATE FUNCTION ledger.prove_exchange() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
BEGIN
    IF NEW.state = 'booked' AND NOT EXISTS (
        SELECT FROM ledger.exchanges x WHERE x.id = NEW.exchange_id
            AND ledger.moves_of(x.id) = format('%1$s fx_clearing bank %2$s %3$s, %1$s bank fx_clearing %4$s %5$s', x.mode, x.sold, x.sold_currency, x.bought, x.bought_currency)) THEN
        RAISE EXCEPTION 'exchange % is booked otherwise than it was recorded', NEW.exchange_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER prove_exchange AFTER INSERT ON ledger.exchange_decisions DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger.prove_exchange();

-- The gain is the worth of the positions taken away, the rates are ours, and the positions are what stands, but for what was booked.
CREATE FUNCTION ledger.prove_revaluation() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
BEGIN
    IF NEW.amount <> (SELECT -coalesce(sum((p ->> 'worth')::bigint), 0) FROM jsonb_array_elements(NEW.positions) p) THEN
        RAISE EXCEPTION 'revaluation % is not the worth of its positions', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (
        SELECT FROM jsonb_array_elements(NEW.positions) p
        WHERE (p ->> 'rate')::numeric IS DISTINCT FROM CASE WHEN p ->> 'currency' <> NEW.currency
            THEN coalesce(ledger.rate_at(p ->> 'currency', NEW.currency, NEW.valued_at), round(1 / ledger.rate_at(NEW.currency, p ->> 'currency', NEW.valued_at), 12)) END) THEN
        RAISE EXCEPTION 'revaluation % is at a rate that is not ours', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    IF coalesce(ledger.moves_of(NEW.id), '') <> (CASE sign(NEW.amount) WHEN 0 THEN ''
        WHEN 1 THEN format('%s fx_clearing fx_gain_loss %s %s', NEW.mode, NEW.amount, NEW.currency)
        ELSE format('%s fx_gain_loss fx_clearing %s %s', NEW.mode, -NEW.amount, NEW.currency) END) THEN
        RAISE EXCEPTION 'revaluation % is booked otherwise than it was valued', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (
        SELECT FROM (
            SELECT a.currency, sum(b.debits - b.credits) AS balance FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id
            WHERE a.mode = NEW.mode AND a.kind = 'fx_clearing' GROUP BY a.currency) s
        FULL JOIN (SELECT p ->> 'currency' AS currency, (p ->> 'balance')::numeric AS balance FROM jsonb_array_elements(NEW.positions) p) p USING (currency)
        WHERE coalesce(s.balance, 0) <> coalesce(p.balance, 0) + CASE WHEN currency = NEW.currency THEN NEW.amount ELSE 0 END) THEN
        RAISE EXCEPTION 'revaluation % is of another position than stands', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER prove_revaluation AFTER INSERT ON ledger.revaluations DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger.prove_revaluation();

-- What stands open of all exchanges. Only the house books there: nothing of it is booked until the caller's transaction ends.
CREATE FUNCTION ledger.fx_position(p_mode text) RETURNS TABLE (currency text, balance bigint) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
BEGIN
    PERFORM FROM ledger.chain_heads h WHERE h.partition = 1000 FOR UPDATE;
    RETURN QUERY
        SELECT a.currency, sum(b.debits - b.credits)::bigint FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id
        WHERE a.mode = p_mode AND a.kind = 'fx_clearing' GROUP BY a.currency HAVING sum(b.debits - b.credits) <> 0;
END $$;

CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON ledger.exchange_decisions FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.exchange_decisions FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

DO $$
BEGIN
    REVOKE ALL ON FUNCTION ledger.moves_of, ledger.prove_exchange, ledger.prove_revaluation, ledger.fx_position FROM PUBLIC;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_writer') THEN
        GRANT SELECT, INSERT ON ledger.exchange_decisions TO ledger_writer;
        GRANT EXECUTE ON FUNCTION ledger.fx_position TO ledger_writer;
    END IF;
END $$;
