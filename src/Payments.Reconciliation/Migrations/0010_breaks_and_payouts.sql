-- Who closes a break is said by a column of its own, so that no person's name passes for a rule or a comparison. What closed a break
-- that a comparison opens again stays in its notes. A payout that two files announce is expected once.

ALTER TABLE recon.breaks ADD COLUMN resolved_how text NULL CHECK (resolved_how IN ('person', 'rule', 'comparison'));
UPDATE recon.breaks SET resolved_how = CASE WHEN resolved_by = 'comparison' THEN 'comparison' WHEN resolved_by LIKE 'rule %' THEN 'rule' ELSE 'person' END WHERE state = 'resolved';
ALTER TABLE recon.breaks ADD CONSTRAINT breaks_resolved_somehow CHECK ((state = 'resolved') = (resolved_how IS NOT NULL));

CREATE OR REPLACE FUNCTION recon.hold_four_eyes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.resolved_how = 'person' AND recon.needs_four_eyes(NEW.currency, NEW.amount) AND NEW.resolved_by = NEW.proposed_by THEN
        RAISE EXCEPTION 'A break of this amount is resolved by another person than proposed it.' USING ERRCODE = 'RC002';
    END IF;
    IF NEW.resolved_how = 'rule' AND NOT EXISTS (
        SELECT 1 FROM recon.resolutions s WHERE s.leg = NEW.leg AND (s.provider IS NULL OR s.provider = NEW.provider) AND s.class = NEW.class
            AND (s.currency IS NULL OR s.currency = NEW.currency) AND abs(NEW.amount) <= s.up_to) THEN
        RAISE EXCEPTION 'No rule resolves a break of this class and amount.' USING ERRCODE = 'RC002';
    END IF;
    RETURN NEW;
END $$;

