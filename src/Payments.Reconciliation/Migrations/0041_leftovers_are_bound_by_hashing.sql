-- What is left over was bound by nested loops: the temporary tables have no statistics, and the planner took them for a row or two. A
-- hundred thousand differences would have taken hours. These joins are hashed whatever is believed of the tables.

-- One pass: those of one reference, and where so asked of equal amounts, of equal fees, of one day, are bound in order.
CREATE FUNCTION recon.bind_by_reference(r recon.rules, by_gross boolean, by_fee boolean, by_day boolean) RETURNS void LANGUAGE plpgsql
SET enable_nestloop = off AS $$
BEGIN
    INSERT INTO pairs (item_id, line_id, rule)
    SELECT o.item_id, t.line_id, r.number FROM (
        SELECT o.*, row_number() OVER (PARTITION BY o.match_key, CASE WHEN by_gross THEN o.gross END, CASE WHEN by_fee THEN o.fee END, CASE WHEN by_day THEN o.day END ORDER BY o.carried DESC, o.day, o.item_id) AS n
        FROM ours_left o WHERE NOT EXISTS (SELECT 1 FROM pairs p WHERE p.item_id = o.item_id)) o
    JOIN (
        SELECT t.*, row_number() OVER (PARTITION BY t.match_key, CASE WHEN by_gross THEN t.gross END, CASE WHEN by_fee THEN t.fee END, CASE WHEN by_fee THEN t.fx END, CASE WHEN by_day THEN t.day END ORDER BY t.carried DESC, t.day, t.line_id) AS n
        FROM theirs_left t WHERE NOT EXISTS (SELECT 1 FROM pairs p WHERE p.line_id = t.line_id)) t
        ON t.match_key = o.match_key AND t.n = o.n AND (NOT by_gross OR t.gross = o.gross) AND (NOT by_fee OR (t.fee = o.fee AND t.fx = 0)) AND (NOT by_day OR t.day = o.day)
            AND NOT (o.carried AND t.carried);
END $$;

CREATE OR REPLACE FUNCTION recon.pair_by_reference(r recon.rules) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    --                                 gross, fee,   day
    PERFORM recon.bind_by_reference(r, true,  true,  true);
    PERFORM recon.offset_groups(r, true);
    PERFORM recon.bind_by_reference(r, true,  false, true);
    PERFORM recon.bind_by_reference(r, true,  true,  false);
    PERFORM recon.bind_by_reference(r, true,  false, false);
    PERFORM recon.offset_groups(r, false);
    PERFORM recon.bind_by_reference(r, false, false, false);
END $$;

-- Of all pairs that a rule allows, those that are the nearest for both; again, until none is left.
CREATE OR REPLACE FUNCTION recon.pair_by_rule(r recon.rules) RETURNS void LANGUAGE plpgsql
SET enable_nestloop = off AS $$
DECLARE
    any_name boolean := r."by" = 'amount';
BEGIN
    LOOP
        INSERT INTO pairs (item_id, line_id, rule)
        SELECT c.item_id, c.line_id, r.number FROM (
            SELECT o.item_id, t.line_id,
                row_number() OVER (PARTITION BY o.item_id ORDER BY abs(o.gross - t.gross), abs(o.day - t.day), t.line_id) AS nearest_line,
                row_number() OVER (PARTITION BY t.line_id ORDER BY abs(o.gross - t.gross), abs(o.day - t.day), o.item_id) AS nearest_item
            FROM ours_left o JOIN theirs_left t ON t.currency = o.currency AND t.kind = o.kind AND abs(o.day - t.day) <= r.days AND abs(o.gross - t.gross) <= r.gross_tolerance
                AND CASE WHEN any_name THEN '' ELSE t.alternative END = CASE WHEN any_name THEN '' ELSE o.alternative END
            WHERE NOT (o.carried AND t.carried) AND NOT EXISTS (SELECT 1 FROM pairs p WHERE p.item_id = o.item_id) AND NOT EXISTS (SELECT 1 FROM pairs p WHERE p.line_id = t.line_id)) c
        WHERE c.nearest_line = 1 AND c.nearest_item = 1;
        EXIT WHEN NOT FOUND;
    END LOOP;
END $$;
