-- A payout is noted when the days of its lines have been compared as they stand too: what was accrued for a line that nobody has compared
-- is not known yet.

CREATE OR REPLACE FUNCTION recon.note_settlements(p_mode text, p_provider text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    noted integer;
BEGIN
    -- One at a time, and nobody compares meanwhile.
    PERFORM 1 FROM recon.books WHERE mode = p_mode AND provider = p_provider ORDER BY leg FOR UPDATE;
    CREATE TEMP TABLE agreed ON COMMIT DROP AS
        SELECT md5(concat_ws('|', 'settlement', i.mode, i.provider, i.reference, i.currency))::uuid AS settlement_id, i.item_id, i.reference, i.currency, i.gross AS paid, i.day
        FROM recon.items i JOIN recon.days d USING (mode, leg, provider, day) JOIN recon.day_totals t USING (mode, leg, provider, day, currency)
        WHERE i.mode = p_mode AND i.leg = 'bank' AND i.provider = p_provider AND NOT d.dirty AND t.explained IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM recon.settlements s WHERE s.item_id = i.item_id)
            AND (NOT EXISTS (SELECT 1 FROM recon.entries e WHERE e.item_id = i.item_id)
                OR EXISTS (SELECT 1 FROM recon.entries e WHERE (e.item_id = i.item_id OR e.settles_item = i.item_id) AND e.class = 'matched' AND e.amount = 0));
    DELETE FROM agreed a USING recon.days d, recon.lines l
    WHERE d.mode = p_mode AND d.leg = 'provider' AND d.provider = p_provider
        AND (d.dirty OR EXISTS (SELECT 1 FROM recon.day_totals t WHERE t.mode = d.mode AND t.leg = d.leg AND t.provider = d.provider AND t.day = d.day AND t.explained IS NULL))
        AND l.mode = d.mode AND l.leg = d.leg AND l.provider = d.provider AND l.day = d.day AND l.batch = a.reference AND l.net_currency = a.currency;
    noted := (SELECT count(*) FROM agreed);
    IF noted = 0 THEN
        DROP TABLE agreed;
        RETURN 0;
    END IF;

    INSERT INTO recon.settlements (settlement_id, mode, provider, reference, currency, paid, day, item_id)
    SELECT settlement_id, p_mode, p_provider, reference, currency, paid, day, item_id FROM agreed ORDER BY settlement_id;

    -- A line without an entry agrees with its item, fee included. A pair says how its fees differ. Of several that come to one sum, the
    -- first line has the accrued cost of all their items.
    INSERT INTO recon.settlement_parts (settlement_id, mode, currency, lines, gross, fee, accrued, fx, paid)
    SELECT a.settlement_id, p_mode, l.currency, count(*), sum(l.gross), sum(l.item_fee),
        sum(CASE WHEN s.line_id IS NOT NULL THEN l.item_fee - s.fee_diff
                 WHEN e.class IS NULL THEN l.item_fee
                 WHEN num_nonnulls(e.item_id, e.settles_item) > 0 THEN l.item_fee - e.fee_diff
                 WHEN e.rule IS NOT NULL AND NOT EXISTS (
                     SELECT 1 FROM recon.lines f JOIN recon.entries g ON g.line_id = f.line_id AND g.rule IS NOT NULL AND num_nonnulls(g.item_id, g.settles_item) = 0
                     WHERE f.match_key = l.match_key AND f.day = l.day AND f.line_id < l.line_id)
                     THEN coalesce((SELECT sum(i.fee) FROM recon.items i JOIN recon.entries g ON g.item_id = i.item_id AND g.rule IS NOT NULL AND g.from_class IS NULL AND g.line_id IS NULL
                                    WHERE i.match_key = l.match_key AND i.day = l.day), 0)
                 ELSE 0 END),
        sum(l.item_fx), sum(l.net)
    FROM agreed a
    JOIN recon.lines l ON l.mode = p_mode AND l.leg = 'provider' AND l.provider = p_provider AND l.batch = a.reference AND l.net_currency = a.currency
        AND l.day BETWEEN (SELECT min(day) - 62 FROM agreed) AND (SELECT max(day) + 31 FROM agreed)
    LEFT JOIN recon.entries e ON e.line_id = l.line_id
    LEFT JOIN LATERAL (SELECT p.settles_line AS line_id, p.fee_diff FROM recon.entries p WHERE p.settles_line = l.line_id AND p.item_id IS NOT NULL LIMIT 1) s ON true
    GROUP BY a.settlement_id, l.currency;

    -- To the cent, or not at all: what the report itself called the payout may leave something out.
    DELETE FROM recon.settlement_parts p USING agreed a
    WHERE p.settlement_id = a.settlement_id AND a.paid <> (SELECT sum(q.paid) FROM recon.settlement_parts q WHERE q.settlement_id = a.settlement_id);
    DELETE FROM recon.settlements s USING agreed a WHERE s.settlement_id = a.settlement_id AND NOT EXISTS (SELECT 1 FROM recon.settlement_parts p WHERE p.settlement_id = a.settlement_id);
    GET DIAGNOSTICS noted = ROW_COUNT;
    noted := (SELECT count(*) FROM agreed) - noted;
    DROP TABLE agreed;
    RETURN noted;
END $$;
