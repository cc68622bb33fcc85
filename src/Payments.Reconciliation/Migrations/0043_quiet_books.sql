-- Today changes with every payment, and nobody has reported of it. A book of which nothing else changed was compared anew at each round of
-- the timer: every payment of the day was written down as left over again, every five minutes.

ALTER TABLE recon.books
    ADD COLUMN compared_at      timestamptz NOT NULL DEFAULT '-infinity',
    ADD COLUMN compared_for     interval    NOT NULL DEFAULT '0',
    -- The last day that any statement spoke of when the book was compared.
    ADD COLUMN compared_through date        NULL;
-- In a new one there is nothing to compare.
ALTER TABLE recon.books ALTER compared_at SET DEFAULT now();

-- As before, and the book remembers it.
CREATE OR REPLACE FUNCTION recon.settle(p_mode text, p_leg text, p_provider text) RETURNS void LANGUAGE plpgsql
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
    UPDATE recon.books SET compared_at = clock_timestamp(), compared_for = clock_timestamp() - now(), compared_through = statement_through
        WHERE mode = p_mode AND leg = p_leg AND provider = p_provider;
END $$;

-- What a round compares: a book that something was told about, in which another day than today changed, which has a break that anything
-- may answer, or that was not compared for an hour and for twenty times as long as it took.
CREATE FUNCTION recon.is_due(b recon.books) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT now() NOT BETWEEN b.compared_at AND b.compared_at + greatest(interval '1 hour', 20 * b.compared_for)
        OR b.statement_through IS DISTINCT FROM b.compared_through
        OR EXISTS (SELECT 1 FROM recon.days d WHERE d.mode = b.mode AND d.leg = b.leg AND d.provider = b.provider AND d.dirty
            AND d.day > coalesce(b.closed_through, '-infinity') AND d.day <> (now() AT TIME ZONE 'UTC')::date)
        OR EXISTS (SELECT 1 FROM recon.lines l WHERE l.mode = b.mode AND l.leg = b.leg AND l.provider = b.provider AND l.day = (now() AT TIME ZONE 'UTC')::date)
        OR EXISTS (SELECT 1 FROM recon.breaks k WHERE k.mode = b.mode AND k.leg = b.leg AND k.provider = b.provider AND k.state <> 'resolved')
$$;
