-- Copies of events in pages: a run of one partition's events is one row, compressed within the row. What the events of a run have in
-- common, which is most of them, is so written once. Rows of event_copies stay until they are too old.
--
-- A page is text, two lines an event: the columns of event_copies as a JSON array (seq, id, type, subject, merchant_id, mode, version,
-- occurred_at, traceparent, length of the data in bytes), then the data as it was carried.
CREATE TABLE event_copy_pages (
    consumer   text        NOT NULL,
    publisher  text        NOT NULL,
    partition  integer     NOT NULL,
    first_seq  bigint      NOT NULL,
    last_seq   bigint      NOT NULL CHECK (last_seq >= first_seq),
    page       bytea       COMPRESSION lz4 NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, publisher, partition, last_seq)
);

-- Pages are made small enough to stay in their rows.
ALTER TABLE event_copy_pages ALTER COLUMN page SET STORAGE MAIN;

-- For their expiry: rows come in the order of their age.
CREATE INDEX event_copy_pages_applied ON event_copy_pages USING brin (applied_at);

CREATE FUNCTION event_copy_rows(page bytea) RETURNS TABLE (
    seq bigint, id uuid, type text, subject uuid, merchant_id uuid, mode text, version bigint, occurred_at timestamptz, data bytea, traceparent text)
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    place integer := 1;
    width integer;
    line  json;
BEGIN
    WHILE place <= length(page) LOOP
        width := position('\x0a'::bytea IN substring(page FROM place));
        line := convert_from(substring(page FROM place FOR width - 1), 'UTF8')::json;
        place := place + width;
        seq := line->>0;
        id := line->>1;
        type := line->>2;
        subject := line->>3;
        merchant_id := line->>4;
        mode := line->>5;
        version := line->>6;
        occurred_at := line->>7;
        traceparent := line->>8;
        data := substring(page FROM place FOR (line->>9)::integer);
        place := place + length(data) + 1;
        RETURN NEXT;
    END LOOP;
END $$;

-- Every copy as a row of its own, whichever way it is kept. first_seq and last_seq find its page.
CREATE VIEW kept_events AS
SELECT consumer, publisher, partition, seq AS first_seq, seq AS last_seq, seq, id, type, subject, merchant_id, mode, version, occurred_at, data, traceparent, applied_at
FROM event_copies
UNION ALL
SELECT p.consumer, p.publisher, p.partition, p.first_seq, p.last_seq, e.seq, e.id, e.type, e.subject, e.merchant_id, e.mode, e.version, e.occurred_at, e.data, e.traceparent, p.applied_at
FROM event_copy_pages AS p CROSS JOIN LATERAL event_copy_rows(p.page) AS e;
