-- A payout that cannot be noted is seen: listed with the reason, from when on, and counted. And what was accrued for a payment that we hear of after its
-- payout was noted is not left on the payable cost: until then the whole fee stands on the variance, and the accrued part of it is taken from there.

-- Payouts that a provider announced and that are not noted. reason: not_compared, lines_not_compared; parts_differ (what the report has of it does not
-- come to what was paid, by difference); else how the bank's leg stands.
CREATE TABLE recon.payouts_unnoted (
    item_id    uuid        NOT NULL PRIMARY KEY,
    mode       text        NOT NULL CHECK (mode IN ('test', 'live')),
    provider   text        NOT NULL,
    reference  text        NOT NULL,
    currency   text        NOT NULL,
    amount     bigint      NOT NULL,
    day        date        NOT NULL,
    reason     text        NOT NULL,
    difference bigint      NOT NULL DEFAULT 0,
    since      timestamptz NOT NULL DEFAULT now(),
    -- The newest file when it was looked at: without another one its parts are the same.
    files      bigint      NOT NULL DEFAULT 0
);

CREATE INDEX payouts_unnoted_book ON recon.payouts_unnoted (mode, provider);

-- Lines of noted payouts for which nothing was accrued when they were noted, by what stays the same in every version of a file. accrued: what
-- was found to be, later.
CREATE TABLE recon.unanswered (
    match_key     uuid        NOT NULL,
    day           date        NOT NULL,
    occurrence    smallint    NOT NULL,
    settlement_id uuid        NOT NULL REFERENCES recon.settlements,
    mode          text        NOT NULL CHECK (mode IN ('test', 'live')),
    provider      text        NOT NULL,
    accrued       bigint      NULL,
    answered_at   timestamptz NULL,
    PRIMARY KEY (match_key, day, occurrence),
    CHECK ((accrued IS NULL) = (answered_at IS NULL))
);

CREATE INDEX unanswered_open ON recon.unanswered (mode, provider) WHERE answered_at IS NULL;

ALTER TABLE recon.bookings
    DROP CONSTRAINT bookings_what_check,
    ADD CONSTRAINT bookings_what_check CHECK (what IN ('settlement', 'correction', 'payout', 'late_cost'));

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
                 WHEN NOT EXISTS (SELECT 1 FROM recon.entries e WHERE e.item_id = i.item_id)
                     OR EXISTS (SELECT 1 FROM recon.entries e WHERE (e.item_id = i.item_id OR e.settles_item = i.item_id) AND e.class = 'matched' AND e.amount = 0) THEN 'agreed'
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

-- What was accrued for lines that were nobody's when their payout was noted, by the days as they are compared now. A line whose break people closed by
-- journals stays as they closed it.
CREATE FUNCTION recon.late_costs(p_mode text, p_provider text) RETURNS TABLE (match_key uuid, day date, occurrence smallint, payout text, reference text, currency text, accrued bigint, lines_hash text) LANGUAGE sql STABLE AS $$
    SELECT u.match_key, u.day, u.occurrence, s.reference, coalesce(l.reference, l.kind), l.currency, found.accrued, recon.lines_hash(s)
    FROM recon.unanswered u
    JOIN recon.settlements s USING (settlement_id)
    JOIN recon.lines l ON l.match_key = u.match_key AND l.day = u.day AND l.occurrence = u.occurrence
    JOIN recon.days d ON d.mode = l.mode AND d.leg = l.leg AND d.provider = l.provider AND d.day = l.day AND NOT d.dirty
    LEFT JOIN recon.entries e ON e.line_id = l.line_id
    LEFT JOIN LATERAL (SELECT p.fee_diff FROM recon.entries p WHERE p.settles_line = l.line_id AND p.item_id IS NOT NULL LIMIT 1) p ON true
    CROSS JOIN LATERAL (
        SELECT CASE WHEN p.fee_diff IS NOT NULL THEN l.item_fee - p.fee_diff
                    WHEN e.class IS NULL THEN l.item_fee
                    WHEN num_nonnulls(e.item_id, e.settles_item) > 0 THEN l.item_fee - e.fee_diff END AS accrued) found
    WHERE u.mode = p_mode AND u.provider = p_provider AND u.answered_at IS NULL AND found.accrued IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM recon.day_totals t WHERE t.mode = d.mode AND t.leg = d.leg AND t.provider = d.provider AND t.day = d.day AND t.explained IS NULL)
        AND NOT EXISTS (SELECT 1 FROM recon.breaks b JOIN recon.bookings k USING (break_id) WHERE b.line_id = l.line_id)
    ORDER BY u.match_key, u.day, u.occurrence
$$;
