-- A provider's report may be the only one to tell of a charge: what it says of our attempt is kept, and whom the payment path was told of.

ALTER TABLE recon.lines ADD COLUMN attempt_id uuid NULL;
ALTER TABLE recon.staged ADD COLUMN attempt_id uuid NULL;

-- Imports that are under way.
DO $$
DECLARE
    t record;
BEGIN
    FOR t IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'recon'::regnamespace AND c.relkind = 'r' AND c.relname ~ '^staged_[0-9]+$' LOOP
        EXECUTE format('ALTER TABLE recon.%I ADD COLUMN attempt_id uuid NULL', t.relname);
    END LOOP;
END $$;

-- Breaks of which the payment path is told, noted before it is, and what it made of the charge. Told twice comes to the same. What its events put
-- into the books is not corrected by people as well.
CREATE TABLE recon.told_charges (
    break_id uuid        NOT NULL PRIMARY KEY REFERENCES recon.breaks,
    mode     text        NOT NULL CHECK (mode IN ('test', 'live')),
    noted_at timestamptz NOT NULL DEFAULT now(),
    -- Null: it has not answered yet. 'left': a second charge, which is people's. 'refused': it can be no charge of ours.
    verdict  text        NULL
);

CREATE INDEX told_charges_open ON recon.told_charges (break_id) WHERE verdict IS NULL;

CREATE INDEX breaks_untold ON recon.breaks (opened_at) WHERE leg = 'provider' AND provider = 'adyen' AND class = 'missing_here' AND state = 'open';

