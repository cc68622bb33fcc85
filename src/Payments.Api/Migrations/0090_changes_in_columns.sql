-- Writes changes of payments, as commit_changes did and in its order of locks, but takes them apart already: rows by table, in binary
-- form, where a document was read anew by each of twenty statements. What a payment is made of is only inserted, never tried as an
-- update; what is rare stays a document, and where there is none its statements do not run.
--
-- commit_changes stays for processes of the version before. A column that is added to a table needs a new type here, and a function that
-- takes it, so that both can be called while versions run side by side.

CREATE TYPE written_payment AS (
    item integer, merchant_id uuid, mode text, id uuid, version bigint, status text, currency text, amount bigint, authorized bigint, captured bigint,
    capture_pending bigint, released bigint, void_pending bigint, refunded bigint, refund_pending bigint, capture_reversed bigint,
    capture_excess bigint, refund_excess bigint, provider text, provider_reference text, order_id text, held_for_review boolean, token_id uuid,
    authorized_at timestamptz, captured_at timestamptz, capture_before timestamptz, avs_result text, cvc_result text, risk text, details text,
    authentication text, review text, disputes text);

CREATE TYPE written_operation AS (
    item integer, id uuid, "position" integer, kind text, state text, amount bigint, suspense bigint, released bigint, final boolean, origin text,
    reason text, provider_reference text, plan_version integer, commission bigint, provider_cost bigint, key_class text, key text,
    created_at timestamptz, changed_at timestamptz, provider_time timestamptz);

-- due_in: seconds until somebody looks; null: never.
CREATE TYPE written_attempt AS (
    item integer, operation_id uuid, id uuid, "position" integer, provider text, state text, cost_rate integer, cost_fixed bigint,
    payment_reference text, modification_reference text, action_url text, decline text, detail text, closed_at timestamptz, due_in double precision);

CREATE TYPE written_reference AS (item integer, provider text, reference text, attempt_id uuid);

CREATE TYPE written_claim AS (item integer, key_class text, key text, fingerprint bytea, operation_id uuid);

CREATE TYPE written_answer AS (item integer, key_class text, key text, status integer, body bytea);

CREATE TYPE written_volume AS (item integer, currency text, month date, amount bigint, most bigint);

-- The smallest and the largest payment id that may be new now: their time decides which partition a payment lives in.
CREATE FUNCTION payment_ids_of_today(OUT lowest uuid, OUT highest uuid)
LANGUAGE sql STABLE
RETURN (uuid_floor(now() - interval '1 day'), uuid_floor(now() + interval '1 day'));

-- Order of locks, the same for all writers: payments by id, attempts held, reviews, breaks, providers' names, idempotency keys, volumes,
-- holds, incidents, recoveries, heads of the outbox.
--
-- merchants, modes, ids, expecteds: the changes, each of one payment at a version (0: new); everything else names its change by number
-- (item, from 1). created, opened, first_attempts: rows of new payments; changed, operations, attempts: of those that stand. holding: changes after
-- which money of the customer is held. rest: null, or an array of {n, recovered, held, decision, attribution, reserve, release, review,
-- review_over, context, disputes[], notices[], incidents[], recoveries[]}. Returns a verdict for each change.
CREATE FUNCTION write_changes(
    commit_id uuid, merchants uuid[], modes text[], ids uuid[], expecteds bigint[],
    created written_payment[], changed written_payment[], opened written_operation[], operations written_operation[],
    first_attempts written_attempt[], attempts written_attempt[], names written_reference[], claims written_claim[], answers written_answer[],
    volumes written_volume[], holding integer[], rest jsonb,
    event_items integer[], event_ids uuid[], event_types text[], event_versions bigint[], event_times timestamptz[], event_datas bytea[],
    event_traces text[]) RETURNS text[]
LANGUAGE plpgsql
SET lock_timeout = '3s'
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
    verdict_of text[];
    stands     boolean[]; -- verdict_of = 'committed'
    limited    record;
    told       record;
    lowest     uuid;
    highest    uuid;
    named      bigint;
