-- Settlement: at a cut-off the heads of the log are recorded, and each merchant's movements up to them that are in no batch yet become
-- one. An item is named by its account and the account's version, so that two batches can never hold one movement; a batch is refused
-- at commit while a movement up to its heads is in none.

-- What was published and booked when a cut-off came. heads: the publisher's, by partition. house_seq: of the house's own chain.
CREATE TABLE ledger.settlement_cutoffs (
    cut_at      timestamptz NOT NULL PRIMARY KEY,
    epoch       uuid        NOT NULL,
    heads       bigint[]    NOT NULL,
    house_seq   bigint      NOT NULL CHECK (house_seq >= 0),
    recorded_at timestamptz NOT NULL DEFAULT now()
);

-- What the lines of merchant_pending are to a statement. A kind that is not here is 'other', which is shown; 'settled' is what batches
-- themselves move, which no batch gathers.
CREATE TABLE ledger.settlement_kinds (
    kind  text NOT NULL PRIMARY KEY,
    class text NOT NULL CHECK (class IN ('gross', 'refunds', 'commission', 'disputes', 'dispute_fees', 'corrections', 'settled'))
);

INSERT INTO ledger.settlement_kinds (kind, class) VALUES
    ('capture', 'gross'), ('capture_reversal', 'gross'), ('refund', 'refunds'), ('refund_reversal', 'refunds'),
    ('commission', 'commission'), ('commission_reversal', 'commission'), ('correction', 'corrections'), ('settlement', 'settled');

CREATE TABLE ledger.settlement_batches (
    id            uuid        NOT NULL PRIMARY KEY,
    mode          text        NOT NULL CHECK (mode IN ('test', 'live')),
    merchant_id   uuid        NOT NULL,
    currency      text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    cut_at        timestamptz NOT NULL REFERENCES ledger.settlement_cutoffs (cut_at),
    account_id    uuid        NOT NULL REFERENCES ledger.accounts (id),
    -- Every version up to here is in a batch or is gathered by none: where the next batch begins to look.
    gathered_to   bigint      NOT NULL CHECK (gathered_to >= 0),
    items         bigint      NOT NULL CHECK (items > 0),
    gross         bigint      NOT NULL,
    refunds       bigint      NOT NULL,
    commission    bigint      NOT NULL,
    disputes      bigint      NOT NULL,
    dispute_fees  bigint      NOT NULL,
    corrections   bigint      NOT NULL,
    other         bigint      NOT NULL,
    net           bigint      NOT NULL,
    closed_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (mode, merchant_id, currency, cut_at),
    CHECK (net = gross + refunds + commission + disputes + dispute_fees + corrections + other)
);

CREATE INDEX settlement_batches_account ON ledger.settlement_batches (account_id, cut_at);

-- amount: credits less debits of merchant_pending.
CREATE TABLE ledger.settlement_items (
    account_id  uuid   NOT NULL,
    version     bigint NOT NULL,
    batch_id    uuid   NOT NULL REFERENCES ledger.settlement_batches (id) DEFERRABLE INITIALLY DEFERRED,
    movement_id uuid   NOT NULL,
    kind        text   NOT NULL,
    class       text   NOT NULL,
    amount      bigint NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (account_id, version)
);

CREATE INDEX settlement_items_batch ON ledger.settlement_items (batch_id, version);