CREATE OR REPLACE FUNCTION recon.complete_import(p_number bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    i       recon.imports;
    earlier bigint;
    u       record;
    again   smallint := 1;
    missing bigint;
    rows    bigint;
BEGIN
    SELECT * INTO STRICT i FROM recon.imports WHERE number = p_number FOR UPDATE;
    IF i.state <> 'loading' THEN
        RETURN;
    END IF;

    -- Whoever closes a day waits, in one order for everybody.
    EXECUTE format('INSERT INTO recon.books (mode, leg, provider) SELECT DISTINCT mode, leg, provider FROM recon.staged_%s
        UNION SELECT DISTINCT mode, ''bank'', provider FROM recon.staged_%s WHERE batch_key IS NOT NULL ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING', p_number, p_number);
    PERFORM 1 FROM recon.books WHERE mode = i.mode ORDER BY leg, provider FOR UPDATE;

    EXECUTE format('SELECT 1 FROM (SELECT recon.make_partitions(least(min(day), min(batch_day)), greatest(max(day), max(batch_day), (SELECT max(closed_through) + 1 FROM recon.books WHERE mode = $1)))
        FROM recon.staged_%s) made', p_number) USING i.mode;

    EXECUTE format('
        CREATE TEMP TABLE announced ON COMMIT DROP AS
        SELECT mode, provider, batch, batch_key, net_currency, max(batch_day) AS batch_day,
            CASE WHEN bool_or(kind = ''payout'') THEN (-sum(net) FILTER (WHERE kind = ''payout''))::bigint ELSE sum(net)::bigint END AS net
        FROM recon.staged_%s WHERE batch_key IS NOT NULL GROUP BY mode, provider, batch, batch_key, net_currency', p_number);

    SELECT number INTO earlier FROM recon.imports WHERE mode = i.mode AND format = i.format AND identity = i.identity AND state = 'complete';
    IF earlier IS NOT NULL THEN
        PERFORM recon.touch(l.mode, l.leg, l.provider, l.day)
        FROM (SELECT DISTINCT mode, leg, provider, day FROM recon.lines WHERE line_id >= earlier << 32 AND line_id < (earlier + 1) << 32
              UNION SELECT DISTINCT mode, leg, provider, day FROM recon.items WHERE import_number = earlier) l;
        DELETE FROM recon.lines l USING recon.books b
        WHERE l.line_id >= earlier << 32 AND l.line_id < (earlier + 1) << 32 AND b.mode = l.mode AND b.leg = l.leg AND b.provider = l.provider AND l.day > coalesce(b.closed_through, '-infinity');
        DELETE FROM recon.items t USING recon.books b
        WHERE t.import_number = earlier AND b.mode = t.mode AND b.leg = t.leg AND b.provider = t.provider AND t.day > coalesce(b.closed_through, '-infinity');

        -- What stands in closed days stays, whichever version brought it, and the new file must still say it.
        EXECUTE format('
            WITH old AS (
                SELECT l.line_id, v.identity, l.gross, l.net_currency, l.fee, l.net, row_number() OVER (PARTITION BY v.identity, l.gross, l.net_currency, l.fee, l.net ORDER BY l.line_id) AS n
                FROM recon.imports p JOIN recon.lines l ON l.line_id >= p.number << 32 AND l.line_id < (p.number + 1) << 32
                CROSS JOIN LATERAL (SELECT recon.identity_of(l.match_key, l.reference, l.kind, l.currency, l.alternative, l.batch, l.occurred_at) AS identity) v
                WHERE p.mode = $1 AND p.format = $2 AND p.identity = $3 AND p.state IN (''complete'', ''superseded'')),
            new AS (
                SELECT s.line, v.identity, s.gross, s.net_currency, s.fee, s.net, row_number() OVER (PARTITION BY v.identity, s.gross, s.net_currency, s.fee, s.net ORDER BY s.line) AS n
                FROM recon.staged_%s s CROSS JOIN LATERAL (SELECT recon.identity_of(s.match_key, s.reference, s.kind, s.currency, s.alternative, s.batch, s.occurred_at) AS identity) v),
            kept AS (SELECT o.line_id, s.line FROM old o LEFT JOIN new s USING (identity, gross, net_currency, fee, net, n)),
            gone AS (DELETE FROM recon.staged_%s WHERE line IN (SELECT line FROM kept) RETURNING 1)
            SELECT count(*) FROM kept WHERE line IS NULL', p_number, p_number) INTO missing USING i.mode, i.format, i.identity;
        IF missing > 0 THEN
            RAISE EXCEPTION 'The file changes % lines of days that are closed; book the difference in an open day instead.', missing USING ERRCODE = 'RC001';
        END IF;

        UPDATE recon.imports SET state = 'superseded', superseded_by = p_number WHERE number = earlier;
        PERFORM recon.renumber(i.mode);
    END IF;

    -- The first line of a reference on a day is occurrence 1, the next ones follow in the order of the file.
    EXECUTE format('
        INSERT INTO recon.lines (line_id, match_key, occurrence, day, mode, leg, provider, kind, reference, alternative, currency, gross, net_currency, fee, net, item_fee, item_fx, item_net, batch, occurred_at, attempt_id)
        SELECT ($1 << 32) + s.line, s.match_key, 1, greatest(s.day, b.closed_through + 1), s.mode, s.leg, s.provider, s.kind, s.reference, s.alternative, s.currency, s.gross, s.net_currency, s.fee, s.net,
            s.item_fee, s.item_fx, s.item_net, s.batch, s.occurred_at, s.attempt_id
        FROM recon.staged_%s s JOIN recon.books b USING (mode, leg, provider) WHERE NOT (s.leg = ''provider'' AND s.kind = ''payout'') ORDER BY s.line
        ON CONFLICT (match_key, day, occurrence) DO NOTHING', p_number) USING p_number;
    GET DIAGNOSTICS rows = ROW_COUNT;
    EXECUTE format('SELECT count(*) - $1 FROM recon.staged_%s WHERE NOT (leg = ''provider'' AND kind = ''payout'')', p_number) INTO missing USING rows;
    WHILE missing > 0 LOOP
        again := again + 1;
        EXECUTE format('
            INSERT INTO recon.lines (line_id, match_key, occurrence, day, mode, leg, provider, kind, reference, alternative, currency, gross, net_currency, fee, net, item_fee, item_fx, item_net, batch, occurred_at, attempt_id)
            SELECT ($1 << 32) + s.line, s.match_key, $2, greatest(s.day, b.closed_through + 1), s.mode, s.leg, s.provider, s.kind, s.reference, s.alternative, s.currency, s.gross, s.net_currency, s.fee, s.net,
                s.item_fee, s.item_fx, s.item_net, s.batch, s.occurred_at, s.attempt_id
            FROM recon.staged_%s s JOIN recon.books b USING (mode, leg, provider)
            WHERE NOT (s.leg = ''provider'' AND s.kind = ''payout'') AND NOT EXISTS (SELECT 1 FROM recon.lines l WHERE l.line_id = ($1 << 32) + s.line AND l.day = greatest(s.day, b.closed_through + 1)) ORDER BY s.line
            ON CONFLICT (match_key, day, occurrence) DO NOTHING', p_number) USING p_number, again;
        GET DIAGNOSTICS rows = ROW_COUNT;
        missing := missing - rows;
    END LOOP;

    -- A payout that the report itself names, or else the sum of what is in it.
    INSERT INTO recon.items (item_id, match_key, occurrence, day, mode, leg, provider, kind, reference, alternative, currency, gross, fee, source, import_number, occurred_at)
    SELECT md5(concat_ws('|', 'payout', p.mode, p.provider, p.batch, p.net_currency))::uuid, p.batch_key, 1, greatest(p.batch_day, b.closed_through + 1), p.mode, 'bank', p.provider, 'payout',
        p.batch, NULL, p.net_currency, p.net, 0, 'statement', p_number, p.batch_day::timestamp AT TIME ZONE 'UTC'
    FROM announced p JOIN recon.books b ON b.mode = p.mode AND b.leg = 'bank' AND b.provider = p.provider
    WHERE NOT EXISTS (SELECT 1 FROM recon.items t WHERE t.item_id = md5(concat_ws('|', 'payout', p.mode, p.provider, p.batch, p.net_currency))::uuid)
    ON CONFLICT DO NOTHING;
    DROP TABLE announced;

    PERFORM recon.touch(l.mode, l.leg, l.provider, l.day)
    FROM (SELECT DISTINCT mode, leg, provider, day FROM recon.lines WHERE line_id >= p_number << 32 AND line_id < (p_number + 1) << 32
          UNION SELECT DISTINCT mode, leg, provider, day FROM recon.items WHERE import_number = p_number) l;
    UPDATE recon.books b SET statement_through = greatest(b.statement_through, s.through)
    FROM (SELECT mode, leg, provider, max(day) AS through FROM recon.lines WHERE line_id >= p_number << 32 AND line_id < (p_number + 1) << 32 GROUP BY mode, leg, provider) s
    WHERE b.mode = s.mode AND b.leg = s.leg AND b.provider = s.provider;

    EXECUTE format('DROP TABLE recon.staged_%s', p_number);
    UPDATE recon.imports SET state = 'complete', ended_at = now() WHERE number = p_number;
END $$;
