-- When and how each merchant is settled: terms in versions, the day a batch is payable on, the currency it is paid in, and what is kept
-- back as a reserve. Disputes and their fees become classes of their own. A batch is proven from where the one before it ended, and
-- proves where it ends itself, so that the proof does not grow with the account's history.

INSERT INTO ledger.settlement_kinds (kind, class) VALUES
    ('dispute', 'disputes'), ('dispute_reversal', 'disputes'), ('dispute_fee', 'dispute_fees'), ('dispute_fee_return', 'dispute_fees'),
    ('reserve', 'settled'), ('settlement_conversion', 'settled');

-- The newest version counts. currency NULL: each currency is paid as it is. reserve_days: after how many days a reserve is given back.
CREATE TABLE ledger.settlement_terms (
    mode                 text        NOT NULL CHECK (mode IN ('test', 'live')),
    merchant_id          uuid        NOT NULL,
    version              integer     NOT NULL CHECK (version > 0),
    schedule             text        NOT NULL CHECK (schedule IN ('daily_t1', 'daily_t2', 'weekly')),
    weekday              integer     NULL CHECK (weekday BETWEEN 1 AND 7),
    time_zone            text        NOT NULL CHECK (time_zone <> ''),
    calendar             text        NOT NULL CHECK (calendar IN ('weekends', 'target', 'federal_reserve', 'uk')),
    currency             text        NULL CHECK (currency IN ('USD', 'EUR')),
    reserve_basis_points integer     NOT NULL CHECK (reserve_basis_points BETWEEN 0 AND 10000),
    reserve_days         integer     NOT NULL CHECK (reserve_days BETWEEN 0 AND 730),
    set_by               text        NOT NULL CHECK (set_by <> ''),
    set_at               timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (mode, merchant_id, version),
    CHECK ((schedule = 'weekly') = (weekday IS NOT NULL)),
    CHECK ((reserve_basis_points = 0) = (reserve_days = 0))
);

-- All of a merchant's batches of the cut-off are made: nobody looks at it again.
CREATE TABLE ledger.settlement_closings (
    mode        text        NOT NULL CHECK (mode IN ('test', 'live')),
    merchant_id uuid        NOT NULL,
    cut_at      timestamptz NOT NULL REFERENCES ledger.settlement_cutoffs (cut_at),
    closed_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (mode, merchant_id, cut_at)
);

-- paid: what of the batch became payable, in paid_currency: net less reserve_held plus reserve_released, at rate where that is another.
ALTER TABLE ledger.settlement_batches
    ADD COLUMN pay_on           date           NOT NULL DEFAULT '-infinity',
    ADD COLUMN reserve_held     bigint         NOT NULL DEFAULT 0,
    ADD COLUMN reserve_released bigint         NOT NULL DEFAULT 0,
    ADD COLUMN rate             numeric(24,12) NULL,
    ADD COLUMN paid_currency    text           NULL,
    ADD COLUMN paid             bigint         NULL,
    DROP CONSTRAINT settlement_batches_items_check,
    ADD CHECK (items >= 0 AND (items > 0 OR reserve_released > 0)),
    ADD CHECK (reserve_held BETWEEN 0 AND greatest(net, 0)),
    ADD CHECK (reserve_released >= 0),
    ADD CHECK ((rate IS NULL) = (paid_currency IS NULL OR paid_currency = currency)),
    ADD CHECK (rate IS NOT NULL OR paid IS NULL OR paid = net - reserve_held + reserve_released);

CREATE INDEX settlement_batches_merchant ON ledger.settlement_batches (mode, merchant_id, id);

-- Which batch gave back what another one held: each reserve once.
CREATE TABLE ledger.reserve_releases (
    held_batch_id     uuid NOT NULL PRIMARY KEY REFERENCES ledger.settlement_batches (id),
    released_batch_id uuid NOT NULL REFERENCES ledger.settlement_batches (id) DEFERRABLE INITIALLY DEFERRED
);

