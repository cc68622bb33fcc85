-- The function that writes payments, whole: besides what it did, it keeps a payment's disputes: on the payment, and a row for each.
--
-- Order of locks, the same for all writers: payments by id, attempts held, reviews, breaks, providers' names, idempotency keys, volumes,
-- holds, incidents, recoveries, heads of the outbox.
--
-- changes: array of {merchant_id, mode, payment_id, expected (version; 0: new), payment, recovered, held, attribution, reserve, decision,
-- review, review_over, context, operations[], attempts[], references[], disputes[], claim, answer, release, volume, notices[], incidents[],
-- recoveries[]}; bodies: what answers and claims refer to by number (from 1); event_items: the number of the change (from 1) that an
-- event belongs to.
CREATE OR REPLACE FUNCTION commit_changes(
    commit_id uuid, changes jsonb, bodies bytea[], event_items integer[], event_ids uuid[], event_types text[], event_subjects uuid[],
    event_merchants uuid[], event_modes text[], event_versions bigint[], event_times timestamptz[], event_datas bytea[],
    event_traces text[]) RETURNS text[]
LANGUAGE plpgsql
SET lock_timeout = '3s'
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
DECLARE
    verdict_of text[];
    limited  record;
BEGIN
    INSERT INTO commits (id) VALUES (commit_id) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        SELECT c.verdicts INTO STRICT verdict_of FROM commits AS c WHERE c.id = commit_id;
        RETURN verdict_of;
    END IF;

    -- Races are decided here: whoever read an older version than the one that stands now has lost.
    WITH item AS (
        SELECT i.n, (i.doc->>'merchant_id')::uuid AS merchant_id, i.doc->>'mode' AS mode, (i.doc->>'payment_id')::uuid AS payment_id,
               (i.doc->>'expected')::bigint AS expected
        FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
    ), locked AS MATERIALIZED (
        SELECT item.n, p.version FROM item
        JOIN payments AS p ON p.merchant_id = item.merchant_id AND p.mode = item.mode AND p.id = item.payment_id
        WHERE item.expected > 0
        ORDER BY p.id FOR UPDATE OF p
    )
    SELECT array_agg(CASE WHEN item.expected = 0 OR locked.version = item.expected THEN 'committed' ELSE 'conflict' END ORDER BY item.n)
    INTO verdict_of
    FROM item LEFT JOIN locked ON locked.n = item.n;

    -- Whoever held an attempt and was overtaken (a lease ran out, another one took it) decides nothing about it any more. Locked after
    -- the payment, as the writing below does, so that nobody takes the attempt between this look and the commit.
    IF jsonb_path_exists(changes, '$[*].held') THEN
        WITH held AS MATERIALIZED (
            SELECT i.n, a.fence = (i.doc->'held'->>'fence')::bigint AS stands
            FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
            JOIN attempts AS a ON a.merchant_id = (i.doc->>'merchant_id')::uuid AND a.mode = i.doc->>'mode'
                AND a.payment_id = (i.doc->>'payment_id')::uuid AND a.id = (i.doc->'held'->>'attempt_id')::uuid
            WHERE i.doc ? 'held' AND verdict_of[i.n::integer] = 'committed'
            ORDER BY a.payment_id, a.id FOR UPDATE OF a
        )
        SELECT array_agg(CASE WHEN held.stands IS FALSE THEN 'fenced' ELSE v.verdict END ORDER BY v.n)
        INTO verdict_of
        FROM unnest(verdict_of) WITH ORDINALITY AS v (verdict, n)
        LEFT JOIN held ON held.n = v.n;
    END IF;

    -- A review is decided once: by who has claimed it, or by the clock when its time is over.
    IF jsonb_path_exists(changes, '$[*].decision') THEN
        WITH wanted AS (
            SELECT i.n, (i.doc->>'merchant_id')::uuid AS merchant_id, i.doc->>'mode' AS mode, (i.doc->>'payment_id')::uuid AS payment_id,
                   i.doc->'decision'->>'outcome' AS outcome, (i.doc->'decision'->>'automatic')::boolean AS automatic,
                   i.doc->'decision'->>'by' AS by, i.doc->'decision'->>'reason' AS reason, (i.doc->'decision'->>'operator_key_id')::uuid AS operator_key_id,
                   (i.doc->'decision'->>'effect_in')::double precision AS effect_in
            FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
            WHERE i.doc ? 'decision' AND verdict_of[i.n::integer] = 'committed'
        ), locked AS MATERIALIZED (
            SELECT wanted.n FROM reviews AS r
            JOIN wanted ON wanted.merchant_id = r.merchant_id AND wanted.mode = r.mode AND wanted.payment_id = r.payment_id
            WHERE r.decided_at IS NULL AND r.lapsed_at IS NULL
              AND CASE WHEN wanted.automatic THEN r.due_at <= now() ELSE r.claimed_by = wanted.operator_key_id AND r.claimed_until > now() END
            ORDER BY r.payment_id FOR UPDATE OF r
        ), decided AS (
            UPDATE reviews AS r SET
                outcome = wanted.outcome, automatic = wanted.automatic, decided_by = wanted.by, reason = wanted.reason, decided_at = now(),
                claimed_until = NULL, leased_until = NULL, due_at = now() + make_interval(secs => wanted.effect_in)
            FROM wanted JOIN locked ON locked.n = wanted.n
            WHERE r.merchant_id = wanted.merchant_id AND r.mode = wanted.mode AND r.payment_id = wanted.payment_id
            RETURNING wanted.n
        )
        SELECT array_agg(CASE WHEN wanted.n IS NOT NULL AND decided.n IS NULL THEN 'conflict' ELSE v.verdict END ORDER BY v.n)
        INTO verdict_of
        FROM unnest(verdict_of) WITH ORDINALITY AS v (verdict, n)
        LEFT JOIN wanted ON wanted.n = v.n
        LEFT JOIN decided ON decided.n = v.n;
    END IF;

    -- A charge in suspense finds its merchant once.
    IF jsonb_path_exists(changes, '$[*].attribution') THEN
        WITH wanted AS (
            SELECT i.n, (i.doc->'attribution'->>'break')::uuid AS break, (i.doc->>'merchant_id')::uuid AS merchant_id,
                   i.doc->'attribution'->>'by' AS by, i.doc->'attribution'->>'reason' AS reason
            FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
            WHERE i.doc ? 'attribution' AND verdict_of[i.n::integer] = 'committed'
        ), locked AS MATERIALIZED (
            SELECT b.id FROM breaks AS b JOIN wanted ON wanted.break = b.id WHERE b.status = 'open' ORDER BY b.id FOR UPDATE OF b
        ), closed AS (
            UPDATE breaks AS b SET status = 'closed', merchant_id = wanted.merchant_id, closed_at = now(), closed_by = wanted.by, close_reason = wanted.reason
            FROM wanted JOIN locked ON locked.id = wanted.break
            WHERE b.id = wanted.break
            RETURNING wanted.n
        )
        SELECT array_agg(CASE WHEN wanted.n IS NOT NULL AND closed.n IS NULL THEN 'conflict' ELSE v.verdict END ORDER BY v.n)
        INTO verdict_of
        FROM unnest(verdict_of) WITH ORDINALITY AS v (verdict, n)
        LEFT JOIN wanted ON wanted.n = v.n
        LEFT JOIN closed ON closed.n = v.n;
    END IF;

    -- A payment made of a provider's record is made once, whoever finds the record, and never over a payment that stands.
    IF jsonb_path_exists(changes, '$[*].reserve') THEN
        WITH wanted AS (
            SELECT i.n, i.doc->'reserve'->>'provider' AS provider, i.doc->>'mode' AS mode, i.doc->'reserve'->>'reference' AS reference,
                   (i.doc->>'merchant_id')::uuid AS merchant_id, (i.doc->>'payment_id')::uuid AS payment_id
            FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
            WHERE i.doc ? 'reserve' AND verdict_of[i.n::integer] = 'committed'
        ), taken AS (
            INSERT INTO provider_references (provider, mode, reference, merchant_id, payment_id)
            SELECT w.provider, w.mode, w.reference, w.merchant_id, w.payment_id FROM wanted AS w
            WHERE NOT EXISTS (SELECT FROM payments AS p WHERE p.id = w.payment_id)
            ORDER BY 1, 2, 3
            ON CONFLICT DO NOTHING
            RETURNING provider, mode, reference, payment_id
        )
        SELECT array_agg(CASE WHEN wanted.n IS NOT NULL AND taken.payment_id IS NULL THEN 'conflict' ELSE v.verdict END ORDER BY v.n)
        INTO verdict_of
        FROM unnest(verdict_of) WITH ORDINALITY AS v (verdict, n)
        LEFT JOIN wanted ON wanted.n = v.n
        LEFT JOIN taken ON taken.provider = wanted.provider AND taken.mode = wanted.mode AND taken.reference = wanted.reference
            AND taken.payment_id = wanted.payment_id;
    END IF;

    -- One merchant's key belongs to one request, for 24 hours from its final answer.
    DELETE FROM payment_requests AS r
    USING jsonb_array_elements(changes) AS i (doc)
    WHERE i.doc ? 'claim'
      AND r.merchant_id = (i.doc->>'merchant_id')::uuid AND r.mode = i.doc->>'mode'
      AND r.key_class = i.doc->'claim'->>'key_class' AND r.key = i.doc->'claim'->>'key'
      AND r.finished_at < now() - interval '24 hours';

    WITH claim AS (
        SELECT i.n, (i.doc->>'merchant_id')::uuid AS merchant_id, i.doc->>'mode' AS mode, (i.doc->>'payment_id')::uuid AS payment_id,
               i.doc->'claim' AS doc
        FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
        WHERE i.doc ? 'claim' AND verdict_of[i.n::integer] = 'committed'
    ), claimed AS (
        INSERT INTO payment_requests (merchant_id, mode, key_class, key, fingerprint, payment_id, operation_id, state)
        SELECT merchant_id, mode, doc->>'key_class', doc->>'key', bodies[(doc->>'fingerprint')::integer], payment_id,
               (doc->>'operation_id')::uuid, 'running'
        FROM claim
        ORDER BY merchant_id, mode, doc->>'key_class', doc->>'key'
        ON CONFLICT DO NOTHING
        RETURNING payment_id, operation_id
    )
    SELECT array_agg(CASE WHEN lost.n IS NULL THEN v.verdict ELSE 'key_taken' END ORDER BY v.n)
    INTO verdict_of
    FROM unnest(verdict_of) WITH ORDINALITY AS v (verdict, n)
    LEFT JOIN (
        SELECT claim.n FROM claim
        WHERE NOT EXISTS (
            SELECT FROM claimed
            WHERE claimed.payment_id = claim.payment_id AND claimed.operation_id IS NOT DISTINCT FROM (claim.doc->>'operation_id')::uuid)
    ) AS lost ON lost.n = v.n;

    FOR limited IN
        SELECT i.n, (i.doc->>'merchant_id')::uuid AS merchant_id, i.doc->>'mode' AS mode, i.doc->'claim' AS claim,
               i.doc->'volume'->>'currency' AS currency, (i.doc->'volume'->>'month')::date AS month,
               (i.doc->'volume'->>'amount')::bigint AS amount, (i.doc->'volume'->>'most')::bigint AS most
        FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
        WHERE i.doc->'volume'->>'most' IS NOT NULL AND verdict_of[i.n::integer] = 'committed'
        ORDER BY 2, 3, 5, 6, 1
    LOOP
        INSERT INTO merchant_volumes AS v (merchant_id, mode, currency, month, amount)
        VALUES (limited.merchant_id, limited.mode, limited.currency, limited.month, 0)
        ON CONFLICT DO NOTHING;
        UPDATE merchant_volumes AS v SET amount = v.amount + limited.amount
        WHERE v.merchant_id = limited.merchant_id AND v.mode = limited.mode AND v.currency = limited.currency AND v.month = limited.month
          AND v.amount + limited.amount <= limited.most;
        IF NOT FOUND THEN
            verdict_of[limited.n] := 'over_limit';
            DELETE FROM payment_requests AS r
            WHERE r.merchant_id = limited.merchant_id AND r.mode = limited.mode
              AND r.key_class = limited.claim->>'key_class' AND r.key = limited.claim->>'key';
        END IF;
    END LOOP;

    INSERT INTO merchant_volumes AS v (merchant_id, mode, currency, month, amount)
    SELECT (i.doc->>'merchant_id')::uuid, i.doc->>'mode', i.doc->'volume'->>'currency', (i.doc->'volume'->>'month')::date,
           sum((i.doc->'volume'->>'amount')::bigint)
    FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
    WHERE i.doc ? 'volume' AND i.doc->'volume'->>'most' IS NULL AND verdict_of[i.n::integer] = 'committed'
    GROUP BY 1, 2, 3, 4
    ORDER BY 1, 2, 3, 4
    ON CONFLICT (merchant_id, mode, currency, month) DO UPDATE SET amount = v.amount + excluded.amount;

    -- Ids decide which partition a payment lives in: their time must be the database's, within a day. What is made of a provider's record
    -- may come at any time later: a break may have stood for months before somebody found out whose it is.
    INSERT INTO payments (
        merchant_id, mode, id, version, status, currency, amount, authorized, captured, capture_pending, released, void_pending, refunded,
        refund_pending, capture_reversed, capture_excess, refund_excess, provider, provider_reference, order_id, held_for_review, token_id,
        authorized_at, captured_at, capture_before, avs_result, cvc_result, risk, details, authentication, review, disputes)
    SELECT
        p.merchant_id, p.mode, p.id, p.version, p.status, p.currency, p.amount, p.authorized, p.captured, p.capture_pending, p.released,
        p.void_pending, p.refunded, p.refund_pending, p.capture_reversed, p.capture_excess, p.refund_excess, p.provider,
        p.provider_reference, p.order_id, p.held_for_review, p.token_id, p.authorized_at, p.captured_at, p.capture_before, p.avs_result,
        p.cvc_result, p.risk, p.details, p.authentication, p.review, p.disputes
    FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
    CROSS JOIN LATERAL jsonb_populate_record(NULL::payments, i.doc->'payment') AS p
    WHERE verdict_of[i.n::integer] = 'committed' AND (i.doc->>'expected')::bigint = 0;

    IF EXISTS (
        SELECT FROM jsonb_array_elements(changes) AS i (doc)
        WHERE (i.doc->>'expected')::bigint = 0
          AND (uuid_time((i.doc->>'payment_id')::uuid) > now() + interval '1 day'
            OR (uuid_time((i.doc->>'payment_id')::uuid) < now() - interval '1 day' AND NOT i.doc ? 'recovered')))
    THEN
        RAISE EXCEPTION 'the time of a payment id is more than a day away from the time of the database' USING ERRCODE = 'check_violation';
    END IF;

    UPDATE payments AS p SET
        version = c.version, status = c.status, authorized = c.authorized, captured = c.captured, capture_pending = c.capture_pending,
        released = c.released, void_pending = c.void_pending, refunded = c.refunded, refund_pending = c.refund_pending,
        capture_reversed = c.capture_reversed, capture_excess = c.capture_excess, refund_excess = c.refund_excess, provider = c.provider,
        provider_reference = c.provider_reference, held_for_review = c.held_for_review, authorized_at = c.authorized_at,
        captured_at = c.captured_at, capture_before = c.capture_before, avs_result = c.avs_result, cvc_result = c.cvc_result,
        -- What is known is never unlearned, also where a process of the version before writes, which knows neither.
        authentication = coalesce(c.authentication, p.authentication), review = coalesce(c.review, p.review),
        disputes = coalesce(c.disputes, p.disputes)
    FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
    CROSS JOIN LATERAL jsonb_populate_record(NULL::payments, i.doc->'payment') AS c
    WHERE verdict_of[i.n::integer] = 'committed' AND (i.doc->>'expected')::bigint > 0
      AND p.merchant_id = c.merchant_id AND p.mode = c.mode AND p.id = c.id;

    INSERT INTO holds (merchant_id, mode, payment_id)
    SELECT (i.doc->>'merchant_id')::uuid, i.doc->>'mode', (i.doc->>'payment_id')::uuid
    FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
    WHERE verdict_of[i.n::integer] = 'committed'
      AND (i.doc->'payment'->>'authorized')::bigint > (i.doc->'payment'->>'captured')::bigint + (i.doc->'payment'->>'released')::bigint
    ORDER BY 3
    ON CONFLICT DO NOTHING;

    -- What the merchant told of its customer, apart from the payment: the key in a table of its own, so that losing the key is enough.
    IF jsonb_path_exists(changes, '$[*].context') THEN
        INSERT INTO risk_contexts (merchant_id, mode, payment_id, sealed, customer, email, ip, device)
        SELECT (i.doc->>'merchant_id')::uuid, i.doc->>'mode', (i.doc->>'payment_id')::uuid, i.doc->'context'->>'sealed',
               decode(i.doc->'context'->>'customer', 'base64'), decode(i.doc->'context'->>'email', 'base64'),
               decode(i.doc->'context'->>'ip', 'base64'), decode(i.doc->'context'->>'device', 'base64')
        FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
        WHERE i.doc ? 'context' AND verdict_of[i.n::integer] = 'committed'
        ORDER BY 3
        ON CONFLICT DO NOTHING;

        INSERT INTO risk_context_keys (merchant_id, mode, payment_id, data_key)
        SELECT (i.doc->>'merchant_id')::uuid, i.doc->>'mode', (i.doc->>'payment_id')::uuid, i.doc->'context'->>'data_key'
        FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
        WHERE i.doc ? 'context' AND verdict_of[i.n::integer] = 'committed'
        ORDER BY 3
        ON CONFLICT DO NOTHING;
    END IF;

    -- A payment that is held for a person waits in the queue from its authorization on, and leaves it when its hold ends without a decision.
    IF jsonb_path_exists(changes, '$[*].review') THEN
        INSERT INTO reviews (merchant_id, mode, payment_id, score, due_at)
        SELECT (i.doc->>'merchant_id')::uuid, i.doc->>'mode', (i.doc->>'payment_id')::uuid, (i.doc->'review'->>'score')::integer,
               now() + make_interval(secs => (i.doc->'review'->>'due_in')::double precision)
        FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
        WHERE i.doc ? 'review' AND verdict_of[i.n::integer] = 'committed'
        ORDER BY 3
        ON CONFLICT DO NOTHING;
    END IF;

    IF jsonb_path_exists(changes, '$[*].review_over') THEN
        UPDATE reviews AS r SET lapsed_at = now(), due_at = NULL, claimed_until = NULL
        FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
        WHERE i.doc ? 'review_over' AND verdict_of[i.n::integer] = 'committed'
          AND r.merchant_id = (i.doc->>'merchant_id')::uuid AND r.mode = i.doc->>'mode' AND r.payment_id = (i.doc->>'payment_id')::uuid
          AND r.decided_at IS NULL AND r.lapsed_at IS NULL;
    END IF;

    INSERT INTO operations AS o (
        merchant_id, mode, payment_id, id, position, kind, state, amount, suspense, released, final, origin, reason, provider_reference,
        plan_version, commission, provider_cost, key_class, key, created_at, changed_at, provider_time)
    SELECT
        (i.doc->>'merchant_id')::uuid, i.doc->>'mode', (i.doc->>'payment_id')::uuid, c.id, c.position, c.kind, c.state, c.amount,
        c.suspense, c.released, c.final, c.origin, c.reason, c.provider_reference, c.plan_version, c.commission, c.provider_cost,
        c.key_class, c.key, c.created_at, c.changed_at, c.provider_time
    FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
    CROSS JOIN LATERAL jsonb_populate_recordset(NULL::operations, i.doc->'operations') AS c
    WHERE verdict_of[i.n::integer] = 'committed'
    ON CONFLICT (merchant_id, mode, payment_id, id) DO UPDATE SET
        state = excluded.state, released = excluded.released, reason = excluded.reason, origin = excluded.origin,
        provider_reference = excluded.provider_reference, plan_version = excluded.plan_version, commission = excluded.commission,
        provider_cost = excluded.provider_cost, changed_at = excluded.changed_at, provider_time = excluded.provider_time;

    INSERT INTO attempts AS a (
        merchant_id, mode, payment_id, operation_id, id, position, provider, state, cost_rate, cost_fixed, payment_reference,
        modification_reference, action_url, decline, detail, closed_at, due_at)
    SELECT
        (i.doc->>'merchant_id')::uuid, i.doc->>'mode', (i.doc->>'payment_id')::uuid, c.operation_id, c.id, c.position, c.provider, c.state,
        c.cost_rate, c.cost_fixed, c.payment_reference, c.modification_reference, c.action_url, c.decline, c.detail, c.closed_at,
        now() + make_interval(secs => (e.doc->>'due_in')::double precision)
    FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
    CROSS JOIN LATERAL jsonb_array_elements(i.doc->'attempts') AS e (doc)
    CROSS JOIN LATERAL jsonb_populate_record(NULL::attempts, e.doc) AS c
    WHERE verdict_of[i.n::integer] = 'committed'
    ON CONFLICT (merchant_id, mode, payment_id, id) DO UPDATE SET
        state = excluded.state, payment_reference = excluded.payment_reference, modification_reference = excluded.modification_reference,
        action_url = excluded.action_url, decline = excluded.decline, detail = excluded.detail, closed_at = excluded.closed_at,
        due_at = excluded.due_at, leased_until = NULL, readings = 0, missing_since = NULL,
        -- What was put off begins when it is sent: its age counts from then.
        opened_at = CASE WHEN a.state = 'scheduled' AND excluded.state <> 'scheduled' THEN now() ELSE a.opened_at END;

    INSERT INTO provider_references (provider, mode, reference, merchant_id, payment_id, attempt_id)
    SELECT e.doc->>'provider', i.doc->>'mode', e.doc->>'reference', (i.doc->>'merchant_id')::uuid, (i.doc->>'payment_id')::uuid,
           (e.doc->>'attempt_id')::uuid
    FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
    CROSS JOIN LATERAL jsonb_array_elements(i.doc->'references') AS e (doc)
    WHERE verdict_of[i.n::integer] = 'committed'
    ORDER BY 1, 2, 3
    ON CONFLICT DO NOTHING;

    -- A dispute belongs to one payment: under a name that another one has nothing is written here, and the incident below tells.
    IF jsonb_path_exists(changes, '$[*].disputes') THEN
        INSERT INTO disputes AS d (
            merchant_id, mode, payment_id, id, provider, reference, status, amount, withheld, suspense, fee, currency, reason, takes_evidence,
            evidence_due_by, opened_at, changed_at, due_at)
        SELECT
            (i.doc->>'merchant_id')::uuid, i.doc->>'mode', (i.doc->>'payment_id')::uuid, c.id, c.provider, c.reference, c.status, c.amount, c.withheld,
            c.suspense, c.fee, i.doc->'payment'->>'currency', c.reason, c.takes_evidence, c.evidence_due_by, c.opened_at, c.changed_at,
            coalesce(now() + make_interval(secs => (e.doc->>'due_in')::double precision), c.due_at)
        FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
        CROSS JOIN LATERAL jsonb_array_elements(i.doc->'disputes') AS e (doc)
        CROSS JOIN LATERAL jsonb_populate_record(NULL::disputes, e.doc) AS c
        WHERE i.doc ? 'disputes' AND verdict_of[i.n::integer] = 'committed'
        ORDER BY c.provider, 2, c.reference
        ON CONFLICT (provider, mode, reference) DO UPDATE SET
            status = excluded.status, withheld = excluded.withheld, suspense = excluded.suspense, fee = excluded.fee, takes_evidence = excluded.takes_evidence,
            evidence_due_by = excluded.evidence_due_by, changed_at = excluded.changed_at, due_at = excluded.due_at, leased_until = NULL
        WHERE d.payment_id = excluded.payment_id;
    END IF;

    -- Two payments under one name of the provider: the second keeps its state, and a person looks.
    INSERT INTO incidents AS t (id, merchant_id, mode, kind, payment_id, attempt_id, detail, subject)
    SELECT (lpad(to_hex(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || right(replace(gen_random_uuid()::text, '-', ''), 20))::uuid,
           (i.doc->>'merchant_id')::uuid, i.doc->>'mode', 'provider_reference_shared', (i.doc->>'payment_id')::uuid,
           (e.doc->>'attempt_id')::uuid, 'The provider''s reference ' || (e.doc->>'reference') || ' belongs to another payment.',
           (i.doc->>'payment_id') || '/' || (e.doc->>'provider') || ':' || (e.doc->>'reference')
    FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
    CROSS JOIN LATERAL jsonb_array_elements(i.doc->'references') AS e (doc)
    JOIN provider_references AS r ON r.provider = e.doc->>'provider' AND r.mode = i.doc->>'mode' AND r.reference = e.doc->>'reference'
    WHERE verdict_of[i.n::integer] = 'committed' AND r.payment_id <> (i.doc->>'payment_id')::uuid
    ORDER BY 4, 8
    ON CONFLICT (kind, mode, subject) WHERE closed_at IS NULL DO UPDATE SET seen = t.seen + 1, last_seen_at = now();

    -- Answers: the final one (with a body), or the note that the outcome is unknown.
    UPDATE payment_requests AS r SET
        state = CASE WHEN i.doc->'answer' ? 'body' THEN 'final' ELSE 'unresolved' END,
        status = (i.doc->'answer'->>'status')::integer,
        body = bodies[(i.doc->'answer'->>'body')::integer],
        finished_at = CASE WHEN i.doc->'answer' ? 'body' THEN now() END
    FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
    WHERE i.doc ? 'answer' AND verdict_of[i.n::integer] = 'committed'
      AND r.merchant_id = (i.doc->>'merchant_id')::uuid AND r.mode = i.doc->>'mode'
      AND r.key_class = i.doc->'answer'->>'key_class' AND r.key = i.doc->'answer'->>'key'
      AND r.payment_id = (i.doc->>'payment_id')::uuid AND r.state <> 'final';

    -- A request that came to nothing gives its key back.
    DELETE FROM payment_requests AS r
    USING jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
    WHERE i.doc ? 'release' AND verdict_of[i.n::integer] = 'committed'
      AND r.merchant_id = (i.doc->>'merchant_id')::uuid AND r.mode = i.doc->>'mode'
      AND r.key_class = i.doc->'release'->>'key_class' AND r.key = i.doc->'release'->>'key'
      AND r.payment_id = (i.doc->>'payment_id')::uuid AND r.state <> 'final';

    UPDATE provider_notices AS t SET applied_at = now(), verdict = e.doc->>'verdict', payment_id = (i.doc->>'payment_id')::uuid, due_at = NULL
    FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
    CROSS JOIN LATERAL jsonb_array_elements(i.doc->'notices') AS e (doc)
    WHERE verdict_of[i.n::integer] = 'committed'
      AND t.provider = e.doc->>'provider' AND t.mode = i.doc->>'mode' AND t.notice_id = e.doc->>'notice_id';

    INSERT INTO incidents AS t (id, merchant_id, mode, kind, payment_id, attempt_id, detail, subject)
    SELECT DISTINCT ON (kind, mode, subject) n.id, n.merchant_id, n.mode, n.kind, n.payment_id, n.attempt_id, n.detail, n.subject
    FROM (
        SELECT (e.doc->>'id')::uuid AS id, (i.doc->>'merchant_id')::uuid AS merchant_id, i.doc->>'mode' AS mode, e.doc->>'kind' AS kind,
               (i.doc->>'payment_id')::uuid AS payment_id, (e.doc->>'attempt_id')::uuid AS attempt_id, e.doc->>'detail' AS detail,
               coalesce(e.doc->>'subject', incident_subject((i.doc->>'payment_id')::uuid, (e.doc->>'attempt_id')::uuid, e.doc->>'detail')) AS subject
        FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
        CROSS JOIN LATERAL jsonb_array_elements(i.doc->'incidents') AS e (doc)
        WHERE verdict_of[i.n::integer] = 'committed'
    ) AS n
    ORDER BY kind, mode, subject
    ON CONFLICT (kind, mode, subject) WHERE closed_at IS NULL DO UPDATE SET seen = t.seen + 1, last_seen_at = now(), detail = excluded.detail;

    INSERT INTO recoveries (id, kind, subject, actor, reason, merchant_id, mode, payment_id, attempt_id, before, after)
    SELECT (e.doc->>'id')::uuid, e.doc->>'kind', e.doc->>'subject', e.doc->>'actor', e.doc->>'reason', (i.doc->>'merchant_id')::uuid,
           i.doc->>'mode', (i.doc->>'payment_id')::uuid, (e.doc->>'attempt_id')::uuid, e.doc->'before', e.doc->'after'
    FROM jsonb_array_elements(changes) WITH ORDINALITY AS i (doc, n)
    CROSS JOIN LATERAL jsonb_array_elements(i.doc->'recoveries') AS e (doc)
    WHERE verdict_of[i.n::integer] = 'committed'
    ORDER BY 2, 3
    ON CONFLICT (kind, subject) DO NOTHING;

    PERFORM outbox_append(array_agg(e.id), array_agg(e.type), array_agg(e.subject), array_agg(e.merchant), array_agg(e.mode),
        array_agg(e.version), array_agg(e.at), array_agg(e.data), array_agg(e.trace))
    FROM unnest(event_items, event_ids, event_types, event_subjects, event_merchants, event_modes, event_versions, event_times, event_datas,
        event_traces) AS e (item, id, type, subject, merchant, mode, version, at, data, trace)
    WHERE verdict_of[e.item] = 'committed'
    HAVING count(*) > 0;

    UPDATE commits AS c SET verdicts = verdict_of WHERE c.id = commit_id;
    RETURN verdict_of;
END $$;
