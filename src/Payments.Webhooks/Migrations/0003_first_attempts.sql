-- A delivery whose first attempt succeeds, as nearly all do, says how that went itself: then first_milliseconds is set, the attempt ended at
-- delivered_at, and delivery_attempts has no row of it. Deliveries are written once and changed once soon after: half of a page is left for
-- that.
ALTER TABLE deliveries
    ADD COLUMN first_milliseconds  integer,
    ADD COLUMN first_status_code   integer,
    ADD COLUMN first_response      text;

-- Of rows to come: those that are there have none, and are not read for that.
ALTER TABLE deliveries ADD CONSTRAINT deliveries_first_response_check CHECK (length(first_response) <= 1024) NOT VALID;

DO $$
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'deliveries'::regclass LOOP
        EXECUTE format('ALTER TABLE %s SET (fillfactor = 50)', part);
    END LOOP;
END
$$;

-- Makes the partitions of last month, this month and the months ahead; returns how many it made.
CREATE OR REPLACE FUNCTION make_partitions(months_ahead integer) RETURNS integer LANGUAGE plpgsql AS $$
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
                IF family = 'deliveries' THEN
                    EXECUTE format('ALTER TABLE %I SET (fillfactor = 50)', family || to_char(month AT TIME ZONE 'UTC', '"_"YYYY"_"MM'));
                END IF;
                made := made + 1;
            END IF;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;
