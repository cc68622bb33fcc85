-- The look for two payments under one name of the provider (in commit_changes) read the whole table of names once for every payment of a
-- commit: the planner expects one row of a batch and then joins by the mode alone, so that a commit took longer with every payment that
-- was ever made. It asks by the whole key now, whatever the planner expects. The function is mended in place: nothing else of it changes.
DO $mend$
DECLARE
    before constant text := $part$
           (i.doc->>'merchant_id')::uuid, i.doc->>'mode', 'provider_reference_shared', (i.doc->>'payment_id')::uuid,
           (e.doc->>'attempt_id')::uuid, 'The provider''s reference ' || (e.doc->>'reference') || ' belongs to another payment.',
           (i.doc->>'payment_id') || '/' || (e.doc->>'provider') || ':' || (e.doc->>'reference')
    FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
    CROSS JOIN LATERAL jsonb_array_elements(i.doc->'references') AS e (doc)
    JOIN provider_references AS r ON r.provider = e.doc->>'provider' AND r.mode = i.doc->>'mode' AND r.reference = e.doc->>'reference'
    WHERE verdict_of[i.n::integer] = 'committed' AND r.payment_id <> (i.doc->>'payment_id')::uuid
    ORDER BY 4, 8$part$;
    after constant text := $part$
           s.merchant_id, s.mode, 'provider_reference_shared', s.payment_id, s.attempt_id,
           'The provider''s reference ' || s.reference || ' belongs to another payment.', s.payment_id || '/' || s.provider || ':' || s.reference
    FROM (
        SELECT (i.doc->>'merchant_id')::uuid AS merchant_id, i.doc->>'mode' AS mode, (i.doc->>'payment_id')::uuid AS payment_id,
               (e.doc->>'attempt_id')::uuid AS attempt_id, e.doc->>'provider' AS provider, e.doc->>'reference' AS reference
        FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
        CROSS JOIN LATERAL jsonb_array_elements(i.doc->'references') AS e (doc)
        WHERE verdict_of[i.n::integer] = 'committed'
        OFFSET 0
    ) AS s
    CROSS JOIN LATERAL (
        SELECT known.payment_id FROM provider_references AS known
        WHERE known.provider = s.provider AND known.mode = s.mode AND known.reference = s.reference
        OFFSET 0
    ) AS r
    WHERE r.payment_id <> s.payment_id
    ORDER BY 4, 8$part$;
    stands text;
BEGIN
    SELECT pg_get_functiondef(p.oid) INTO STRICT stands FROM pg_proc AS p WHERE p.proname = 'commit_changes' AND p.pronamespace = current_schema()::regnamespace;
    IF position(before IN stands) = 0 THEN
        RAISE EXCEPTION 'commit_changes is not the function that this migration mends';
    END IF;
    EXECUTE replace(stands, before, after);
END $mend$;
