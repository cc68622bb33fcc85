-- The second step, one book at a time: what days left over finds its counterpart on other days, by rules, or gets its class. All of it in
-- one transaction that begins by forgetting what open days had before, so that it can be repeated at any time with the same result.

CREATE FUNCTION recon.class_of(p_gross bigint, p_fee bigint, p_fx bigint, r recon.rules) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN abs(p_gross) > r.gross_tolerance THEN 'amount_mismatch'
                WHEN abs(p_fx) > r.fx_tolerance THEN 'fx_difference'
                WHEN abs(p_fee) > r.fee_tolerance THEN 'fee_difference'
                ELSE 'matched' END
$$;

CREATE FUNCTION recon.prepare_settling() RETURNS void LANGUAGE plpgsql SET client_min_messages = warning AS $$
BEGIN
    DROP TABLE IF EXISTS ours_left, theirs_left, pairs;
    CREATE TEMP TABLE ours_left (
        item_id uuid PRIMARY KEY, day date NOT NULL, match_key uuid NOT NULL, alternative text, kind text NOT NULL, currency text NOT NULL,
        gross bigint NOT NULL, fee bigint NOT NULL, carried boolean NOT NULL, from_class text NOT NULL, from_amount bigint NOT NULL) ON COMMIT DROP;
    CREATE TEMP TABLE theirs_left (
        line_id bigint PRIMARY KEY, day date NOT NULL, match_key uuid NOT NULL, alternative text, kind text NOT NULL, currency text NOT NULL,
        gross bigint NOT NULL, fee bigint NOT NULL, fx bigint NOT NULL, carried boolean NOT NULL, from_class text NOT NULL, from_amount bigint NOT NULL) ON COMMIT DROP;
    CREATE TEMP TABLE pairs (item_id uuid PRIMARY KEY, line_id bigint NOT NULL UNIQUE, rule integer NOT NULL) ON COMMIT DROP;
END $$;

-- Of all pairs that a rule allows, those that are the nearest for both; again, until none is left.
CREATE FUNCTION recon.pair_by_rule(r recon.rules) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    LOOP
        INSERT INTO pairs (item_id, line_id, rule)
        SELECT c.item_id, c.line_id, r.number FROM (
            SELECT o.item_id, t.line_id,
                row_number() OVER (PARTITION BY o.item_id ORDER BY abs(o.gross - t.gross), abs(o.day - t.day), t.line_id) AS nearest_line,
                row_number() OVER (PARTITION BY t.line_id ORDER BY abs(o.gross - t.gross), abs(o.day - t.day), o.item_id) AS nearest_item
            FROM ours_left o JOIN theirs_left t ON t.currency = o.currency AND t.kind = o.kind AND abs(o.day - t.day) <= r.days AND abs(o.gross - t.gross) <= r.gross_tolerance
                AND (r."by" = 'amount' OR t.alternative = o.alternative)
            WHERE NOT (o.carried AND t.carried) AND NOT EXISTS (SELECT 1 FROM pairs p WHERE p.item_id = o.item_id) AND NOT EXISTS (SELECT 1 FROM pairs p WHERE p.line_id = t.line_id)) c
        WHERE c.nearest_line = 1 AND c.nearest_item = 1;
        EXIT WHEN NOT FOUND;
    END LOOP;
END $$;

