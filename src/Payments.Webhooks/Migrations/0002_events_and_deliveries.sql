-- What merchants are told, to whom, and how it went. The three tables are partitioned by the time inside the event's UUIDv7,
-- month by month, so that retention drops partitions; each has a DEFAULT partition for ids whose month does not exist.
CREATE TABLE events (
    id          uuid        NOT NULL PRIMARY KEY,
    merchant_id uuid        NOT NULL,
    mode        text        NOT NULL CHECK (mode IN ('test', 'live')),
    type        text        NOT NULL,
    subject     uuid        NOT NULL,
    version     bigint      NOT NULL,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    traceparent text,
    body        bytea       NOT NULL
) PARTITION BY RANGE (id);

CREATE INDEX events_listed ON events (merchant_id, mode, id DESC);

-- The lane is the endpoint that the event goes to; the nil UUID is the lane of receipts, which go by SMTP. A claim moves
-- next_attempt_at to the end of its lease, so a claim that dies becomes due again by itself. round_start counts the attempts
-- made before the current run of the schedule, which a resend begins anew.
CREATE TABLE deliveries (
    event_id        uuid        NOT NULL,
    lane_id         uuid        NOT NULL,
    id              uuid        NOT NULL,
    status          text        NOT NULL CHECK (status IN ('pending', 'delivered', 'failed', 'canceled')),
    attempts        integer     NOT NULL DEFAULT 0 CHECK (attempts >= round_start),
    round_start     integer     NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    lease           uuid,
    created_at      timestamptz NOT NULL DEFAULT now(),
    delivered_at    timestamptz,
    PRIMARY KEY (event_id, lane_id)
) PARTITION BY RANGE (event_id);

CREATE INDEX deliveries_due ON deliveries (lane_id, next_attempt_at) WHERE status = 'pending';
CREATE INDEX deliveries_listed ON deliveries (lane_id, id DESC);

CREATE TABLE delivery_attempts (
    event_id             uuid        NOT NULL,
    lane_id              uuid        NOT NULL,
    number               integer     NOT NULL,
    finished_at          timestamptz NOT NULL DEFAULT now(),
    duration_milliseconds integer    NOT NULL,
    status_code          integer,
    error                text,
    response             text        CHECK (length(response) <= 1024),
    PRIMARY KEY (event_id, lane_id, number)
) PARTITION BY RANGE (event_id);

CREATE TABLE events_default PARTITION OF events DEFAULT;
CREATE TABLE deliveries_default PARTITION OF deliveries DEFAULT;
CREATE TABLE delivery_attempts_default PARTITION OF delivery_attempts DEFAULT;

-- The smallest UUIDv7 of a moment.
CREATE FUNCTION uuid_from(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- Makes the partitions of last month, this month and the months ahead; returns how many it made.
CREATE FUNCTION make_partitions(months_ahead integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    family text;
    month  timestamptz;
    made   integer := 0;
BEGIN
    FOREACH family IN ARRAY ARRAY['events', 'deliveries', 'delivery_attempts'] LOOP
        FOR step IN -1 .. months_ahead LOOP
            month := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => step)) AT TIME ZONE 'UTC';
            IF to_regclass(family || to_char(month AT TIME ZONE 'UTC', '"_"YYYY"_"MM')) IS NULL THEN
                EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                    family || to_char(month AT TIME ZONE 'UTC', '"_"YYYY"_"MM'), family,
                    uuid_from(month), uuid_from(((month AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC'));
                made := made + 1;
            END IF;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;

-- Drops the months that ended before the limit, and what is as old in the DEFAULT partitions; returns how many it dropped.
CREATE FUNCTION drop_partitions(older_than timestamptz) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    part    record;
    dropped integer := 0;
BEGIN
    FOR part IN
        SELECT c.relname, p.relname AS family
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
        WHERE p.relname IN ('events', 'deliveries', 'delivery_attempts') AND p.relkind = 'p' AND c.relname ~ '_[0-9]{4}_[0-9]{2}$'
          AND (to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month') AT TIME ZONE 'UTC' <= older_than
    LOOP
        EXECUTE format('DROP TABLE %I', part.relname);
        dropped := dropped + 1;
    END LOOP;
    DELETE FROM delivery_attempts_default WHERE event_id < uuid_from(older_than);
    DELETE FROM deliveries_default WHERE event_id < uuid_from(older_than);
    DELETE FROM events_default WHERE id < uuid_from(older_than);
    RETURN dropped;
END
$$;

SELECT make_partitions(2);