-- How urgent a break is; it follows the break's class and amount.
CREATE FUNCTION recon.priority_of(p_class text, p_currency text, p_amount bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN p_class IN ('missing_here', 'missing_there', 'duplicate') OR recon.needs_four_eyes(p_currency, p_amount) THEN 'high'
                WHEN p_class = 'amount_mismatch' THEN 'normal' ELSE 'low' END
$$;

CREATE OR REPLACE FUNCTION recon.raise_breaks(p_mode text, p_leg text, p_provider text, p_first_open date) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMP TABLE found ON COMMIT DROP AS
        SELECT md5(concat_ws('|', 'break', p_mode, p_leg, p_provider, coalesce(coalesce(e.item_id, e.settles_item)::text, 'line ' || coalesce(e.line_id, e.settles_line))))::uuid AS break_id,
            e.day, coalesce(e.item_id, e.settles_item) AS item_id, coalesce(e.line_id, e.settles_line) AS line_id, e.class, e.currency, e.amount,
            (SELECT i.payment_id FROM recon.items i WHERE i.item_id = coalesce(e.item_id, e.settles_item) LIMIT 1) AS payment_id
        FROM recon.entries e
        WHERE e.mode = p_mode AND e.leg = p_leg AND e.provider = p_provider AND e.day >= p_first_open
            AND e.class IN ('fee_difference', 'fx_difference', 'amount_mismatch', 'missing_here', 'missing_there', 'duplicate');

    -- What a person said of a difference that is another one now is not lost.
    INSERT INTO recon.break_notes (break_id, number, author, text)
    SELECT b.break_id, (SELECT count(*) + 1 FROM recon.break_notes n WHERE n.break_id = b.break_id), 'comparison',
        format('It was %s of %s, %s by %s: %s. The difference is another one now.', b.class, b.amount, CASE b.state WHEN 'resolved' THEN 'resolved' ELSE 'proposed to be closed' END,
            coalesce(b.resolved_by, b.proposed_by), coalesce('journal ' || b.journal, b.reason))
    FROM recon.breaks b JOIN found f USING (break_id)
    WHERE b.state <> 'open' AND b.resolved_how IS DISTINCT FROM 'comparison' AND (b.class, b.amount, b.currency) IS DISTINCT FROM (f.class, f.amount, f.currency);

    UPDATE recon.breaks b SET day = f.day, item_id = f.item_id, line_id = f.line_id, payment_id = f.payment_id, class = f.class, amount = f.amount, currency = f.currency,
        priority = recon.priority_of(f.class, f.currency, f.amount), state = 'open', journal = NULL, reason = NULL, proposed_by = NULL, resolved_by = NULL, resolved_how = NULL, resolved_at = NULL
    FROM found f WHERE f.break_id = b.break_id AND (b.class, b.amount, b.currency) IS DISTINCT FROM (f.class, f.amount, f.currency);
    UPDATE recon.breaks b SET state = 'open', journal = NULL, reason = NULL, proposed_by = NULL, resolved_by = NULL, resolved_how = NULL, resolved_at = NULL
    FROM found f WHERE f.break_id = b.break_id AND b.resolved_how = 'comparison';
    INSERT INTO recon.breaks (break_id, mode, leg, provider, day, item_id, line_id, payment_id, class, currency, amount, priority, state)
    SELECT f.break_id, p_mode, p_leg, p_provider, f.day, f.item_id, f.line_id, f.payment_id, f.class, f.currency, f.amount,
        recon.priority_of(f.class, f.currency, f.amount), 'open'
    FROM found f ORDER BY f.break_id ON CONFLICT (break_id) DO NOTHING;

    -- Answered meanwhile: by a line or item of an open day, or because its day was compared again and it is gone.
    UPDATE recon.breaks b SET state = 'resolved', reason = 'matched by a later comparison', journal = NULL, proposed_by = 'comparison', resolved_by = 'comparison', resolved_how = 'comparison', resolved_at = now()
    WHERE b.mode = p_mode AND b.leg = p_leg AND b.provider = p_provider AND b.state <> 'resolved' AND NOT EXISTS (SELECT 1 FROM found f WHERE f.break_id = b.break_id)
        AND (b.day >= p_first_open
            OR EXISTS (SELECT 1 FROM recon.entries e WHERE e.settles_item = b.item_id AND e.from_class = b.class AND e.day >= p_first_open)
            OR EXISTS (SELECT 1 FROM recon.entries e WHERE e.settles_line = b.line_id AND e.from_class = b.class AND e.day >= p_first_open));
    UPDATE recon.breaks b SET state = 'resolved', reason = s.reason, proposed_by = 'rule ' || s.number, resolved_by = 'rule ' || s.number, resolved_how = 'rule', resolved_at = now()
    FROM recon.resolutions s
    WHERE b.mode = p_mode AND b.leg = p_leg AND b.provider = p_provider AND b.state = 'open' AND s.leg = b.leg AND (s.provider IS NULL OR s.provider = b.provider)
        AND s.class = b.class AND (s.currency IS NULL OR s.currency = b.currency) AND abs(b.amount) <= s.up_to
        AND s.number = (SELECT min(z.number) FROM recon.resolutions z WHERE z.leg = b.leg AND (z.provider IS NULL OR z.provider = b.provider)
            AND z.class = b.class AND (z.currency IS NULL OR z.currency = b.currency) AND abs(b.amount) <= z.up_to);
    DROP TABLE found;
END $$;

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

    SELECT number INTO earlier FROM recon.imports WHERE mode = i.mode AND format = i.format AND identity = i.identity AND state = 'complete';
    IF earlier IS NOT NULL THEN
        PERFORM recon.touch(l.mode, l.leg, l.provider, l.day)
        FROM (SELECT DISTINCT mode, leg, provider, day FROM recon.lines WHERE line_id >= earlier << 32 AND line_id < (earlier + 1) << 32
              UNION SELECT DISTINCT mode, leg, provider, day FROM recon.items WHERE import_number = earlier) l;
        DELETE FROM recon.lines l USING recon.books b
        WHERE l.line_id >= earlier << 32 AND l.line_id < (earlier + 1) << 32 AND b.mode = l.mode AND b.leg = l.leg AND b.provider = l.provider AND l.day > coalesce(b.closed_through, '-infinity');
        DELETE FROM recon.items t USING recon.books b
        WHERE t.import_number = earlier AND b.mode = t.mode AND b.leg = t.leg AND b.provider = t.provider AND t.day > coalesce(b.closed_through, '-infinity');

        -- What stands in closed days stays, and the new file must still say it.
        EXECUTE format('
            WITH old AS (
                SELECT line_id, match_key, gross, net_currency, fee, net, row_number() OVER (PARTITION BY match_key, gross, net_currency, fee, net ORDER BY line_id) AS n
                FROM recon.lines WHERE line_id >= $1 << 32 AND line_id < ($1 + 1) << 32),
            new AS (
                SELECT line, match_key, gross, net_currency, fee, net, row_number() OVER (PARTITION BY match_key, gross, net_currency, fee, net ORDER BY line) AS n FROM recon.staged_%s),
            kept AS (SELECT o.line_id, s.line FROM old o LEFT JOIN new s USING (match_key, gross, net_currency, fee, net, n)),
            gone AS (DELETE FROM recon.staged_%s WHERE line IN (SELECT line FROM kept) RETURNING 1)
            SELECT count(*) FROM kept WHERE line IS NULL', p_number, p_number) INTO missing USING earlier;
        IF missing > 0 THEN
            RAISE EXCEPTION 'The file changes % lines of days that are closed; book the difference in an open day instead.', missing USING ERRCODE = 'RC001';
        END IF;

        UPDATE recon.imports SET state = 'superseded', superseded_by = p_number WHERE number = earlier;
        PERFORM recon.renumber(i.mode);
    END IF;

    -- The first line of a reference on a day is occurrence 1, the next ones follow in the order of the file.
    EXECUTE format('
        INSERT INTO recon.lines (line_id, match_key, occurrence, day, mode, leg, provider, kind, reference, alternative, currency, gross, net_currency, fee, net, item_fee, item_fx, item_net, batch, occurred_at)
        SELECT ($1 << 32) + s.line, s.match_key, 1, greatest(s.day, b.closed_through + 1), s.mode, s.leg, s.provider, s.kind, s.reference, s.alternative, s.currency, s.gross, s.net_currency, s.fee, s.net,
            s.item_fee, s.item_fx, s.item_net, s.batch, s.occurred_at
        FROM recon.staged_%s s JOIN recon.books b USING (mode, leg, provider) WHERE NOT (s.leg = ''provider'' AND s.kind = ''payout'') ORDER BY s.line
        ON CONFLICT (match_key, day, occurrence) DO NOTHING', p_number) USING p_number;
    GET DIAGNOSTICS rows = ROW_COUNT;
    EXECUTE format('SELECT count(*) - $1 FROM recon.staged_%s WHERE NOT (leg = ''provider'' AND kind = ''payout'')', p_number) INTO missing USING rows;
    WHILE missing > 0 LOOP
        again := again + 1;
        EXECUTE format('
            INSERT INTO recon.lines (line_id, match_key, occurrence, day, mode, leg, provider, kind, reference, alternative, currency, gross, net_currency, fee, net, item_fee, item_fx, item_net, batch, occurred_at)
            SELECT ($1 << 32) + s.line, s.match_key, $2, greatest(s.day, b.closed_through + 1), s.mode, s.leg, s.provider, s.kind, s.reference, s.alternative, s.currency, s.gross, s.net_currency, s.fee, s.net,
                s.item_fee, s.item_fx, s.item_net, s.batch, s.occurred_at
            FROM recon.staged_%s s JOIN recon.books b USING (mode, leg, provider)
            WHERE NOT (s.leg = ''provider'' AND s.kind = ''payout'') AND NOT EXISTS (SELECT 1 FROM recon.lines l WHERE l.line_id = ($1 << 32) + s.line AND l.day = greatest(s.day, b.closed_through + 1)) ORDER BY s.line
            ON CONFLICT (match_key, day, occurrence) DO NOTHING', p_number) USING p_number, again;
        GET DIAGNOSTICS rows = ROW_COUNT;
        missing := missing - rows;
    END LOOP;

    -- A payout that the report itself names, or else the sum of what is in it.
    EXECUTE format('
        INSERT INTO recon.items (item_id, match_key, occurrence, day, mode, leg, provider, kind, reference, alternative, currency, gross, fee, source, import_number, occurred_at)
        SELECT md5(concat_ws(''|'', ''payout'', p.mode, p.provider, p.batch, p.net_currency))::uuid, p.batch_key, 1, greatest(p.batch_day, b.closed_through + 1), p.mode, ''bank'', p.provider, ''payout'',
            p.batch, NULL, p.net_currency, p.net, 0, ''statement'', $1, p.batch_day::timestamp AT TIME ZONE ''UTC''
        FROM (SELECT mode, provider, batch, batch_key, net_currency, max(batch_day) AS batch_day,
                     CASE WHEN bool_or(kind = ''payout'') THEN (-sum(net) FILTER (WHERE kind = ''payout''))::bigint ELSE sum(net)::bigint END AS net
              FROM recon.staged_%s WHERE batch_key IS NOT NULL GROUP BY mode, provider, batch, batch_key, net_currency) p
        JOIN recon.books b ON b.mode = p.mode AND b.leg = ''bank'' AND b.provider = p.provider
        WHERE NOT EXISTS (SELECT 1 FROM recon.items t WHERE t.item_id = md5(concat_ws(''|'', ''payout'', p.mode, p.provider, p.batch, p.net_currency))::uuid)
        ON CONFLICT DO NOTHING', p_number) USING p_number;

    PERFORM recon.touch(l.mode, l.leg, l.provider, l.day)
    FROM (SELECT DISTINCT mode, leg, provider, day FROM recon.lines WHERE line_id >= p_number << 32 AND line_id < (p_number + 1) << 32
          UNION SELECT DISTINCT mode, leg, provider, day FROM recon.items WHERE import_number = p_number) l;
    UPDATE recon.books b SET statement_through = greatest(b.statement_through, s.through)
    FROM (SELECT mode, leg, provider, max(day) AS through FROM recon.lines WHERE line_id >= p_number << 32 AND line_id < (p_number + 1) << 32 GROUP BY mode, leg, provider) s
    WHERE b.mode = s.mode AND b.leg = s.leg AND b.provider = s.provider;

    EXECUTE format('DROP TABLE recon.staged_%s', p_number);
    UPDATE recon.imports SET state = 'complete', ended_at = now() WHERE number = p_number;
END $$;
