-- Payments with their operations and attempts. Partitioned by month on the payment's UUIDv7, from the first day, because dropping a
-- partition is the only cheap retention; a month that nobody made ahead lands in the DEFAULT partition, which is alarmed.
-- Keys begin with the merchant, so that the database can be spread by merchant. No foreign keys: the one function that writes keeps
-- rows together, and a check finds orphans.

CREATE FUNCTION uuid_floor(at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid;

CREATE FUNCTION uuid_time(id uuid) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN to_timestamp(('x' || lpad(left(replace(id::text, '-', ''), 12), 16, '0'))::bit(64)::bigint / 1000.0);

CREATE TABLE payments (
    merchant_id        uuid   NOT NULL,
    mode               text   NOT NULL CHECK (mode IN ('test', 'live')),
    id                 uuid   NOT NULL,
    version            bigint NOT NULL CHECK (version > 0),
    status             text   NOT NULL,
    currency           text   NOT NULL,
    amount             bigint NOT NULL CHECK (amount > 0),
    -- What we decided and what came of it, within our books.
    authorized         bigint NOT NULL,
    captured           bigint NOT NULL,
    capture_pending    bigint NOT NULL CHECK (capture_pending >= 0),
    released           bigint NOT NULL,
    void_pending       bigint NOT NULL CHECK (void_pending >= 0),
    refunded           bigint NOT NULL,
    refund_pending     bigint NOT NULL CHECK (refund_pending >= 0),
    -- What providers reported against or beyond it: facts, which no limit binds.
    capture_reversed   bigint NOT NULL CHECK (capture_reversed BETWEEN 0 AND captured),
    capture_excess     bigint NOT NULL CHECK (capture_excess >= 0),
    refund_excess      bigint NOT NULL CHECK (refund_excess >= 0),
    provider           text   NULL,
    provider_reference text   NULL,
    order_id           text   NULL,
    held_for_review    boolean NOT NULL,
    token_id           uuid   NOT NULL,
    authorized_at      timestamptz NULL,
    captured_at        timestamptz NULL,
    capture_before     timestamptz NULL,
    avs_result         text   NULL,
    cvc_result         text   NULL,
    risk               text   NULL,
    details            text   NOT NULL,
    PRIMARY KEY (merchant_id, mode, id),
    -- Twins of the reservations in Payments.Core: never above what is authorized, never refund what was not captured, and a void
    -- reserves all that is left, so that it excludes open captures.
    CONSTRAINT captures_within_authorization CHECK (captured + capture_pending + released + void_pending <= authorized),
    CONSTRAINT refunds_within_captures CHECK (refunded + refund_pending <= captured),
    CONSTRAINT void_excludes_captures CHECK (void_pending = 0 OR capture_pending = 0)
) PARTITION BY RANGE (id);

CREATE INDEX payments_by_order ON payments (merchant_id, mode, order_id) WHERE order_id IS NOT NULL;
CREATE INDEX payments_newest ON payments (id);

CREATE TABLE operations (
    merchant_id        uuid   NOT NULL,
    mode               text   NOT NULL CHECK (mode IN ('test', 'live')),
    payment_id         uuid   NOT NULL,
    id                 uuid   NOT NULL,
    position           integer NOT NULL,
    kind               text   NOT NULL CHECK (kind IN ('authorize', 'capture', 'void', 'refund')),
    state              text   NOT NULL CHECK (state IN ('open', 'pending', 'succeeded', 'failed', 'unknown', 'reversed')),
    amount             bigint NOT NULL CHECK (amount >= 0),
    suspense           bigint NOT NULL CHECK (suspense BETWEEN 0 AND amount),
    released           bigint NOT NULL CHECK (released >= 0),
    final              boolean NOT NULL,
    origin             text   NOT NULL CHECK (origin IN ('merchant', 'provider', 'expiry')),
    reason             text   NULL,
    provider_reference text   NULL,
    plan_version       integer NULL,
    commission         bigint NULL,
    provider_cost      bigint NULL,
    key_class          text   NULL,
    key                text   NULL,
    created_at         timestamptz NOT NULL,
    changed_at         timestamptz NOT NULL,
    provider_time      timestamptz NULL,
    PRIMARY KEY (merchant_id, mode, payment_id, id),
    CHECK ((key IS NULL) = (key_class IS NULL)),
    -- Only what a provider did on its own may exceed our books.
    CHECK (suspense = 0 OR origin = 'provider')
) PARTITION BY RANGE (payment_id);

CREATE INDEX operations_by_id ON operations (id);

-- One call to one provider. The id is the provider's idempotency key and stands here before the call.
CREATE TABLE attempts (
    merchant_id            uuid   NOT NULL,
    mode                   text   NOT NULL CHECK (mode IN ('test', 'live')),
    payment_id             uuid   NOT NULL,
    operation_id           uuid   NOT NULL,
    id                     uuid   NOT NULL,
    position               integer NOT NULL,
    provider               text   NOT NULL,
    state                  text   NOT NULL CHECK (state IN ('open', 'needs_action', 'pending', 'succeeded', 'declined', 'not_processed', 'unknown')),
    cost_rate              integer NOT NULL,
    cost_fixed             bigint NOT NULL,
    payment_reference      text   NULL,
    modification_reference text   NULL,
    action_url             text   NULL,
    decline                text   NULL,
    detail                 text   NULL,
    opened_at              timestamptz NOT NULL DEFAULT now(),
    closed_at              timestamptz NULL,
    -- For the resolver, all in database time: when to look next (null: settled), and who is looking.
    due_at                 timestamptz NULL,
    leased_until           timestamptz NULL,
    fence                  bigint NOT NULL DEFAULT 0,
    readings               integer NOT NULL DEFAULT 0,
    missing_since          timestamptz NULL,
    PRIMARY KEY (merchant_id, mode, payment_id, id)
) PARTITION BY RANGE (payment_id);

CREATE INDEX attempts_by_id ON attempts (id);
CREATE INDEX attempts_due ON attempts (due_at) WHERE due_at IS NOT NULL;

-- What providers call our payments and modifications. Not partitioned: one name belongs to one payment for ever.
CREATE TABLE provider_references (
    provider    text NOT NULL,
    mode        text NOT NULL,
    reference   text NOT NULL,
    merchant_id uuid NOT NULL,
    payment_id  uuid NOT NULL,
    attempt_id  uuid NULL,
    PRIMARY KEY (provider, mode, reference)
);

-- Everything providers told us by webhook, before it is applied and before they get their 2xx. Facts only, no card data.
CREATE TABLE provider_notices (
    provider    text NOT NULL,
    mode        text NOT NULL,
    notice_id   text NOT NULL,
    fact        text NOT NULL,
    payment_id  uuid NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    applied_at  timestamptz NULL,
    verdict     text NULL CHECK (verdict IN ('applied', 'known', 'contradiction', 'unknown_reference', 'ignored')),
    due_at      timestamptz NULL DEFAULT now(),
    tries       integer NOT NULL DEFAULT 0,
    PRIMARY KEY (provider, mode, notice_id)
);

CREATE INDEX provider_notices_due ON provider_notices (due_at) WHERE due_at IS NOT NULL;

-- Merchants' idempotency keys for payments and their operations. Not partitioned: a key on either side of a month would be two.
CREATE TABLE payment_requests (
    merchant_id  uuid  NOT NULL,
    mode         text  NOT NULL,
    key_class    text  NOT NULL CHECK (key_class IN ('secret', 'publishable')),
    key          text  NOT NULL,
    fingerprint  bytea NOT NULL,
    payment_id   uuid  NOT NULL,
    operation_id uuid  NULL,
    state        text  NOT NULL CHECK (state IN ('running', 'unresolved', 'final')),
    status       integer NULL,
    body         bytea NULL,
    started_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz NULL,
    PRIMARY KEY (merchant_id, mode, key_class, key),
    CHECK ((state = 'final') = (status IS NOT NULL AND body IS NOT NULL AND finished_at IS NOT NULL))
) WITH (fillfactor = 50);

CREATE INDEX payment_requests_finished ON payment_requests (finished_at) WHERE finished_at IS NOT NULL;

-- How much a merchant has asked for in a month, less what came to nothing: for the monthly limit.
CREATE TABLE merchant_volumes (
    merchant_id uuid NOT NULL,
    mode        text NOT NULL,
    currency    text NOT NULL,
    month       date NOT NULL,
    amount      bigint NOT NULL,
    PRIMARY KEY (merchant_id, mode, currency, month)
) WITH (fillfactor = 20);

-- What a person must look at.
CREATE TABLE incidents (
    merchant_id uuid NULL,
    mode        text NOT NULL,
    id          uuid NOT NULL PRIMARY KEY,
    kind        text NOT NULL,
    payment_id  uuid NULL,
    attempt_id  uuid NULL,
    detail      text NOT NULL,
    raised_at   timestamptz NOT NULL DEFAULT now(),
    closed_at   timestamptz NULL
);

CREATE INDEX incidents_open ON incidents (raised_at) WHERE closed_at IS NULL;

-- One row per group commit: whoever lost the answer asks again under the same number and gets it.
CREATE TABLE commits (
    id       uuid NOT NULL PRIMARY KEY,
    verdicts text[] NULL,
    at       timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- Makes the partitions of the months from this one to MONTHS ahead; returns how many were missing. A month that rows have already
-- reached through the DEFAULT partition cannot be made here: the alarm on that partition tells.
CREATE FUNCTION make_payment_partitions(months integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    starts timestamptz;
    made   integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('make_payment_partitions'));
    FOREACH parent IN ARRAY ARRAY['payments', 'operations', 'attempts'] LOOP
        FOR m IN 0..months LOOP
            starts := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => m)) AT TIME ZONE 'UTC';
            CONTINUE WHEN to_regclass(parent || to_char(starts AT TIME ZONE 'UTC', '_YYYY_MM')) IS NOT NULL;
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L) WITH (fillfactor = 50)',
                parent || to_char(starts AT TIME ZONE 'UTC', '_YYYY_MM'), parent,
                uuid_floor(starts), uuid_floor((starts AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC'));
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;

CREATE TABLE payments_default PARTITION OF payments DEFAULT;
CREATE TABLE operations_default PARTITION OF operations DEFAULT;
CREATE TABLE attempts_default PARTITION OF attempts DEFAULT;
SELECT make_payment_partitions(3);