-- What happened before the cut-off is due at it, however late its heads were recorded.
CREATE OR REPLACE FUNCTION ledger.settleable(p_account uuid, p_after bigint, p_cut timestamptz)
RETURNS TABLE (version bigint, movement_id uuid, kind text, class text, amount bigint, due boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, ledger, pg_temp AS $$
    SELECT e.version, e.id, e.kind, coalesce(k.class, 'other'), e.amount,
           j.effective_at < c.cut_at
               AND CASE WHEN j.partition = 1000 THEN j.seq <= c.house_seq ELSE j.event_seq <= coalesce(c.heads[j.partition + 1], 0) END
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

-- Where the account's batches have come to: every version up to here is in one, or is gathered by none.
CREATE FUNCTION ledger.settled_to(p_account uuid, p_but uuid) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, ledger, pg_temp AS $$
    SELECT coalesce(max(b.gathered_to), 0) FROM ledger.settlement_batches b WHERE b.account_id = p_account AND b.id IS DISTINCT FROM p_but
$$;

DROP FUNCTION ledger.settle(uuid, uuid, uuid, timestamptz);

-- Makes the batch, or returns the one that is there. NULL: nothing is due. The caller posts it in the same transaction.
-- p_release_before: reserves of cut-offs up to here are given back; NULL: none. p_shift: digits of p_currency less those of the batch's.
CREATE FUNCTION ledger.settle(
    p_id uuid, p_account uuid, p_merchant uuid, p_cut timestamptz, p_pay_on date, p_reserve_basis_points integer, p_release_before timestamptz,
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
    WHERE b.account_id = p_account AND b.reserve_held > 0 AND b.cut_at <= p_release_before
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
        gross, refunds, commission, disputes, dispute_fees, corrections, other, net, pay_on, reserve_held, reserve_released, rate, paid_currency, paid)
    SELECT p_id, v_account.mode, p_merchant, v_account.currency, p_cut, p_account,
        coalesce((SELECT min(s.version) - 1 FROM ledger.settleable(p_account, v_after, p_cut) s), (SELECT b.version FROM ledger.balances b WHERE b.account_id = p_account)),
        v_sum.items, v_sum.gross, v_sum.refunds, v_sum.commission, v_sum.disputes, v_sum.dispute_fees, v_sum.corrections, v_sum.other, v_sum.net,
        p_pay_on, v_held, v_released, p_rate, p_currency,
        round((v_sum.net - v_held + v_released) * coalesce(p_rate, 1) * power(10::numeric, p_shift));
    RETURN p_id;
END $$;

-- At commit: no movement up to the cut-off's heads is without a batch, none up to where the next batch begins to look is forgotten, and
-- the batch is the sum of its items.
CREATE OR REPLACE FUNCTION ledger.prove_settlement() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
DECLARE
    v_before bigint := ledger.settled_to(NEW.account_id, NEW.id);
    v_sums   record;
BEGIN
    IF NEW.gathered_to < v_before OR EXISTS (
        SELECT FROM ledger.settleable(NEW.account_id, v_before, NEW.cut_at) s WHERE s.due OR s.version <= NEW.gathered_to) THEN
        RAISE EXCEPTION 'batch % leaves a movement of its cut-off in no batch', NEW.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    SELECT count(*) AS items, coalesce(sum(i.amount), 0) AS net INTO v_sums FROM ledger.settlement_items i WHERE i.batch_id = NEW.id;
    IF v_sums.items <> NEW.items OR v_sums.net <> NEW.net THEN
        RAISE EXCEPTION 'batch % is not the sum of its items', NEW.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    RETURN NULL;
END $$;

DO $$
DECLARE
    v_table text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['settlement_terms', 'settlement_closings', 'reserve_releases'] LOOP
        EXECUTE format('CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON ledger.%I FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change()', v_table);
        EXECUTE format('CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.%I FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()', v_table);
    END LOOP;
    REVOKE ALL ON FUNCTION ledger.settle, ledger.settled_to FROM PUBLIC;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_writer') THEN
        GRANT SELECT ON ledger.settlement_terms, ledger.settlement_closings, ledger.reserve_releases TO ledger_writer;
        GRANT INSERT ON ledger.settlement_terms, ledger.settlement_closings TO ledger_writer;
        GRANT EXECUTE ON FUNCTION ledger.settle, ledger.settled_to TO ledger_writer;
    END IF;
END $$;
