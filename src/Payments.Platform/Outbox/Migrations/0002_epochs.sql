-- A publisher's database that was restored to an earlier moment holds a shorter log than its consumers have applied. It is closed while
-- what is missing is put back from the consumers' copies, and goes on in a new epoch: messages of the old one that are still under way
-- then mean nothing to anybody. Every epoch says which one it continues and up to which numbers both are the same log.

CREATE TABLE outbox_epochs (
    epoch     uuid        NOT NULL PRIMARY KEY,
    number    integer     NOT NULL UNIQUE,
    continues uuid        NULL REFERENCES outbox_epochs,
    -- The last number of each partition, in order, that this log has in common with the one it continues.
    sequences bigint[]    NULL CHECK (cardinality(sequences) = 16),
    reason    text        NOT NULL,
    began_at  timestamptz NOT NULL DEFAULT now(),
    CHECK ((continues IS NULL) = (sequences IS NULL))
);

INSERT INTO outbox_epochs (epoch, number, reason) SELECT DISTINCT epoch, 1, 'made' FROM outbox_heads;

-- Not null: nothing is appended.
ALTER TABLE outbox_heads ADD COLUMN closed_because text NULL;

CREATE OR REPLACE FUNCTION outbox_append(
    ids uuid[], types text[], subjects uuid[], merchant_ids uuid[], modes text[], versions bigint[],
    occurred_ats timestamptz[], datas bytea[], traceparents text[]) RETURNS integer
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    appended integer;
    closed   text;
BEGIN
    SELECT max(locked.closed_because) INTO closed FROM (
        SELECT head.closed_because FROM outbox_heads AS head
        WHERE head.partition IN (SELECT outbox_partition(s) FROM unnest(subjects) AS s)
        ORDER BY head.partition
        FOR UPDATE) AS locked;
    IF closed IS NOT NULL THEN
        RAISE EXCEPTION 'the event log is closed: %', closed USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;

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

-- Closes the log, waiting for whoever is writing. To be called on a restored database before any service reaches it.
CREATE FUNCTION outbox_close(reason text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM outbox_heads ORDER BY partition FOR UPDATE;
    UPDATE outbox_heads SET closed_because = reason;
END $$;

-- Puts events of one partition back under the numbers they had. They follow on from the head, or are there already.
CREATE FUNCTION outbox_reinstate(
    in_partition integer, seqs bigint[], ids uuid[], types text[], subjects uuid[], merchant_ids uuid[], modes text[], versions bigint[],
    occurred_ats timestamptz[], datas bytea[], traceparents text[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    head outbox_heads%ROWTYPE;
    last bigint;
BEGIN
    SELECT * INTO STRICT head FROM outbox_heads AS h WHERE h.partition = in_partition FOR UPDATE;
    IF head.closed_because IS NULL THEN
        RAISE EXCEPTION 'events are only put back into a log that is closed' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;

    IF EXISTS (
        SELECT FROM unnest(seqs, ids, subjects) AS e (seq, id, subject)
        LEFT JOIN outbox AS o ON o.partition = in_partition AND o.seq = e.seq
        WHERE outbox_partition(e.subject) <> in_partition OR o.id <> e.id OR (o.id IS NULL AND e.seq <= head.seq))
    THEN
        RAISE EXCEPTION 'partition % holds another event under a number that is to be put back', in_partition USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    INSERT INTO outbox (partition, seq, id, type, subject, merchant_id, mode, version, occurred_at, data, traceparent)
    SELECT in_partition, e.* FROM unnest(seqs, ids, types, subjects, merchant_ids, modes, versions, occurred_ats, datas, traceparents) AS e
    ON CONFLICT (partition, seq) DO NOTHING;

    SELECT max(e.seq) INTO last FROM unnest(seqs) AS e (seq);
    IF (SELECT count(*) FROM outbox AS o WHERE o.partition = in_partition AND o.seq > head.seq) <> greatest(0, last - head.seq) THEN
        RAISE EXCEPTION 'what is put back into partition % does not follow on from %', in_partition, head.seq USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    UPDATE outbox_heads SET seq = greatest(seq, last) WHERE partition = in_partition RETURNING seq INTO last;
    RETURN last;
END $$;

-- Opens a closed log in a new epoch, which continues the old one up to where the heads stand.
CREATE FUNCTION outbox_new_epoch(why text) RETURNS uuid
LANGUAGE plpgsql AS $$
DECLARE
    fresh uuid := gen_random_uuid();
BEGIN
    PERFORM FROM outbox_heads ORDER BY partition FOR UPDATE;
    IF EXISTS (SELECT FROM outbox_heads WHERE closed_because IS NULL) THEN
        RAISE EXCEPTION 'an open log does not change its epoch: call outbox_close first' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;

    INSERT INTO outbox_epochs (epoch, number, continues, sequences, reason)
    SELECT fresh, (SELECT max(number) + 1 FROM outbox_epochs), (SELECT epoch FROM outbox_heads LIMIT 1), array_agg(seq ORDER BY partition), why FROM outbox_heads;
    UPDATE outbox_heads SET epoch = fresh, closed_because = NULL;
    RETURN fresh;
END $$;

-- Heads only grow, and an epoch is changed only to one that is written down as its successor.
CREATE FUNCTION outbox_check_head() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq < OLD.seq OR NEW.partition <> OLD.partition
        OR NOT EXISTS (SELECT FROM outbox_epochs WHERE epoch = NEW.epoch AND continues = OLD.epoch)
    THEN
        RAISE EXCEPTION 'the outbox is a log: heads only grow' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

DROP TRIGGER outbox_heads_grow ON outbox_heads;
CREATE TRIGGER outbox_heads_grow BEFORE UPDATE ON outbox_heads FOR EACH ROW
    WHEN (NEW.seq < OLD.seq OR NEW.epoch <> OLD.epoch OR NEW.partition <> OLD.partition) EXECUTE FUNCTION outbox_check_head();
CREATE TRIGGER outbox_epochs_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON outbox_epochs FOR EACH STATEMENT EXECUTE FUNCTION outbox_refuse();
