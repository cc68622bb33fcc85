-- What the house exchanges at its own bank, and what the open position of all exchanges is worth in the book currency. The id of either is its journal's.

CREATE TABLE ledger.exchanges (
    id              uuid        NOT NULL PRIMARY KEY,
    mode            text        NOT NULL CHECK (mode IN ('test', 'live')),
    sold_currency   text        NOT NULL CHECK (sold_currency ~ '^[A-Z]{3}$'),
    sold            bigint      NOT NULL CHECK (sold > 0),
    bought_currency text        NOT NULL CHECK (bought_currency ~ '^[A-Z]{3}$'),
    bought          bigint      NOT NULL CHECK (bought > 0),
    exchanged_at    timestamptz NOT NULL,
    reference       text        NOT NULL CHECK (length(reference) BETWEEN 1 AND 200),
    reason          text        NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
    proposed_by     text        NOT NULL CHECK (proposed_by <> ''),
    proposed_at     timestamptz NOT NULL DEFAULT now(),
    -- By the limit of its time.
    needs_approval  boolean     NOT NULL,
    CHECK (sold_currency <> bought_currency),
    UNIQUE (mode, reference)
);

CREATE TABLE ledger.exchange_approvals (
    exchange_id uuid        NOT NULL PRIMARY KEY REFERENCES ledger.exchanges (id),
    approved_by text        NOT NULL CHECK (approved_by <> ''),
    approved_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE ledger.revaluations (
    id        uuid        NOT NULL UNIQUE,
    mode      text        NOT NULL CHECK (mode IN ('test', 'live')),
    number    bigint      NOT NULL CHECK (number > 0),
    currency  text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    -- Gain, in the book currency; a loss is negative, and zero has no journal.
    amount    bigint      NOT NULL,
    positions jsonb       NOT NULL CHECK (jsonb_typeof(positions) = 'array'),
    valued_at timestamptz NOT NULL,
    -- Null: the daily round.
    asked_by  text        NULL,
    PRIMARY KEY (mode, number)
);

-- An exchange above the limit of corrections is booked when another person approved it.
CREATE FUNCTION ledger.judge_exchange() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
BEGIN
    NEW.needs_approval := NEW.sold > (SELECT l.above FROM ledger.correction_limits l WHERE l.currency IN (NEW.sold_currency, '*') ORDER BY l.currency = '*' LIMIT 1);
    RETURN NEW;
END $$;

CREATE TRIGGER judge_exchange BEFORE INSERT ON ledger.exchanges FOR EACH ROW EXECUTE FUNCTION ledger.judge_exchange();

CREATE FUNCTION ledger.exchange_counts(p_id uuid) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, ledger, pg_temp AS $$
    SELECT NOT x.needs_approval OR EXISTS (SELECT FROM ledger.exchange_approvals a WHERE a.exchange_id = x.id) FROM ledger.exchanges x WHERE x.id = p_id
$$;

CREATE FUNCTION ledger.refuse_own_approval() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM ledger.exchanges x WHERE x.id = NEW.exchange_id AND x.proposed_by = NEW.approved_by) THEN
        RAISE EXCEPTION 'who recorded an exchange does not approve it' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER refuse_own_approval BEFORE INSERT ON ledger.exchange_approvals FOR EACH ROW EXECUTE FUNCTION ledger.refuse_own_approval();

CREATE FUNCTION ledger.refuse_unfounded() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
BEGIN
    IF NEW.event_type = 'fx.exchanged' AND ledger.exchange_counts(NEW.id) IS NOT TRUE THEN
        RAISE EXCEPTION 'exchange % is unknown, or nobody else approved it', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.event_type = 'fx.revalued' AND NOT EXISTS (SELECT FROM ledger.revaluations r WHERE r.id = NEW.id AND r.amount <> 0) THEN
        RAISE EXCEPTION 'journal % is of no revaluation', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER refuse_unfounded BEFORE INSERT ON ledger.journals FOR EACH ROW WHEN (NEW.event_type IN ('fx.exchanged', 'fx.revalued')) EXECUTE FUNCTION ledger.refuse_unfounded();

DO $$
DECLARE
    of_it text;
BEGIN
    FOREACH of_it IN ARRAY ARRAY['exchanges', 'exchange_approvals', 'revaluations'] LOOP
        EXECUTE format('CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON ledger.%I FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change()', of_it);
        EXECUTE format('CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.%I FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()', of_it);
    END LOOP;
    REVOKE ALL ON FUNCTION ledger.exchange_counts, ledger.judge_exchange, ledger.refuse_own_approval, ledger.refuse_unfounded FROM PUBLIC;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_writer') THEN
        GRANT SELECT, INSERT ON ledger.exchanges, ledger.exchange_approvals, ledger.revaluations TO ledger_writer;
        GRANT EXECUTE ON FUNCTION ledger.exchange_counts TO ledger_writer;
    END IF;
END $$;
