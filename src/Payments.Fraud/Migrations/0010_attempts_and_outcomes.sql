-- Velocity: every attempt once per request, and what became of it. Redis counts them; these rows are what it is filled from after it
-- was lost, and what is counted while it is away. Who takes part is a keyed hash (sixteen bytes, which uuid holds best), never an
-- address or e-mail. An attempt's key is the keyed hash of mode, merchant and idempotency key.
CREATE TABLE attempts (
    attempt     uuid        NOT NULL PRIMARY KEY,
    mode        text        NOT NULL CHECK (mode IN ('test', 'live')),
    payment_id  uuid        NOT NULL,
    merchant_id uuid        NOT NULL,
    card        uuid        NOT NULL,
    customer    uuid,
    ip          uuid,
    device      uuid,
    email       uuid,
    at          timestamptz NOT NULL,
    in_redis    boolean     NOT NULL);
CREATE INDEX attempts_card ON attempts (card, at);
CREATE INDEX attempts_customer ON attempts (customer, at) WHERE customer IS NOT NULL;
CREATE INDEX attempts_ip ON attempts (ip, at) WHERE ip IS NOT NULL;
CREATE INDEX attempts_device ON attempts (device, at) WHERE device IS NOT NULL;
CREATE INDEX attempts_email ON attempts (email, at) WHERE email IS NOT NULL;
CREATE INDEX attempts_merchant ON attempts (merchant_id, at);
CREATE INDEX attempts_at ON attempts USING brin (at);
CREATE INDEX attempts_pending ON attempts (at) WHERE NOT in_redis;

-- Written by the consumer of payment events in the transaction that advances its checkpoint. A payment is approved or declined once.
CREATE TABLE outcomes (
    event_id    uuid        NOT NULL PRIMARY KEY,
    mode        text        NOT NULL CHECK (mode IN ('test', 'live')),
    payment_id  uuid        NOT NULL,
    merchant_id uuid        NOT NULL,
    kind        text        NOT NULL CHECK (kind IN ('approvals', 'declines', 'refunds', 'chargebacks')),
    card        uuid        NOT NULL,
    customer    uuid,
    ip          uuid,
    device      uuid,
    email       uuid,
    at          timestamptz NOT NULL,
    in_redis    boolean     NOT NULL DEFAULT false);
CREATE UNIQUE INDEX outcomes_once ON outcomes (payment_id, kind) WHERE kind IN ('approvals', 'declines', 'chargebacks');
CREATE INDEX outcomes_card ON outcomes (card, at);
CREATE INDEX outcomes_customer ON outcomes (customer, at) WHERE customer IS NOT NULL;
CREATE INDEX outcomes_ip ON outcomes (ip, at) WHERE ip IS NOT NULL;
CREATE INDEX outcomes_device ON outcomes (device, at) WHERE device IS NOT NULL;
CREATE INDEX outcomes_email ON outcomes (email, at) WHERE email IS NOT NULL;
CREATE INDEX outcomes_merchant ON outcomes (merchant_id, at);
CREATE INDEX outcomes_at ON outcomes USING brin (at);
CREATE INDEX outcomes_pending ON outcomes (at) WHERE NOT in_redis;

-- Whether a card has bought at a merchant before, for ever; and what is usual for the merchant (mean and deviation of approved amounts).
CREATE TABLE purchases (
    mode        text        NOT NULL CHECK (mode IN ('test', 'live')),
    merchant_id uuid        NOT NULL,
    card        uuid        NOT NULL,
    first_at    timestamptz NOT NULL,
    PRIMARY KEY (mode, merchant_id, card));

CREATE TABLE merchant_amounts (
    mode        text        NOT NULL CHECK (mode IN ('test', 'live')),
    merchant_id uuid        NOT NULL,
    currency    text        NOT NULL,
    payments    bigint      NOT NULL,
    total       numeric     NOT NULL,
    squares     numeric     NOT NULL,
    PRIMARY KEY (mode, merchant_id, currency));

-- A decision keeps what it was made of, so that a rule can be tried against the past: facts without personal data, the counters, who
-- took part (by the attempt), and what could not be asked.
ALTER TABLE decisions
    ADD COLUMN attempt        uuid,
    ADD COLUMN three_d_secure text   CHECK (three_d_secure IN ('none', 'no_preference', 'challenge')),
    ADD COLUMN confidence     real   CHECK (confidence BETWEEN 0 AND 1),
    ADD COLUMN model_version  text,
    ADD COLUMN model_factors  jsonb,
    ADD COLUMN without        text[] NOT NULL DEFAULT '{}',
    ADD COLUMN facts          jsonb,
    ADD COLUMN counters       bytea;
CREATE INDEX decisions_of_merchant ON decisions (mode, merchant_id, decided_at);
CREATE INDEX decisions_of_mode ON decisions (mode, decided_at);

-- What a payment turned out to be.
CREATE TABLE labels (
    mode        text        NOT NULL CHECK (mode IN ('test', 'live')),
    merchant_id uuid        NOT NULL,
    payment_id  uuid        NOT NULL,
    fraud       boolean     NOT NULL,
    source      text        NOT NULL,
    known_at    timestamptz NOT NULL,
    PRIMARY KEY (payment_id, source));

-- A chargeback becomes known as a label and counts from then on.
CREATE FUNCTION chargeback_counts() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
    INSERT INTO outcomes (event_id, mode, payment_id, merchant_id, kind, card, customer, ip, device, email, at)
    SELECT md5(NEW.payment_id || '/chargeback')::uuid, NEW.mode, NEW.payment_id, NEW.merchant_id, 'chargebacks', a.card, a.customer, a.ip, a.device, a.email, NEW.known_at
    FROM decisions AS d JOIN attempts AS a ON a.attempt = d.attempt
    WHERE d.payment_id = NEW.payment_id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER chargeback_counts AFTER INSERT ON labels FOR EACH ROW WHEN (NEW.source = 'chargeback') EXECUTE FUNCTION chargeback_counts();
