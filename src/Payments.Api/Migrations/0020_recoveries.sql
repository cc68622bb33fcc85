-- Everything that was put right after something went wrong: who did it, why, and how it stood before and after. Written in the
-- transaction of the effect, so a recovery without a row, or a row without its effect, cannot be. One row per kind and subject: whoever
-- repeats a recovery records nothing twice. Rows are only ever added.
CREATE TABLE recoveries (
    id          uuid        NOT NULL PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT now(),
    kind        text        NOT NULL CHECK (length(kind) BETWEEN 1 AND 50),
    -- What it is about: the id of an attempt, an operation, a provider's charge, a dead letter...
    subject     text        NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
    actor       text        NOT NULL CHECK (length(actor) BETWEEN 1 AND 200),
    reason      text        NOT NULL,
    merchant_id uuid        NULL,
    mode        text        NULL CHECK (mode IN ('test', 'live')),
    payment_id  uuid        NULL,
    attempt_id  uuid        NULL,
    before      jsonb       NOT NULL,
    after       jsonb       NOT NULL,
    UNIQUE (kind, subject)
);

CREATE INDEX recoveries_of_payment ON recoveries (payment_id, id) WHERE payment_id IS NOT NULL;

CREATE FUNCTION recoveries_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'recoveries are only ever added' USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER recoveries_append_only BEFORE UPDATE OR DELETE ON recoveries FOR EACH ROW EXECUTE FUNCTION recoveries_refuse_change();
CREATE TRIGGER recoveries_no_truncate BEFORE TRUNCATE ON recoveries FOR EACH STATEMENT EXECUTE FUNCTION recoveries_refuse_change();

-- A try that is put off: durable and named, and not sent yet.
ALTER TABLE attempts DROP CONSTRAINT attempts_state_check;
ALTER TABLE attempts ADD CONSTRAINT attempts_state_check
    CHECK (state IN ('scheduled', 'open', 'needs_action', 'pending', 'succeeded', 'declined', 'not_processed', 'unknown'));

-- Whether an attempt was raised is asked when it is settled and at every look at what is unresolved.
CREATE INDEX incidents_of_attempt ON incidents (attempt_id, kind) WHERE attempt_id IS NOT NULL;

-- What is due at one provider must not be looked for behind everything that waits for another.
DROP INDEX attempts_due;
CREATE INDEX attempts_due ON attempts (provider, due_at) WHERE due_at IS NOT NULL;