-- What has the same reference: first equal amounts, those of one day before others, then whatever is left, in order.
CREATE FUNCTION recon.pair_by_reference(r recon.rules) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    pass integer;
BEGIN
    FOR pass IN 1..3 LOOP
        INSERT INTO pairs (item_id, line_id, rule)
        SELECT o.item_id, t.line_id, r.number FROM (
            SELECT o.*, row_number() OVER (PARTITION BY o.match_key, CASE WHEN pass < 3 THEN o.gross END, CASE WHEN pass = 1 THEN o.day END ORDER BY o.carried DESC, o.day, o.item_id) AS n
            FROM ours_left o WHERE NOT EXISTS (SELECT 1 FROM pairs p WHERE p.item_id = o.item_id)) o
        JOIN (
            SELECT t.*, row_number() OVER (PARTITION BY t.match_key, CASE WHEN pass < 3 THEN t.gross END, CASE WHEN pass = 1 THEN t.day END ORDER BY t.carried DESC, t.day, t.line_id) AS n
            FROM theirs_left t WHERE NOT EXISTS (SELECT 1 FROM pairs p WHERE p.line_id = t.line_id)) t
            ON t.match_key = o.match_key AND t.n = o.n AND (pass = 3 OR t.gross = o.gross) AND (pass > 1 OR t.day = o.day) AND NOT (o.carried AND t.carried);
        IF pass = 2 THEN
            PERFORM recon.offset_groups(r);
        END IF;
    END LOOP;
END $$;

-- Several of one reference and day on either side that come to the same amount: one capture paid out in parts, parts paid out as one, or
-- what our own books took back.
CREATE FUNCTION recon.offset_groups(r recon.rules) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMP TABLE grouped ON COMMIT DROP AS
        SELECT match_key, day, sum(o) AS gross_diff, sum(n) AS net_diff, recon.class_of(0, sum(f)::bigint, sum(x)::bigint, r) AS class FROM (
            SELECT match_key, day, gross AS o, gross - fee AS n, -fee AS f, 0 AS x, 1 AS c FROM ours_left o WHERE NOT carried AND NOT EXISTS (SELECT 1 FROM pairs p WHERE p.item_id = o.item_id)
            UNION ALL
            SELECT match_key, day, -gross, -(gross - fee - fx), fee, fx, 1 FROM theirs_left t WHERE NOT carried AND NOT EXISTS (SELECT 1 FROM pairs p WHERE p.line_id = t.line_id)) g
        GROUP BY match_key, day HAVING sum(o) = 0 AND count(*) > 1;
    INSERT INTO recon.entries (mode, leg, provider, day, currency, item_id, ours_net, theirs_net, class, amount, rule)
    SELECT i.mode, i.leg, i.provider, o.day, o.currency, o.item_id, o.gross - o.fee, 0, g.class, o.gross - o.fee, r.number
    FROM grouped g JOIN ours_left o USING (match_key, day) JOIN recon.items i ON i.item_id = o.item_id AND i.day = o.day
    WHERE NOT o.carried AND NOT EXISTS (SELECT 1 FROM pairs p WHERE p.item_id = o.item_id);
    INSERT INTO recon.entries (mode, leg, provider, day, currency, line_id, ours_net, theirs_net, class, amount, rule)
    SELECT l.mode, l.leg, l.provider, t.day, t.currency, t.line_id, 0, l.item_net, g.class, -l.item_net, r.number
    FROM grouped g JOIN theirs_left t USING (match_key, day) JOIN recon.lines l ON l.line_id = t.line_id AND l.day = t.day
    WHERE NOT t.carried AND NOT EXISTS (SELECT 1 FROM pairs p WHERE p.line_id = t.line_id);
    DELETE FROM ours_left o USING recon.entries e WHERE e.item_id = o.item_id AND NOT o.carried;
    DELETE FROM theirs_left t USING recon.entries e WHERE e.line_id = t.line_id AND NOT t.carried;
    DROP TABLE grouped;
END $$;

CREATE FUNCTION recon.settle(p_mode text, p_leg text, p_provider text) RETURNS void LANGUAGE plpgsql
SET jit = off AS $$
DECLARE
    b      recon.books;
    r      recon.rules;
    window_days integer;
    first_open  date;
