-- What the bank has otherwise than a provider announced, and what it has that nobody announced, can be put right by a correction: who bears the
-- difference is said by people, the payout is then noted as it was announced, and the difference is booked between the bank's account and the
-- bearer's. A payout whose entry was booked before it was announced is not noted by itself: it would be on the bank's account twice.

ALTER TABLE recon.breaks
    DROP CONSTRAINT breaks_correction_check,
    ADD CONSTRAINT breaks_correction_check CHECK (correction IN ('merchant', 'suspense', 'chargebacks', 'bank', 'provider_cost', 'bank_cost', 'provider'));

CREATE INDEX breaks_of_bank_items ON recon.breaks (item_id) WHERE leg = 'bank' AND item_id IS NOT NULL;
CREATE INDEX breaks_of_bank_lines ON recon.breaks (line_id) WHERE leg = 'bank' AND item_id IS NULL;

-- On the provider's leg as it was. On the bank's leg: what the books have more on the bank's account than the statement. A payout that never
-- came is not on it.
CREATE OR REPLACE FUNCTION recon.left_by(b recon.breaks) RETURNS TABLE (gross bigint, accrued bigint, variance bigint, merchant_id uuid, occurred_at timestamptz) LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN i.item_id IS NOT NULL AND l.line_id IS NOT NULL THEN e.gross_diff WHEN i.item_id IS NULL THEN -l.gross WHEN e.leg = 'provider' THEN i.gross ELSE 0 END,
        CASE WHEN e.leg = 'provider' AND l.line_id IS NULL THEN i.fee ELSE 0 END,
        CASE WHEN e.leg = 'bank' THEN 0 WHEN i.item_id IS NOT NULL AND l.line_id IS NOT NULL THEN e.fee_diff WHEN i.item_id IS NOT NULL THEN -i.fee ELSE l.item_fee END,
        i.merchant_id, coalesce(i.occurred_at, l.occurred_at)
    FROM recon.entries e
    LEFT JOIN recon.items i ON i.item_id = coalesce(e.item_id, e.settles_item)
    LEFT JOIN recon.lines l ON l.line_id = coalesce(e.line_id, e.settles_line)
    WHERE e.mode = b.mode AND e.leg = b.leg AND e.provider = b.provider AND e.day = b.day AND e.class = b.class
        AND coalesce(e.item_id, e.settles_item) IS NOT DISTINCT FROM b.item_id AND coalesce(e.line_id, e.settles_line) IS NOT DISTINCT FROM b.line_id
        AND (e.rule IS NULL OR (i.item_id IS NOT NULL AND l.line_id IS NOT NULL))
$$;

