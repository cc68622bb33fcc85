-- Marking the notices that came with a commit's changes read every notice there is and compared it with every change, although hardly a
-- change comes with one: the planner takes the table for small and begins with it. Each is found by its key now, in a loop, and where
-- none came nothing is read. The function is mended in place: nothing else of it changes.
DO $mend$
DECLARE
    before constant text := $part$
    UPDATE provider_notices AS t SET applied_at = now(), verdict = e.doc->>'verdict', payment_id = (i.doc->>'payment_id')::uuid, due_at = NULL
    FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
    CROSS JOIN LATERAL jsonb_array_elements(i.doc->'notices') AS e (doc)
    WHERE verdict_of[i.n::integer] = 'committed'
      AND t.provider = e.doc->>'provider' AND t.mode = i.doc->>'mode' AND t.notice_id = e.doc->>'notice_id';
$part$;
    after constant text := $part$
    DECLARE
        told record;
    BEGIN
        FOR told IN
            SELECT e.doc->>'provider' AS provider, i.doc->>'mode' AS mode, e.doc->>'notice_id' AS notice_id, e.doc->>'verdict' AS verdict,
                   (i.doc->>'payment_id')::uuid AS payment_id
            FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
            CROSS JOIN LATERAL jsonb_array_elements(i.doc->'notices') AS e (doc)
            WHERE verdict_of[i.n::integer] = 'committed'
            ORDER BY 1, 2, 3
        LOOP
            UPDATE provider_notices AS t SET applied_at = now(), verdict = told.verdict, payment_id = told.payment_id, due_at = NULL
            WHERE t.provider = told.provider AND t.mode = told.mode AND t.notice_id = told.notice_id;
        END LOOP;
    END;
$part$;
    stands text;
BEGIN
    SELECT pg_get_functiondef(p.oid) INTO STRICT stands FROM pg_proc AS p WHERE p.proname = 'commit_changes' AND p.pronamespace = current_schema()::regnamespace;
    IF position(before IN stands) = 0 THEN
        RAISE EXCEPTION 'commit_changes is not the function that this migration mends';
    END IF;
    EXECUTE replace(stands, before, after);
END $mend$;