-- Movements of an account that a batch at the cut-off may hold, and those after it that it may not yet.
CREATE FUNCTION ledger.settleable(p_account uuid, p_after bigint, p_cut timestamptz)
RETURNS TABLE (version bigint, movement_id uuid, kind text, class text, amount bigint, due boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, ledger, pg_temp AS $$
    SELECT e.version, e.id, e.kind, coalesce(k.class, 'other'), e.amount,
           CASE WHEN j.partition = 1000 THEN j.seq <= c.house_seq ELSE j.event_seq <= coalesce(c.heads[j.partition + 1], 0) END
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

-- Makes the batch, or returns the one that is there. NULL: nothing is due. A later cut-off that was settled first leaves nothing to an
-- earlier one. The caller posts the net amount in the same transaction.
CREATE FUNCTION ledger.settle(p_id uuid, p_account uuid, p_merchant uuid, p_cut timestamptz) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
DECLARE
    v_account ledger.accounts;
    v_after   bigint;
    v_to      bigint;
    v_known   uuid;
    v_items   bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('ledger.settle' || p_account, 0));
    SELECT * INTO STRICT v_account FROM ledger.accounts WHERE id = p_account AND kind = 'merchant_pending';
    SELECT b.id INTO v_known FROM ledger.settlement_batches b WHERE b.account_id = p_account AND b.cut_at = p_cut;
    IF FOUND THEN
        RETURN v_known;
    END IF;

    SELECT coalesce(max(b.gathered_to), 0) INTO v_after FROM ledger.settlement_batches b WHERE b.account_id = p_account;
    INSERT INTO ledger.settlement_items (account_id, version, batch_id, movement_id, kind, class, amount)
    SELECT p_account, s.version, p_id, s.movement_id, s.kind, s.class, s.amount FROM ledger.settleable(p_account, v_after, p_cut) s WHERE s.due;
    GET DIAGNOSTICS v_items = ROW_COUNT;
    IF v_items = 0 THEN
        RETURN NULL;
    END IF;

    SELECT coalesce(min(s.version) - 1, (SELECT b.version FROM ledger.balances b WHERE b.account_id = p_account)) INTO v_to
    FROM ledger.settleable(p_account, v_after, p_cut) s;
    INSERT INTO ledger.settlement_batches (id, mode, merchant_id, currency, cut_at, account_id, gathered_to, items,
        gross, refunds, commission, disputes, dispute_fees, corrections, other, net)
    SELECT p_id, v_account.mode, p_merchant, v_account.currency, p_cut, p_account, v_to, count(*),
        coalesce(sum(i.amount) FILTER (WHERE i.class = 'gross'), 0), coalesce(sum(i.amount) FILTER (WHERE i.class = 'refunds'), 0),
        coalesce(sum(i.amount) FILTER (WHERE i.class = 'commission'), 0), coalesce(sum(i.amount) FILTER (WHERE i.class = 'disputes'), 0),
        coalesce(sum(i.amount) FILTER (WHERE i.class = 'dispute_fees'), 0), coalesce(sum(i.amount) FILTER (WHERE i.class = 'corrections'), 0),
        coalesce(sum(i.amount) FILTER (WHERE i.class = 'other'), 0), sum(i.amount)
    FROM ledger.settlement_items i WHERE i.batch_id = p_id;
    RETURN p_id;
END $$;

-- At commit: no movement up to the cut-off's heads is without a batch, and the batch is the sum of its items.
CREATE FUNCTION ledger.prove_settlement() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
DECLARE
    v_sums record;
BEGIN
    IF EXISTS (SELECT FROM ledger.settleable(NEW.account_id, 0, NEW.cut_at) s WHERE s.due) THEN
        RAISE EXCEPTION 'batch % leaves a movement of its cut-off in no batch', NEW.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    SELECT count(*) AS items, coalesce(sum(i.amount), 0) AS net INTO v_sums FROM ledger.settlement_items i WHERE i.batch_id = NEW.id;
    IF v_sums.items <> NEW.items OR v_sums.net <> NEW.net THEN
        RAISE EXCEPTION 'batch % is not the sum of its items', NEW.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER prove_settlement AFTER INSERT ON ledger.settlement_batches DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION ledger.prove_settlement();

DO $$
DECLARE
    v_table text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['settlement_cutoffs', 'settlement_kinds', 'settlement_batches', 'settlement_items'] LOOP
        EXECUTE format('CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON ledger.%I FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change()', v_table);
        EXECUTE format('CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.%I FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()', v_table);
    END LOOP;
    REVOKE ALL ON FUNCTION ledger.settleable, ledger.settle, ledger.prove_settlement FROM PUBLIC;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_writer') THEN
        GRANT SELECT ON ledger.settlement_cutoffs, ledger.settlement_kinds, ledger.settlement_batches, ledger.settlement_items TO ledger_writer;
        GRANT INSERT ON ledger.settlement_cutoffs TO ledger_writer;
        GRANT EXECUTE ON FUNCTION ledger.settle, ledger.settleable TO ledger_writer;
    END IF;
END $$;