BEGIN
    INSERT INTO commits (id) VALUES (commit_id) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        SELECT c.verdicts INTO STRICT verdict_of FROM commits AS c WHERE c.id = commit_id;
        RETURN verdict_of;
    END IF;

    -- Races are decided here: whoever read an older version than the one that stands now has lost.
    IF 0 < ANY (expecteds) THEN
        WITH locked AS MATERIALIZED (
            SELECT c.n, p.version
            FROM unnest(merchants, modes, ids, expecteds) WITH ORDINALITY AS c (merchant_id, mode, id, expected, n)
            JOIN payments AS p ON p.merchant_id = c.merchant_id AND p.mode = c.mode AND p.id = c.id
            WHERE c.expected > 0
            ORDER BY p.id FOR UPDATE OF p
        )
        SELECT array_agg(CASE WHEN c.expected = 0 OR locked.version = c.expected THEN 'committed' ELSE 'conflict' END ORDER BY c.n)
        INTO verdict_of
        FROM unnest(expecteds) WITH ORDINALITY AS c (expected, n) LEFT JOIN locked ON locked.n = c.n;
    ELSE
        verdict_of := array_fill('committed'::text, ARRAY[cardinality(ids)]);
    END IF;

    IF rest IS NOT NULL THEN
        -- Whoever held an attempt and was overtaken (a lease ran out, another one took it) decides nothing about it any more. Locked after
        -- the payment, as the writing below does, so that nobody takes the attempt between this look and the commit.
        IF jsonb_path_exists(rest, '$[*].held') THEN
            WITH held AS MATERIALIZED (
                SELECT (i.doc->>'n')::integer AS n, a.fence = (i.doc->'held'->>'fence')::bigint AS stands
                FROM jsonb_array_elements(rest) AS i (doc)
                JOIN attempts AS a ON a.merchant_id = merchants[(i.doc->>'n')::integer] AND a.mode = modes[(i.doc->>'n')::integer]
                    AND a.payment_id = ids[(i.doc->>'n')::integer] AND a.id = (i.doc->'held'->>'attempt_id')::uuid
                WHERE i.doc ? 'held' AND verdict_of[(i.doc->>'n')::integer] = 'committed'
                ORDER BY a.payment_id, a.id FOR UPDATE OF a
            )
            SELECT array_agg(CASE WHEN held.stands IS FALSE THEN 'fenced' ELSE v.verdict END ORDER BY v.n)
            INTO verdict_of
            FROM unnest(verdict_of) WITH ORDINALITY AS v (verdict, n)
            LEFT JOIN held ON held.n = v.n;
        END IF;

        -- A review is decided once: by who has claimed it, or by the clock when its time is over.
        IF jsonb_path_exists(rest, '$[*].decision') THEN
            WITH wanted AS (
                SELECT c.n, c.merchant_id, c.mode, c.id AS payment_id,
                       i.doc->'decision'->>'outcome' AS outcome, (i.doc->'decision'->>'automatic')::boolean AS automatic,
                       i.doc->'decision'->>'by' AS by, i.doc->'decision'->>'reason' AS reason, (i.doc->'decision'->>'operator_key_id')::uuid AS operator_key_id,
                       (i.doc->'decision'->>'effect_in')::double precision AS effect_in
                FROM jsonb_array_elements(rest) AS i (doc)
                JOIN unnest(merchants, modes, ids) WITH ORDINALITY AS c (merchant_id, mode, id, n) ON c.n = (i.doc->>'n')::integer
                WHERE i.doc ? 'decision' AND verdict_of[c.n] = 'committed'
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
        IF jsonb_path_exists(rest, '$[*].attribution') THEN
            WITH wanted AS (
                SELECT (i.doc->>'n')::integer AS n, (i.doc->'attribution'->>'break')::uuid AS break, merchants[(i.doc->>'n')::integer] AS merchant_id,
                       i.doc->'attribution'->>'by' AS by, i.doc->'attribution'->>'reason' AS reason
                FROM jsonb_array_elements(rest) AS i (doc)
                WHERE i.doc ? 'attribution' AND verdict_of[(i.doc->>'n')::integer] = 'committed'
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
        IF jsonb_path_exists(rest, '$[*].reserve') THEN
            WITH wanted AS (
                SELECT c.n, i.doc->'reserve'->>'provider' AS provider, c.mode, i.doc->'reserve'->>'reference' AS reference, c.merchant_id, c.id AS payment_id
                FROM jsonb_array_elements(rest) AS i (doc)
                JOIN unnest(merchants, modes, ids) WITH ORDINALITY AS c (merchant_id, mode, id, n) ON c.n = (i.doc->>'n')::integer
                WHERE i.doc ? 'reserve' AND verdict_of[c.n] = 'committed'
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
    END IF;

    -- One merchant's key belongs to one request, for 24 hours from its final answer: then the row is the next one's. Of several of one key in a
    -- commit the first has it.
    IF cardinality(claims) > 0 THEN
        WITH wanted AS (
            SELECT c.item, merchants[c.item] AS merchant_id, modes[c.item] AS mode, c.key_class, c.key, c.fingerprint, ids[c.item] AS payment_id, c.operation_id
            FROM unnest(claims) AS c
            WHERE verdict_of[c.item] = 'committed'
        ), claimed AS (
            INSERT INTO payment_requests AS r (merchant_id, mode, key_class, key, fingerprint, payment_id, operation_id, state)
            SELECT DISTINCT ON (w.merchant_id, w.mode, w.key_class, w.key) w.merchant_id, w.mode, w.key_class, w.key, w.fingerprint, w.payment_id, w.operation_id, 'running'
            FROM wanted AS w
            ORDER BY w.merchant_id, w.mode, w.key_class, w.key, w.item
            ON CONFLICT (merchant_id, mode, key_class, key) DO UPDATE SET
                fingerprint = excluded.fingerprint, payment_id = excluded.payment_id, operation_id = excluded.operation_id, state = excluded.state,
                status = NULL, body = NULL, started_at = now(), finished_at = NULL
            WHERE r.finished_at < now() - interval '24 hours'
            RETURNING payment_id, operation_id
        )
        SELECT array_agg(CASE WHEN lost.item IS NULL THEN v.verdict ELSE 'key_taken' END ORDER BY v.n)
        INTO verdict_of
        FROM unnest(verdict_of) WITH ORDINALITY AS v (verdict, n)
        LEFT JOIN (
            SELECT wanted.item FROM wanted
            WHERE NOT EXISTS (
                SELECT FROM claimed WHERE claimed.payment_id = wanted.payment_id AND claimed.operation_id IS NOT DISTINCT FROM wanted.operation_id)
        ) AS lost ON lost.item = v.n;
    END IF;

    IF cardinality(volumes) > 0 THEN
        FOR limited IN
            SELECT v.item, merchants[v.item] AS merchant_id, modes[v.item] AS mode, v.currency, v.month, v.amount, v.most, c.key_class, c.key
            FROM unnest(volumes) AS v LEFT JOIN unnest(claims) AS c ON c.item = v.item
            WHERE v.most IS NOT NULL AND verdict_of[v.item] = 'committed'
            ORDER BY 2, 3, 4, 5, 1
        LOOP
            INSERT INTO merchant_volumes AS v (merchant_id, mode, currency, month, amount)
            VALUES (limited.merchant_id, limited.mode, limited.currency, limited.month, 0)
            ON CONFLICT DO NOTHING;
            UPDATE merchant_volumes AS v SET amount = v.amount + limited.amount
            WHERE v.merchant_id = limited.merchant_id AND v.mode = limited.mode AND v.currency = limited.currency AND v.month = limited.month
              AND v.amount + limited.amount <= limited.most;
            IF NOT FOUND THEN
                verdict_of[limited.item] := 'over_limit';
                DELETE FROM payment_requests AS r
                WHERE r.merchant_id = limited.merchant_id AND r.mode = limited.mode AND r.key_class = limited.key_class AND r.key = limited.key;
            END IF;
        END LOOP;

        INSERT INTO merchant_volumes AS v (merchant_id, mode, currency, month, amount)
        SELECT merchants[w.item], modes[w.item], w.currency, w.month, sum(w.amount)
        FROM unnest(volumes) AS w
        WHERE w.most IS NULL AND verdict_of[w.item] = 'committed'
        GROUP BY 1, 2, 3, 4
        ORDER BY 1, 2, 3, 4
        ON CONFLICT (merchant_id, mode, currency, month) DO UPDATE SET amount = v.amount + excluded.amount;
    END IF;

    stands := ARRAY(SELECT v.verdict = 'committed' FROM unnest(verdict_of) WITH ORDINALITY AS v (verdict, n) ORDER BY v.n);

    IF cardinality(created) > 0 THEN
        INSERT INTO payments (
            merchant_id, mode, id, version, status, currency, amount, authorized, captured, capture_pending, released, void_pending, refunded,
            refund_pending, capture_reversed, capture_excess, refund_excess, provider, provider_reference, order_id, held_for_review, token_id,
            authorized_at, captured_at, capture_before, avs_result, cvc_result, risk, details, authentication, review, disputes)
        SELECT
            p.merchant_id, p.mode, p.id, p.version, p.status, p.currency, p.amount, p.authorized, p.captured, p.capture_pending, p.released,
            p.void_pending, p.refunded, p.refund_pending, p.capture_reversed, p.capture_excess, p.refund_excess, p.provider,
            p.provider_reference, p.order_id, p.held_for_review, p.token_id, p.authorized_at, p.captured_at, p.capture_before, p.avs_result,
            p.cvc_result, p.risk, p.details, p.authentication, p.review, p.disputes
        FROM unnest(created) AS p
        WHERE stands[p.item];

        -- The time of a new id must be the database's, within a day. What is made of a provider's record may come at any time later: a break
        -- may have stood for months before somebody found out whose it is.
        SELECT t.lowest, t.highest INTO lowest, highest FROM payment_ids_of_today() AS t;
        IF EXISTS (
            SELECT FROM unnest(ids, expecteds) WITH ORDINALITY AS c (id, expected, n)
            WHERE c.expected = 0
              AND (c.id > highest OR (c.id < lowest AND NOT coalesce(jsonb_path_exists(rest, '$[*] ? (@.n == $n && @.recovered == true)', jsonb_build_object('n', c.n)), false))))
        THEN
            RAISE EXCEPTION 'the time of a payment id is more than a day away from the time of the database' USING ERRCODE = 'check_violation';
        END IF;

        INSERT INTO operations (
            merchant_id, mode, payment_id, id, position, kind, state, amount, suspense, released, final, origin, reason, provider_reference,
            plan_version, commission, provider_cost, key_class, key, created_at, changed_at, provider_time)
        SELECT
            merchants[o.item], modes[o.item], ids[o.item], o.id, o.position, o.kind, o.state, o.amount, o.suspense, o.released, o.final, o.origin, o.reason,
            o.provider_reference, o.plan_version, o.commission, o.provider_cost, o.key_class, o.key, o.created_at, o.changed_at, o.provider_time
        FROM unnest(opened) AS o
        WHERE stands[o.item];

        INSERT INTO attempts (
            merchant_id, mode, payment_id, operation_id, id, position, provider, state, cost_rate, cost_fixed, payment_reference,
            modification_reference, action_url, decline, detail, closed_at, due_at)
        SELECT
            merchants[a.item], modes[a.item], ids[a.item], a.operation_id, a.id, a.position, a.provider, a.state, a.cost_rate, a.cost_fixed, a.payment_reference,
            a.modification_reference, a.action_url, a.decline, a.detail, a.closed_at, now() + make_interval(secs => a.due_in)
        FROM unnest(first_attempts) AS a
        WHERE stands[a.item];
    END IF;

    IF cardinality(changed) > 0 THEN
        UPDATE payments AS p SET
            version = c.version, status = c.status, authorized = c.authorized, captured = c.captured, capture_pending = c.capture_pending,
            released = c.released, void_pending = c.void_pending, refunded = c.refunded, refund_pending = c.refund_pending,
            capture_reversed = c.capture_reversed, capture_excess = c.capture_excess, refund_excess = c.refund_excess, provider = c.provider,
            provider_reference = c.provider_reference, held_for_review = c.held_for_review, authorized_at = c.authorized_at,
            captured_at = c.captured_at, capture_before = c.capture_before, avs_result = c.avs_result, cvc_result = c.cvc_result,
            -- What is known is never unlearned, also where a process of the version before writes, which knows neither.
            authentication = coalesce(c.authentication, p.authentication), review = coalesce(c.review, p.review),
            disputes = coalesce(c.disputes, p.disputes)
        FROM unnest(changed) AS c
        WHERE stands[c.item] AND p.merchant_id = c.merchant_id AND p.mode = c.mode AND p.id = c.id;
    END IF;

    IF cardinality(holding) > 0 THEN
        INSERT INTO holds (merchant_id, mode, payment_id)
        SELECT merchants[h.item], modes[h.item], ids[h.item] FROM unnest(holding) AS h (item)
        WHERE stands[h.item]
        ORDER BY 3
        ON CONFLICT DO NOTHING;
    END IF;

    IF cardinality(operations) > 0 THEN
        INSERT INTO operations AS known (
            merchant_id, mode, payment_id, id, position, kind, state, amount, suspense, released, final, origin, reason, provider_reference,
            plan_version, commission, provider_cost, key_class, key, created_at, changed_at, provider_time)
        SELECT
            merchants[o.item], modes[o.item], ids[o.item], o.id, o.position, o.kind, o.state, o.amount, o.suspense, o.released, o.final, o.origin, o.reason,
            o.provider_reference, o.plan_version, o.commission, o.provider_cost, o.key_class, o.key, o.created_at, o.changed_at, o.provider_time
        FROM unnest(operations) AS o
        WHERE stands[o.item]
        ON CONFLICT (merchant_id, mode, payment_id, id) DO UPDATE SET
            state = excluded.state, released = excluded.released, reason = excluded.reason, origin = excluded.origin,
            provider_reference = excluded.provider_reference, plan_version = excluded.plan_version, commission = excluded.commission,
            provider_cost = excluded.provider_cost, changed_at = excluded.changed_at, provider_time = excluded.provider_time;
    END IF;

    IF cardinality(attempts) > 0 THEN
        INSERT INTO attempts AS known (
            merchant_id, mode, payment_id, operation_id, id, position, provider, state, cost_rate, cost_fixed, payment_reference,
            modification_reference, action_url, decline, detail, closed_at, due_at)
        SELECT
            merchants[a.item], modes[a.item], ids[a.item], a.operation_id, a.id, a.position, a.provider, a.state, a.cost_rate, a.cost_fixed, a.payment_reference,
            a.modification_reference, a.action_url, a.decline, a.detail, a.closed_at, now() + make_interval(secs => a.due_in)
        FROM unnest(attempts) AS a
        WHERE stands[a.item]
        ON CONFLICT (merchant_id, mode, payment_id, id) DO UPDATE SET
            state = excluded.state, payment_reference = excluded.payment_reference, modification_reference = excluded.modification_reference,
            action_url = excluded.action_url, decline = excluded.decline, detail = excluded.detail, closed_at = excluded.closed_at,
            due_at = excluded.due_at, leased_until = NULL, readings = 0, missing_since = NULL,
            -- What was put off begins when it is sent: its age counts from then.
            opened_at = CASE WHEN known.state = 'scheduled' AND excluded.state <> 'scheduled' THEN now() ELSE known.opened_at END;
    END IF;

    IF cardinality(names) > 0 THEN
        INSERT INTO provider_references (provider, mode, reference, merchant_id, payment_id, attempt_id)
        SELECT r.provider, modes[r.item], r.reference, merchants[r.item], ids[r.item], r.attempt_id
        FROM unnest(names) AS r
        WHERE stands[r.item]
        ORDER BY 1, 2, 3
        ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS named = ROW_COUNT;

        -- Two payments under one name of the provider: the second keeps its state, and a person looks.
        IF named < cardinality(names) THEN
            INSERT INTO incidents AS t (id, merchant_id, mode, kind, payment_id, attempt_id, detail, subject)
            SELECT (lpad(to_hex(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || right(replace(gen_random_uuid()::text, '-', ''), 20))::uuid,
                   merchants[s.item], modes[s.item], 'provider_reference_shared', ids[s.item], s.attempt_id,
                   'The provider''s reference ' || s.reference || ' belongs to another payment.', ids[s.item] || '/' || s.provider || ':' || s.reference
            FROM (SELECT * FROM unnest(names) AS r WHERE stands[r.item] OFFSET 0) AS s
            CROSS JOIN LATERAL (
                SELECT known.payment_id FROM provider_references AS known
                WHERE known.provider = s.provider AND known.mode = modes[s.item] AND known.reference = s.reference
                OFFSET 0
            ) AS r
            WHERE r.payment_id <> ids[s.item]
            ORDER BY 4, 8
            ON CONFLICT (kind, mode, subject) WHERE closed_at IS NULL DO UPDATE SET seen = t.seen + 1, last_seen_at = now();
        END IF;
    END IF;

    -- Answers: the final one (with a body), or the note that the outcome is unknown.
    IF cardinality(answers) > 0 THEN
        UPDATE payment_requests AS r SET
            state = CASE WHEN a.body IS NULL THEN 'unresolved' ELSE 'final' END, status = a.status, body = a.body,
            finished_at = CASE WHEN a.body IS NOT NULL THEN now() END
        FROM unnest(answers) AS a
        WHERE stands[a.item] AND r.merchant_id = merchants[a.item] AND r.mode = modes[a.item] AND r.key_class = a.key_class AND r.key = a.key
          AND r.payment_id = ids[a.item] AND r.state <> 'final';
    END IF;

    IF rest IS NOT NULL THEN
        -- What the merchant told of its customer, apart from the payment: the key in a table of its own, so that losing the key is enough.
        IF jsonb_path_exists(rest, '$[*].context') THEN
            INSERT INTO risk_contexts (merchant_id, mode, payment_id, sealed, customer, email, ip, device)
            SELECT c.merchant_id, c.mode, c.id, i.doc->'context'->>'sealed',
                   decode(i.doc->'context'->>'customer', 'base64'), decode(i.doc->'context'->>'email', 'base64'),
                   decode(i.doc->'context'->>'ip', 'base64'), decode(i.doc->'context'->>'device', 'base64')
            FROM jsonb_array_elements(rest) AS i (doc)
            JOIN unnest(merchants, modes, ids) WITH ORDINALITY AS c (merchant_id, mode, id, n) ON c.n = (i.doc->>'n')::integer
            WHERE i.doc ? 'context' AND stands[c.n]
            ORDER BY 3
            ON CONFLICT DO NOTHING;

            INSERT INTO risk_context_keys (merchant_id, mode, payment_id, data_key)
            SELECT c.merchant_id, c.mode, c.id, i.doc->'context'->>'data_key'
            FROM jsonb_array_elements(rest) AS i (doc)
            JOIN unnest(merchants, modes, ids) WITH ORDINALITY AS c (merchant_id, mode, id, n) ON c.n = (i.doc->>'n')::integer
            WHERE i.doc ? 'context' AND stands[c.n]
            ORDER BY 3
            ON CONFLICT DO NOTHING;
        END IF;

        -- A payment that is held for a person waits in the queue from its authorization on, and leaves it when its hold ends without a decision.
        IF jsonb_path_exists(rest, '$[*].review') THEN
            INSERT INTO reviews (merchant_id, mode, payment_id, score, due_at)
            SELECT c.merchant_id, c.mode, c.id, (i.doc->'review'->>'score')::integer,
                   now() + make_interval(secs => (i.doc->'review'->>'due_in')::double precision)
            FROM jsonb_array_elements(rest) AS i (doc)
            JOIN unnest(merchants, modes, ids) WITH ORDINALITY AS c (merchant_id, mode, id, n) ON c.n = (i.doc->>'n')::integer
            WHERE i.doc ? 'review' AND stands[c.n]
            ORDER BY 3
            ON CONFLICT DO NOTHING;
        END IF;

        IF jsonb_path_exists(rest, '$[*].review_over') THEN
            UPDATE reviews AS r SET lapsed_at = now(), due_at = NULL, claimed_until = NULL
            FROM jsonb_array_elements(rest) AS i (doc)
            WHERE i.doc ? 'review_over' AND stands[(i.doc->>'n')::integer]
              AND r.merchant_id = merchants[(i.doc->>'n')::integer] AND r.mode = modes[(i.doc->>'n')::integer] AND r.payment_id = ids[(i.doc->>'n')::integer]
              AND r.decided_at IS NULL AND r.lapsed_at IS NULL;
        END IF;

        -- A dispute belongs to one payment: under a name that another one has nothing is written here, and an incident tells.
        IF jsonb_path_exists(rest, '$[*].disputes') THEN
            INSERT INTO disputes AS d (
                merchant_id, mode, payment_id, id, provider, reference, status, amount, withheld, suspense, fee, currency, reason, takes_evidence,
                evidence_due_by, opened_at, changed_at, due_at)
            SELECT
                s.merchant_id, s.mode, s.payment_id, c.id, c.provider, c.reference, c.status, c.amount, c.withheld,
                c.suspense, c.fee, s.currency, c.reason, c.takes_evidence, c.evidence_due_by, c.opened_at, c.changed_at,
                coalesce(now() + make_interval(secs => (e.doc->>'due_in')::double precision), c.due_at)
            FROM jsonb_array_elements(rest) AS i (doc)
            JOIN LATERAL (
                SELECT p.item, p.merchant_id, p.mode, p.id AS payment_id, p.currency FROM unnest(created) AS p
                UNION ALL SELECT p.item, p.merchant_id, p.mode, p.id, p.currency FROM unnest(changed) AS p
            ) AS s ON s.item = (i.doc->>'n')::integer
            CROSS JOIN LATERAL jsonb_array_elements(i.doc->'disputes') AS e (doc)
            CROSS JOIN LATERAL jsonb_populate_record(NULL::disputes, e.doc) AS c
            WHERE i.doc ? 'disputes' AND stands[s.item]
            ORDER BY c.provider, 2, c.reference
            ON CONFLICT (provider, mode, reference) DO UPDATE SET
                status = excluded.status, withheld = excluded.withheld, suspense = excluded.suspense, fee = excluded.fee, takes_evidence = excluded.takes_evidence,
                evidence_due_by = excluded.evidence_due_by, changed_at = excluded.changed_at, due_at = excluded.due_at, leased_until = NULL
            WHERE d.payment_id = excluded.payment_id;
        END IF;

        -- A request that came to nothing gives its key back.
        IF jsonb_path_exists(rest, '$[*].release') THEN
            DELETE FROM payment_requests AS r
            USING jsonb_array_elements(rest) AS i (doc)
            WHERE i.doc ? 'release' AND stands[(i.doc->>'n')::integer]
              AND r.merchant_id = merchants[(i.doc->>'n')::integer] AND r.mode = modes[(i.doc->>'n')::integer]
              AND r.key_class = i.doc->'release'->>'key_class' AND r.key = i.doc->'release'->>'key'
              AND r.payment_id = ids[(i.doc->>'n')::integer] AND r.state <> 'final';
        END IF;

        FOR told IN
            SELECT e.doc->>'provider' AS provider, modes[(i.doc->>'n')::integer] AS mode, e.doc->>'notice_id' AS notice_id, e.doc->>'verdict' AS verdict,
                   ids[(i.doc->>'n')::integer] AS payment_id
            FROM jsonb_array_elements(rest) AS i (doc)
            CROSS JOIN LATERAL jsonb_array_elements(i.doc->'notices') AS e (doc)
            WHERE stands[(i.doc->>'n')::integer]
            ORDER BY 1, 2, 3
        LOOP
            UPDATE provider_notices AS t SET applied_at = now(), verdict = told.verdict, payment_id = told.payment_id, due_at = NULL
            WHERE t.provider = told.provider AND t.mode = told.mode AND t.notice_id = told.notice_id;
        END LOOP;

        INSERT INTO incidents AS t (id, merchant_id, mode, kind, payment_id, attempt_id, detail, subject)
        SELECT DISTINCT ON (kind, mode, subject) n.id, n.merchant_id, n.mode, n.kind, n.payment_id, n.attempt_id, n.detail, n.subject
        FROM (
            SELECT (e.doc->>'id')::uuid AS id, c.merchant_id, c.mode, e.doc->>'kind' AS kind, c.id AS payment_id, (e.doc->>'attempt_id')::uuid AS attempt_id,
                   e.doc->>'detail' AS detail,
                   coalesce(e.doc->>'subject', incident_subject(c.id, (e.doc->>'attempt_id')::uuid, e.doc->>'detail')) AS subject
            FROM jsonb_array_elements(rest) AS i (doc)
            JOIN unnest(merchants, modes, ids) WITH ORDINALITY AS c (merchant_id, mode, id, n) ON c.n = (i.doc->>'n')::integer
            CROSS JOIN LATERAL jsonb_array_elements(i.doc->'incidents') AS e (doc)
            WHERE stands[c.n]
        ) AS n
        ORDER BY kind, mode, subject
        ON CONFLICT (kind, mode, subject) WHERE closed_at IS NULL DO UPDATE SET seen = t.seen + 1, last_seen_at = now(), detail = excluded.detail;

        INSERT INTO recoveries (id, kind, subject, actor, reason, merchant_id, mode, payment_id, attempt_id, before, after)
        SELECT (e.doc->>'id')::uuid, e.doc->>'kind', e.doc->>'subject', e.doc->>'actor', e.doc->>'reason', c.merchant_id, c.mode, c.id,
               (e.doc->>'attempt_id')::uuid, e.doc->'before', e.doc->'after'
        FROM jsonb_array_elements(rest) AS i (doc)
        JOIN unnest(merchants, modes, ids) WITH ORDINALITY AS c (merchant_id, mode, id, n) ON c.n = (i.doc->>'n')::integer
        CROSS JOIN LATERAL jsonb_array_elements(i.doc->'recoveries') AS e (doc)
        WHERE stands[c.n]
        ORDER BY 2, 3
        ON CONFLICT (kind, subject) DO NOTHING;
    END IF;

    IF cardinality(event_ids) > 0 THEN
        PERFORM outbox_append(array_agg(e.id), array_agg(e.type), array_agg(ids[e.item]), array_agg(merchants[e.item]), array_agg(modes[e.item]),
            array_agg(e.version), array_agg(e.at), array_agg(e.data), array_agg(e.trace))
        FROM unnest(event_items, event_ids, event_types, event_versions, event_times, event_datas, event_traces) AS e (item, id, type, version, at, data, trace)
        WHERE stands[e.item]
        HAVING count(*) > 0;
    END IF;

    UPDATE commits AS c SET verdicts = verdict_of WHERE c.id = commit_id;
    RETURN verdict_of;
END $$;

-- A request's row is written twice, and grows by its answer: with room for it the second version stays on the page, and with no index on
-- what changes it needs no new entries. The sweep of old keys finds them by their beginning.
ALTER TABLE payment_requests SET (fillfactor = 20);
CREATE INDEX payment_requests_started ON payment_requests (started_at);
DROP INDEX payment_requests_finished;