BEGIN
    SELECT * INTO b FROM recon.books WHERE mode = p_mode AND leg = p_leg AND provider = p_provider FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    first_open := coalesce(b.closed_through + 1, '-infinity');
    PERFORM recon.match_day(mode, leg, provider, day) FROM recon.days
        WHERE mode = p_mode AND leg = p_leg AND provider = p_provider AND day >= first_open AND dirty ORDER BY day;
    PERFORM recon.prepare_settling();
    DELETE FROM recon.entries WHERE mode = p_mode AND leg = p_leg AND provider = p_provider AND day >= first_open;

    INSERT INTO ours_left
    SELECT i.item_id, i.day, i.match_key, i.alternative, i.kind, i.currency, i.gross, i.fee, false, 'timing', i.gross - i.fee
    FROM recon.leftovers f JOIN recon.items i ON i.item_id = f.item_id AND i.day = f.day
    WHERE f.mode = p_mode AND f.leg = p_leg AND f.provider = p_provider AND f.day >= first_open
    UNION ALL
    SELECT i.item_id, i.day, i.match_key, i.alternative, i.kind, i.currency, i.gross, i.fee, true, c.class, c.amount
    FROM recon.carried c JOIN recon.items i ON i.item_id = c.item_id WHERE c.mode = p_mode AND c.leg = p_leg AND c.provider = p_provider;
    INSERT INTO theirs_left
    SELECT l.line_id, l.day, l.match_key, l.alternative, l.kind, l.currency, l.gross, l.item_fee, l.item_fx, false, 'timing', -l.item_net
    FROM recon.leftovers f JOIN recon.lines l ON l.line_id = f.line_id AND l.day = f.day
    WHERE f.mode = p_mode AND f.leg = p_leg AND f.provider = p_provider AND f.day >= first_open
    UNION ALL
    SELECT l.line_id, l.day, l.match_key, l.alternative, l.kind, l.currency, l.gross, l.item_fee, l.item_fx, true, c.class, c.amount
    FROM recon.carried c JOIN recon.lines l ON l.line_id = c.line_id WHERE c.mode = p_mode AND c.leg = p_leg AND c.provider = p_provider;

    FOR r IN SELECT * FROM recon.rules WHERE leg = p_leg AND (provider IS NULL OR provider = p_provider) ORDER BY number LOOP
        window_days := greatest(window_days, r.days);
        IF r."by" = 'reference' THEN
            PERFORM recon.pair_by_reference(r);
        ELSE
            PERFORM recon.pair_by_rule(r);
        END IF;
    END LOOP;

    PERFORM recon.write_pairs(p_mode, p_leg, p_provider);
    PERFORM recon.write_lone(p_mode, p_leg, p_provider, first_open, b.statement_through, coalesce(window_days, 0));
    PERFORM recon.sum_days(p_mode, p_leg, p_provider, first_open);
    PERFORM recon.raise_breaks(p_mode, p_leg, p_provider, first_open);
END $$;

