-- Several captures of one payment have one reference, and often one amount; only the first of them has the fixed part of the fee. They
-- were bound in the order of their ids, so that two that agreed could both be breaks. What agrees in fee too is bound first, and parts
-- whose fees are shared otherwise and come to the same sum agree as a whole.

DROP FUNCTION recon.offset_groups(recon.rules);

-- Several of one reference and day on either side that come to the same amount: one capture paid out in parts, parts paid out as one, or
-- what our own books took back.
CREATE FUNCTION recon.offset_groups(r recon.rules, p_exact boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMP TABLE grouped ON COMMIT DROP AS
        SELECT match_key, day, recon.class_of(0, sum(f)::bigint, sum(x)::bigint, r) AS class FROM (
            SELECT match_key, day, gross AS o, -fee AS f, 0 AS x FROM ours_left o WHERE NOT carried AND NOT EXISTS (SELECT 1 FROM pairs p WHERE p.item_id = o.item_id)
            UNION ALL
            SELECT match_key, day, -gross, fee, fx FROM theirs_left t WHERE NOT carried AND NOT EXISTS (SELECT 1 FROM pairs p WHERE p.line_id = t.line_id)) g
        GROUP BY match_key, day HAVING sum(o) = 0 AND count(*) > 1 AND (NOT p_exact OR (sum(f) = 0 AND sum(x) = 0));
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

-- What has the same reference, in this order: amounts and fees of one day, parts of one day that come to both sums, amounts of one day,
-- amounts and fees of other days, amounts of other days, parts that come to the same amount, and whatever is left.
CREATE OR REPLACE FUNCTION recon.pair_by_reference(r recon.rules) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    pass     integer;
    by_fee   boolean;
    by_gross boolean;
    by_day   boolean;
BEGIN
    FOR pass IN 1..5 LOOP
        by_fee := pass IN (1, 3);
        by_gross := pass < 5;
        by_day := pass IN (1, 2);
        INSERT INTO pairs (item_id, line_id, rule)
        SELECT o.item_id, t.line_id, r.number FROM (
            SELECT o.*, row_number() OVER (PARTITION BY o.match_key, CASE WHEN by_gross THEN o.gross END, CASE WHEN by_fee THEN o.fee END, CASE WHEN by_day THEN o.day END ORDER BY o.carried DESC, o.day, o.item_id) AS n
            FROM ours_left o WHERE NOT EXISTS (SELECT 1 FROM pairs p WHERE p.item_id = o.item_id)) o
        JOIN (
            SELECT t.*, row_number() OVER (PARTITION BY t.match_key, CASE WHEN by_gross THEN t.gross END, CASE WHEN by_fee THEN t.fee END, CASE WHEN by_fee THEN t.fx END, CASE WHEN by_day THEN t.day END ORDER BY t.carried DESC, t.day, t.line_id) AS n
            FROM theirs_left t WHERE NOT EXISTS (SELECT 1 FROM pairs p WHERE p.line_id = t.line_id)) t
            ON t.match_key = o.match_key AND t.n = o.n AND (NOT by_gross OR t.gross = o.gross) AND (NOT by_fee OR (t.fee = o.fee AND t.fx = 0)) AND (NOT by_day OR t.day = o.day)
                AND NOT (o.carried AND t.carried);
        IF pass IN (1, 4) THEN
            PERFORM recon.offset_groups(r, pass = 1);
        END IF;
    END LOOP;
END $$;
