-- What a merchant tells of its customer (risk_context, customer_reference), how the customer was authenticated, and the queue of payments
-- that wait for a person. Personal data stands in tables of its own, sealed, so that it can be erased and the payments stay whole.

ALTER TABLE payments ADD COLUMN authentication text NULL, ADD COLUMN review text NULL;

ALTER TABLE operations DROP CONSTRAINT operations_origin_check;
ALTER TABLE operations ADD CONSTRAINT operations_origin_check CHECK (origin IN ('merchant', 'provider', 'expiry', 'double_charge', 'review'));

-- Sealed under a key of each payment's own. The hashes are keyed, within a merchant and mode: by them a person's payments are found.
CREATE TABLE risk_contexts (
    merchant_id uuid        NOT NULL,
    mode        text        NOT NULL CHECK (mode IN ('test', 'live')),
    payment_id  uuid        NOT NULL,
    sealed      text        NOT NULL,
    customer    bytea       NULL CHECK (length(customer) = 32),
    email       bytea       NULL CHECK (length(email) = 32),
    ip          bytea       NULL CHECK (length(ip) = 32),
    device      bytea       NULL CHECK (length(device) = 32),
    PRIMARY KEY (merchant_id, mode, payment_id)
);

CREATE INDEX risk_contexts_of_customer ON risk_contexts (merchant_id, mode, customer) WHERE customer IS NOT NULL;
CREATE INDEX risk_contexts_of_email ON risk_contexts (merchant_id, mode, email) WHERE email IS NOT NULL;
CREATE INDEX risk_contexts_oldest ON risk_contexts (payment_id);

-- Apart from what they open, so that copies of the one can be kept for long and copies of the other not.
CREATE TABLE risk_context_keys (
    merchant_id uuid NOT NULL,
    mode        text NOT NULL CHECK (mode IN ('test', 'live')),
    payment_id  uuid NOT NULL,
    data_key    text NOT NULL,
    PRIMARY KEY (merchant_id, mode, payment_id)
);

-- Who had whose data erased: never the data, only how it was asked for and how much there was. Rows are only ever added.
CREATE TABLE erasures (
    id          uuid        NOT NULL PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT now(),
    merchant_id uuid        NOT NULL,
    mode        text        NOT NULL CHECK (mode IN ('test', 'live')),
    actor       text        NOT NULL CHECK (length(actor) BETWEEN 1 AND 200),
    by          text        NOT NULL CHECK (by IN ('payment', 'person')),
    payment_id  uuid        NULL,
    payments    bigint      NOT NULL CHECK (payments >= 0),
    tokens      bigint      NOT NULL CHECK (tokens >= 0)
);

CREATE FUNCTION erasures_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'erasures are only ever added' USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER erasures_append_only BEFORE UPDATE OR DELETE ON erasures FOR EACH ROW EXECUTE FUNCTION erasures_refuse_change();
CREATE TRIGGER erasures_no_truncate BEFORE TRUNCATE ON erasures FOR EACH STATEMENT EXECUTE FUNCTION erasures_refuse_change();

-- One row for each payment that waits, or waited, for a person; made in the commit of its authorization. due_at: until decided, when the
-- clock decides; then, when it is looked whether what follows was done; null once there is nothing left to do.
CREATE TABLE reviews (
    merchant_id   uuid        NOT NULL,
    mode          text        NOT NULL CHECK (mode IN ('test', 'live')),
    payment_id    uuid        NOT NULL,
    score         integer     NULL CHECK (score BETWEEN 0 AND 100),
    opened_at     timestamptz NOT NULL DEFAULT now(),
    due_at        timestamptz NULL,
    -- Two people do not decide one payment: who has it, by the operator's key, and until when.
    claimed_by    uuid        NULL,
    claimed_name  text        NULL,
    claimed_until timestamptz NULL,
    -- The worker that has it now.
    leased_until  timestamptz NULL,
    outcome       text        NULL CHECK (outcome IN ('approved', 'rejected', 'challenge_requested')),
    automatic     boolean     NULL,
    decided_by    text        NULL,
    reason        text        NULL,
    decided_at    timestamptz NULL,
    lapsed_at     timestamptz NULL,
    PRIMARY KEY (merchant_id, mode, payment_id),
    CHECK ((decided_at IS NULL) = (outcome IS NULL) AND (decided_at IS NULL) = (automatic IS NULL) AND (decided_at IS NULL) = (decided_by IS NULL)),
    CHECK (decided_at IS NULL OR lapsed_at IS NULL),
    CHECK ((claimed_by IS NULL) = (claimed_name IS NULL))
);

CREATE INDEX reviews_due ON reviews (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX reviews_newest ON reviews (payment_id);

-- A decision stands: it is a label that models learn from.
CREATE FUNCTION reviews_keep_decisions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.decided_at IS NOT NULL AND (OLD.outcome, OLD.automatic, OLD.decided_by, OLD.reason, OLD.decided_at)
        IS DISTINCT FROM (NEW.outcome, NEW.automatic, NEW.decided_by, NEW.reason, NEW.decided_at)
    THEN
        RAISE EXCEPTION 'a review is decided once' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER reviews_decided_once BEFORE UPDATE ON reviews FOR EACH ROW EXECUTE FUNCTION reviews_keep_decisions();

CREATE TABLE review_notes (
    merchant_id uuid        NOT NULL,
    mode        text        NOT NULL CHECK (mode IN ('test', 'live')),
    payment_id  uuid        NOT NULL,
    id          uuid        NOT NULL PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT now(),
    by          text        NOT NULL,
    note        text        NOT NULL CHECK (length(note) BETWEEN 1 AND 2000)
);

CREATE INDEX review_notes_of_payment ON review_notes (payment_id, id);
