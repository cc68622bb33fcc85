-- The log of payment events. A number (partition, seq) is given in the transaction that writes the event, by moving the head of
-- its logical partition, which stays locked until the commit: numbers have no gaps and their order is the order of commits.
-- The epoch names this log: a database that is made anew has another one, so that no consumer mistakes its numbers for the old.

CREATE TABLE outbox_heads (
    partition integer NOT NULL PRIMARY KEY CHECK (partition BETWEEN 0 AND 15),
    epoch     uuid    NOT NULL,
    seq       bigint  NOT NULL DEFAULT 0 CHECK (seq >= 0)
) WITH (fillfactor = 10);

INSERT INTO outbox_heads (partition, epoch)
SELECT p, made.epoch FROM generate_series(0, 15) AS p, (SELECT gen_random_uuid() AS epoch OFFSET 0) AS made;

CREATE TABLE outbox (
    partition   integer     NOT NULL,
    seq         bigint      NOT NULL CHECK (seq > 0),
    id          uuid        NOT NULL,
    type        text        NOT NULL,
    subject     uuid        NOT NULL,
    merchant_id uuid        NOT NULL,
    mode        text        NOT NULL CHECK (mode IN ('test', 'live')),
    version     bigint      NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    data        bytea       NOT NULL,
    traceparent text        NULL,
    PRIMARY KEY (partition, seq)
);

-- How far the relay has produced; written lazily, so after a crash it may be behind and events are produced again.
CREATE TABLE outbox_produced (
    partition integer NOT NULL PRIMARY KEY,
    seq       bigint  NOT NULL
) WITH (fillfactor = 10);

INSERT INTO outbox_produced (partition, seq) SELECT p, 0 FROM generate_series(0, 15) AS p;

-- What each consumer has reported as applied: retention never goes beyond the slowest.
CREATE TABLE outbox_consumers (
    consumer    text        NOT NULL,
    partition   integer     NOT NULL,
    seq         bigint      NOT NULL,
    reported_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, partition)
);

CREATE FUNCTION outbox_partition(subject uuid) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN get_byte(uuid_send(subject), 15) & 15;

-- Appends events in one go: all heads concerned are locked in order of partition, then moved, then the rows are written.
-- Within a payment the order is that of version (then of the arrays). Returns the number of events.
CREATE FUNCTION outbox_append(
    ids uuid[], types text[], subjects uuid[], merchant_ids uuid[], modes text[], versions bigint[],
    occurred_ats timestamptz[], datas bytea[], traceparents text[]) RETURNS integer
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    appended integer;
BEGIN
    PERFORM 1 FROM outbox_heads AS head
    WHERE head.partition IN (SELECT outbox_partition(s) FROM unnest(subjects) AS s)
    ORDER BY head.partition
    FOR UPDATE;

    WITH event AS (
        SELECT e.*, outbox_partition(e.subject) AS partition
        FROM unnest(ids, types, subjects, merchant_ids, modes, versions, occurred_ats, datas, traceparents) WITH ORDINALITY
            AS e (id, type, subject, merchant_id, mode, version, occurred_at, data, traceparent, place)
    ), added AS (
        SELECT event.partition, count(*) AS events FROM event GROUP BY event.partition
    ), moved AS (
        UPDATE outbox_heads AS head SET seq = head.seq + added.events
        FROM added WHERE head.partition = added.partition
        RETURNING head.partition, head.seq - added.events AS before
    )
    INSERT INTO outbox (partition, seq, id, type, subject, merchant_id, mode, version, occurred_at, data, traceparent)
    SELECT event.partition,
           moved.before + row_number() OVER (PARTITION BY event.partition ORDER BY event.subject, event.version, event.place),
           event.id, event.type, event.subject, event.merchant_id, event.mode, event.version, event.occurred_at, event.data, event.traceparent
    FROM event JOIN moved ON moved.partition = event.partition;

    GET DIAGNOSTICS appended = ROW_COUNT;
    RETURN appended;
END $$;

-- Removes at most LIMIT events that are older than the retention and were applied by every registered consumer.
CREATE FUNCTION outbox_expire(at_most integer) RETURNS integer
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    removed integer;
BEGIN
    DELETE FROM outbox WHERE (partition, seq) IN (
        SELECT oldest.partition, oldest.seq
        FROM outbox_heads AS head
        CROSS JOIN LATERAL (
            SELECT e.partition, e.seq, e.recorded_at FROM outbox AS e WHERE e.partition = head.partition ORDER BY e.seq LIMIT at_most) AS oldest
        WHERE oldest.recorded_at < now() - interval '35 days'
          AND oldest.seq <= COALESCE((SELECT min(c.seq) FROM outbox_consumers AS c WHERE c.partition = head.partition), head.seq)
        LIMIT at_most);
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END $$;

-- The log is insert-only. A deletion is checked against the same rule whoever asks for it.
CREATE FUNCTION outbox_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the outbox is a log: % on % is refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION outbox_check_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM removed
        WHERE removed.recorded_at >= now() - interval '35 days'
           OR removed.seq > (SELECT min(c.seq) FROM outbox_consumers AS c WHERE c.partition = removed.partition))
    THEN
        RAISE EXCEPTION 'the outbox keeps events for 35 days and until every consumer has applied them' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER outbox_no_change BEFORE UPDATE OR TRUNCATE ON outbox FOR EACH STATEMENT EXECUTE FUNCTION outbox_refuse();
CREATE TRIGGER outbox_keeps AFTER DELETE ON outbox REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION outbox_check_removed();
CREATE TRIGGER outbox_heads_stay BEFORE DELETE OR TRUNCATE ON outbox_heads FOR EACH STATEMENT EXECUTE FUNCTION outbox_refuse();
CREATE TRIGGER outbox_heads_grow BEFORE UPDATE ON outbox_heads FOR EACH ROW
    WHEN (NEW.seq < OLD.seq OR NEW.epoch <> OLD.epoch OR NEW.partition <> OLD.partition) EXECUTE FUNCTION outbox_refuse();

-- The events as an operator reads them.
CREATE VIEW outbox_readable AS
SELECT partition, seq, id, type, subject, merchant_id, mode, version, occurred_at, recorded_at, convert_from(data, 'UTF8')::json AS data, traceparent
FROM outbox;