CREATE OR REPLACE FUNCTION recon.note_settlements(p_mode text, p_provider text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    noted integer;
    v_files bigint;
BEGIN
    -- One at a time, and nobody compares meanwhile.
    PERFORM 1 FROM recon.books WHERE mode = p_mode AND provider = p_provider ORDER BY leg FOR UPDATE;
    CREATE TEMP TABLE candidates ON COMMIT DROP AS
        SELECT md5(concat_ws('|', 'settlement', i.mode, i.provider, i.reference, i.currency))::uuid AS settlement_id, i.item_id, i.reference, i.currency, i.gross AS paid, i.day, 0::bigint AS difference,
            CASE WHEN d.dirty IS DISTINCT FROM false OR t.explained IS NULL THEN 'not_compared'
                 WHEN EXISTS (SELECT 1 FROM recon.breaks b JOIN recon.bookings k USING (break_id)
                     WHERE b.leg = 'bank' AND b.item_id IS NULL AND num_nonnulls(k.due_at, k.booked_at) > 0 AND b.line_id IN (
                         SELECT l.line_id FROM recon.lines l WHERE l.match_key = i.match_key AND l.leg = 'bank'
                         UNION ALL SELECT e.line_id FROM recon.entries e WHERE e.item_id = i.item_id OR e.settles_item = i.item_id)) THEN 'corrected'
                 WHEN NOT EXISTS (SELECT 1 FROM recon.entries e WHERE e.item_id = i.item_id)
                     OR EXISTS (SELECT 1 FROM recon.entries e WHERE (e.item_id = i.item_id OR e.settles_item = i.item_id) AND e.class = 'matched' AND e.amount = 0)
                     OR EXISTS (SELECT 1 FROM recon.entries e JOIN recon.breaks b ON b.item_id = i.item_id AND b.line_id = e.line_id AND b.class = e.class AND b.amount = e.amount
                         WHERE (e.item_id = i.item_id OR e.settles_item = i.item_id) AND b.leg = 'bank' AND b.correction IS NOT NULL AND b.state IN ('booking', 'resolved')) THEN 'agreed'
                 ELSE (SELECT e.class FROM recon.entries e WHERE e.item_id = i.item_id OR e.settles_item = i.item_id ORDER BY e.settles_item IS NULL LIMIT 1) END AS reason
        FROM recon.items i LEFT JOIN recon.days d USING (mode, leg, provider, day) LEFT JOIN recon.day_totals t USING (mode, leg, provider, day, currency)
        WHERE i.mode = p_mode AND i.leg = 'bank' AND i.provider = p_provider AND NOT EXISTS (SELECT 1 FROM recon.settlements s WHERE s.item_id = i.item_id);
    v_files := coalesce((SELECT max(number) FROM recon.imports WHERE mode = p_mode AND state IN ('complete', 'superseded')), 0);
    UPDATE candidates a SET reason = u.reason, difference = u.difference FROM recon.payouts_unnoted u
    WHERE a.reason = 'agreed' AND u.item_id = a.item_id AND u.reason = 'parts_differ' AND u.files = v_files;
    CREATE TEMP TABLE agreed ON COMMIT DROP AS SELECT settlement_id, item_id, reference, currency, paid, day FROM candidates WHERE reason = 'agreed';
    ANALYZE agreed;
    IF EXISTS (SELECT 1 FROM agreed) THEN
        DELETE FROM agreed a USING recon.days d, recon.lines l
        WHERE d.mode = p_mode AND d.leg = 'provider' AND d.provider = p_provider
            AND (d.dirty OR EXISTS (SELECT 1 FROM recon.day_totals t WHERE t.mode = d.mode AND t.leg = d.leg AND t.provider = d.provider AND t.day = d.day AND t.explained IS NULL))
            AND l.mode = d.mode AND l.leg = d.leg AND l.provider = d.provider AND l.day = d.day AND l.batch = a.reference AND l.net_currency = a.currency;
        UPDATE candidates c SET reason = 'lines_not_compared' WHERE c.reason = 'agreed' AND NOT EXISTS (SELECT 1 FROM agreed a WHERE a.item_id = c.item_id);
    END IF;

    IF EXISTS (SELECT 1 FROM agreed) THEN
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
            AND l.day BETWEEN (SELECT min(day) - 62 FROM agreed) AND (SELECT max(day) + 31 FROM agreed) AND l.day BETWEEN a.day - 62 AND a.day + 31
        LEFT JOIN recon.entries e ON e.line_id = l.line_id
        LEFT JOIN LATERAL (SELECT p.settles_line AS line_id, p.fee_diff FROM recon.entries p WHERE p.settles_line = l.line_id AND p.item_id IS NOT NULL LIMIT 1) s ON true
        GROUP BY a.settlement_id, l.currency;

        -- To the cent, or not at all: what the report itself called the payout may leave something out.
        UPDATE candidates a SET reason = 'parts_differ', difference = a.paid - coalesce((SELECT sum(q.paid) FROM recon.settlement_parts q WHERE q.settlement_id = a.settlement_id), 0)
        WHERE a.reason = 'agreed' AND a.paid IS DISTINCT FROM (SELECT sum(q.paid) FROM recon.settlement_parts q WHERE q.settlement_id = a.settlement_id);
        DELETE FROM recon.settlement_parts p USING candidates a WHERE p.settlement_id = a.settlement_id AND a.reason = 'parts_differ';
        DELETE FROM recon.settlements s USING candidates a WHERE s.settlement_id = a.settlement_id AND a.reason = 'parts_differ';

        DELETE FROM agreed a USING candidates c WHERE c.item_id = a.item_id AND c.reason = 'parts_differ';

        -- What may still be answered: a fee of the provider's own never is.
        INSERT INTO recon.unanswered (match_key, day, occurrence, settlement_id, mode, provider)
        SELECT l.match_key, l.day, l.occurrence, a.settlement_id, p_mode, p_provider
        FROM agreed a
        JOIN recon.lines l ON l.mode = p_mode AND l.leg = 'provider' AND l.provider = p_provider AND l.batch = a.reference AND l.net_currency = a.currency
            AND l.day BETWEEN (SELECT min(day) - 62 FROM agreed) AND (SELECT max(day) + 31 FROM agreed) AND l.day BETWEEN a.day - 62 AND a.day + 31
        JOIN recon.entries e ON e.line_id = l.line_id AND e.rule IS NULL AND num_nonnulls(e.item_id, e.settles_item) = 0
        WHERE NOT EXISTS (SELECT 1 FROM recon.entries p WHERE p.settles_line = l.line_id AND p.item_id IS NOT NULL)
            AND NOT EXISTS (SELECT 1 FROM recon.lone_kinds k WHERE k.kind = l.kind)
        ON CONFLICT DO NOTHING;
    END IF;

    INSERT INTO recon.payouts_unnoted AS u (item_id, mode, provider, reference, currency, amount, day, reason, difference, files)
    SELECT a.item_id, p_mode, p_provider, a.reference, a.currency, a.paid, a.day, a.reason, a.difference, v_files FROM candidates a WHERE a.reason <> 'agreed'
    ON CONFLICT (item_id) DO UPDATE SET amount = excluded.amount, day = excluded.day, reason = excluded.reason, difference = excluded.difference, files = excluded.files
        WHERE (u.amount, u.day, u.reason, u.difference, u.files) IS DISTINCT FROM (excluded.amount, excluded.day, excluded.reason, excluded.difference, excluded.files);
    DELETE FROM recon.payouts_unnoted u WHERE u.mode = p_mode AND u.provider = p_provider AND NOT EXISTS (SELECT 1 FROM candidates a WHERE a.item_id = u.item_id AND a.reason <> 'agreed');
    noted := (SELECT count(*) FROM candidates WHERE reason = 'agreed');
    DROP TABLE agreed, candidates;
    RETURN noted;
END $$;