CREATE FUNCTION recon.write_pairs(p_mode text, p_leg text, p_provider text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMP TABLE bound ON COMMIT DROP AS
        SELECT o.item_id, o.day AS our_day, o.carried AS our_carried, o.from_class AS our_class, o.from_amount AS our_amount, o.gross - o.fee AS our_net, o.currency,
            t.line_id, t.day AS their_day, t.carried AS their_carried, t.from_class AS their_class, t.from_amount AS their_amount, t.gross - t.fee - t.fx AS their_net,
            o.gross - t.gross AS gross_diff, t.fee - o.fee AS fee_diff, t.fx AS fx_diff, p.rule,
            recon.class_of(o.gross - t.gross, t.fee - o.fee, t.fx, r) AS class
        FROM pairs p JOIN ours_left o USING (item_id) JOIN theirs_left t USING (line_id) JOIN recon.rules r ON r.number = p.rule;

    INSERT INTO recon.entries (mode, leg, provider, day, currency, item_id, line_id, ours_net, theirs_net, class, amount, gross_diff, fee_diff, fx_diff, rule)
    SELECT p_mode, p_leg, p_provider, our_day, currency, item_id, line_id, our_net, their_net, class, our_net - their_net, gross_diff, fee_diff, fx_diff, rule
    FROM bound WHERE our_day = their_day AND NOT our_carried AND NOT their_carried;

    -- Different days: the earlier of the two explains its own day as timing, the later one takes that back.
    INSERT INTO recon.entries (mode, leg, provider, day, currency, item_id, ours_net, theirs_net, class, amount, rule)
    SELECT p_mode, p_leg, p_provider, our_day, currency, item_id, our_net, 0, 'timing', our_net, rule
    FROM bound WHERE our_day < their_day AND NOT our_carried;
    INSERT INTO recon.entries (mode, leg, provider, day, currency, line_id, ours_net, theirs_net, class, amount, rule)
    SELECT p_mode, p_leg, p_provider, their_day, currency, line_id, 0, their_net, 'timing', -their_net, rule
    FROM bound WHERE their_day < our_day AND NOT their_carried;
    INSERT INTO recon.entries (mode, leg, provider, day, currency, line_id, settles_item, ours_net, theirs_net, class, amount, from_class, from_amount, gross_diff, fee_diff, fx_diff, rule)
    SELECT p_mode, p_leg, p_provider, their_day, currency, line_id, item_id, 0, their_net, class, our_amount - their_net, our_class, our_amount, gross_diff, fee_diff, fx_diff, rule
    FROM bound WHERE our_carried OR (our_day < their_day AND NOT their_carried);
    INSERT INTO recon.entries (mode, leg, provider, day, currency, item_id, settles_line, ours_net, theirs_net, class, amount, from_class, from_amount, gross_diff, fee_diff, fx_diff, rule)
    SELECT p_mode, p_leg, p_provider, our_day, currency, item_id, line_id, our_net, 0, class, our_net + their_amount, their_class, their_amount, gross_diff, fee_diff, fx_diff, rule
    FROM bound WHERE their_carried OR (their_day < our_day AND NOT our_carried);
    DELETE FROM ours_left o USING pairs p WHERE p.item_id = o.item_id;
    DELETE FROM theirs_left t USING pairs p WHERE p.line_id = t.line_id;
    DROP TABLE bound;
END $$;

CREATE FUNCTION recon.write_lone(p_mode text, p_leg text, p_provider text, p_first_open date, p_through date, p_days integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- A line whose reference was answered already, or stands in an earlier line that nobody answers either.
    INSERT INTO recon.entries (mode, leg, provider, day, currency, line_id, ours_net, theirs_net, class, amount)
    SELECT p_mode, p_leg, p_provider, t.day, t.currency, t.line_id, 0, t.gross - t.fee - t.fx,
        CASE WHEN k.class IS NOT NULL THEN k.class
             WHEN EXISTS (SELECT 1 FROM recon.lines l WHERE l.match_key = t.match_key AND l.line_id <> t.line_id
                 AND (l.line_id < t.line_id OR NOT EXISTS (SELECT 1 FROM theirs_left a WHERE a.line_id = l.line_id))) THEN 'duplicate'
             ELSE 'missing_here' END,
        -(t.gross - t.fee - t.fx)
    FROM theirs_left t LEFT JOIN recon.lone_kinds k USING (kind) WHERE NOT t.carried;
    INSERT INTO recon.entries (mode, leg, provider, day, currency, item_id, ours_net, theirs_net, class, amount)
    SELECT p_mode, p_leg, p_provider, o.day, o.currency, o.item_id, o.gross - o.fee, 0,
        CASE WHEN EXISTS (SELECT 1 FROM recon.items i WHERE i.match_key = o.match_key AND i.item_id <> o.item_id
                 AND NOT EXISTS (SELECT 1 FROM ours_left a WHERE a.item_id = i.item_id)) THEN 'duplicate'
             WHEN p_through > o.day + p_days THEN 'missing_there'
             ELSE 'timing' END,
        o.gross - o.fee
    FROM ours_left o WHERE NOT o.carried;
    -- What a closed day called timing and nobody answered in time.
    INSERT INTO recon.entries (mode, leg, provider, day, currency, settles_item, ours_net, theirs_net, class, amount, from_class, from_amount)
    SELECT p_mode, p_leg, p_provider, greatest(p_first_open, o.day + p_days + 1), o.currency, o.item_id, 0, 0, 'missing_there', o.from_amount, o.from_class, o.from_amount
    FROM ours_left o WHERE o.carried AND o.from_class = 'timing' AND p_through >= greatest(p_first_open, o.day + p_days + 1);
END $$;

CREATE FUNCTION recon.sum_days(p_mode text, p_leg text, p_provider text, p_first_open date) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO recon.days (mode, leg, provider, day, dirty)
    SELECT DISTINCT mode, leg, provider, day, false FROM recon.entries WHERE mode = p_mode AND leg = p_leg AND provider = p_provider AND day >= p_first_open
    ON CONFLICT DO NOTHING;
    -- Rows that held nothing but what was taken back are made anew.
    DELETE FROM recon.day_totals WHERE mode = p_mode AND leg = p_leg AND provider = p_provider AND day >= p_first_open AND ours_count = 0 AND theirs_count = 0;
    INSERT INTO recon.day_totals (mode, leg, provider, day, currency, ours_count, ours_net, ours_volume, theirs_count, theirs_net, theirs_volume)
    SELECT DISTINCT mode, leg, provider, day, currency, 0, 0, 0, 0, 0, 0 FROM recon.entries WHERE mode = p_mode AND leg = p_leg AND provider = p_provider AND day >= p_first_open
    ON CONFLICT DO NOTHING;

    -- The two constraints of the table decide here whether this result stands.
    UPDATE recon.day_totals t SET explained = coalesce(e.amount, 0), ours_entries = coalesce(e.items, 0), theirs_entries = coalesce(e.lines, 0)
    FROM recon.day_totals u LEFT JOIN (
        SELECT day, currency, sum(amount - from_amount) AS amount, count(item_id) AS items, count(line_id) AS lines
        FROM recon.entries WHERE mode = p_mode AND leg = p_leg AND provider = p_provider AND day >= p_first_open GROUP BY day, currency) e ON e.day = u.day AND e.currency = u.currency
    WHERE u.mode = p_mode AND u.leg = p_leg AND u.provider = p_provider AND u.day >= p_first_open
        AND t.mode = u.mode AND t.leg = u.leg AND t.provider = u.provider AND t.day = u.day AND t.currency = u.currency;

    DELETE FROM recon.day_classes WHERE mode = p_mode AND leg = p_leg AND provider = p_provider AND day >= p_first_open;
    INSERT INTO recon.day_classes (mode, leg, provider, day, currency, class, items, amount, volume)
    SELECT p_mode, p_leg, p_provider, s.day, s.currency, s.class, sum(s.items), sum(s.amount), sum(s.volume) FROM (
        SELECT day, currency, class, 1 AS items, amount, abs(amount) AS volume FROM recon.entries WHERE mode = p_mode AND leg = p_leg AND provider = p_provider AND day >= p_first_open
        UNION ALL
        SELECT day, currency, from_class, 0, -from_amount, 0 FROM recon.entries
        WHERE mode = p_mode AND leg = p_leg AND provider = p_provider AND day >= p_first_open AND from_class IS NOT NULL
        UNION ALL
        SELECT day, currency, 'matched', ours_count - ours_entries, 0, 0 FROM recon.day_totals
        WHERE mode = p_mode AND leg = p_leg AND provider = p_provider AND day >= p_first_open AND ours_count > ours_entries) s
    GROUP BY s.day, s.currency, s.class;
END $$;
