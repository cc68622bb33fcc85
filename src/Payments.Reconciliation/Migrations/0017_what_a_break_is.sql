-- A break is the same one in every version of its file, so that what was booked for it is not booked again; it knows its parts, so that a
-- difference that moves between gross and fee is noticed; and its version counts what the ledger is going to be asked, for whom. What a
-- rule has the ledger book is `booking` like what people agree to.

-- Merchants of whom a payment was seen. Whom a person names must be one of them.
CREATE TABLE recon.merchants (
    mode        text NOT NULL CHECK (mode IN ('test', 'live')),
    merchant_id uuid NOT NULL,
    PRIMARY KEY (mode, merchant_id)
);
INSERT INTO recon.merchants (mode, merchant_id) SELECT DISTINCT mode, merchant_id FROM recon.items WHERE merchant_id IS NOT NULL;

-- What a lone line is about. Among several of one reference by their order, so that a corrected amount stays the same break; where nothing
-- but its content tells a line, its amounts are part of it, and those that say the same are counted.
CREATE FUNCTION recon.subject_of(l recon.lines) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN l.reference IS NOT NULL
        THEN md5(concat_ws('|', 'line', l.match_key, (SELECT count(*) FROM recon.lines k WHERE k.match_key = l.match_key AND (k.day, k.line_id) <= (l.day, l.line_id))))::uuid
        ELSE md5(concat_ws('|', 'line', l.mode, l.leg, l.provider, l.day, recon.identity_of(l.match_key, l.reference, l.kind, l.currency, l.alternative, l.batch, l.occurred_at), l.gross, l.net_currency, l.fee, l.net))::uuid END
$$;

ALTER TABLE recon.breaks
    -- What it is about: an item, or a line by what it says. Breaks that stood before keep their ids.
    ADD COLUMN subject      uuid    NULL,
    -- The parts of the difference, ours less theirs: they add up to the amount.
    ADD COLUMN gross_diff   bigint  NULL,
    ADD COLUMN fee_diff     bigint  NULL,
    ADD COLUMN fx_diff      bigint  NULL,
    -- Whose money the correction moves, and what the ledger is asked for, step by step.
    ADD COLUMN merchant_id  uuid    NULL,
    ADD COLUMN plan         text    NULL,
    -- The rule that has the ledger book it.
    ADD COLUMN closing_rule integer NULL,
    -- The version at which it was seen what a rule has the ledger book.
    ADD COLUMN considered   integer NULL;

CREATE OR REPLACE FUNCTION recon.count_versions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.class, NEW.currency, NEW.amount, NEW.gross_diff, NEW.fee_diff, NEW.fx_diff, NEW.state, NEW.journal, NEW.reason, NEW.correction, NEW.moves, NEW.proposed_by, NEW.merchant_id, NEW.plan)
        IS DISTINCT FROM (OLD.class, OLD.currency, OLD.amount, OLD.gross_diff, OLD.fee_diff, OLD.fx_diff, OLD.state, OLD.journal, OLD.reason, OLD.correction, OLD.moves, OLD.proposed_by, OLD.merchant_id, OLD.plan) THEN
        NEW.version := OLD.version + 1;
    END IF;
    RETURN NEW;
END $$;

-- Looked at where something changes that it decides on: a limit that is lowered afterwards stops no comparison.
CREATE OR REPLACE FUNCTION recon.hold_four_eyes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    needed boolean := recon.needs_four_eyes(NEW.currency, greatest(abs(NEW.amount), NEW.moves));
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.state, NEW.currency, NEW.amount, NEW.moves, NEW.class, NEW.leg, NEW.provider, NEW.resolved_how, NEW.resolved_by, NEW.proposed_by, NEW.approved_by, NEW.closing_rule)
        IS NOT DISTINCT FROM (OLD.state, OLD.currency, OLD.amount, OLD.moves, OLD.class, OLD.leg, OLD.provider, OLD.resolved_how, OLD.resolved_by, OLD.proposed_by, OLD.approved_by, OLD.closing_rule) THEN
        RETURN NEW;
    END IF;
    IF NEW.resolved_how = 'person' AND needed AND NEW.resolved_by = NEW.proposed_by THEN
        RAISE EXCEPTION 'A break of this amount is resolved by another person than proposed it.' USING ERRCODE = 'RC002';
    END IF;
    IF NEW.state = 'booking' AND NEW.closing_rule IS NULL AND needed AND (NEW.approved_by IS NULL OR NEW.approved_by = NEW.proposed_by) THEN
        RAISE EXCEPTION 'A correction of this amount is booked when another person than proposed it agrees.' USING ERRCODE = 'RC002';
    END IF;
    IF (NEW.resolved_how = 'rule' OR (NEW.state = 'booking' AND NEW.closing_rule IS NOT NULL)) AND NOT EXISTS (
        SELECT 1 FROM recon.resolutions s WHERE s.leg = NEW.leg AND (s.provider IS NULL OR s.provider = NEW.provider) AND s.class = NEW.class
            AND (s.currency IS NULL OR s.currency = NEW.currency) AND abs(NEW.amount) <= s.up_to AND (NEW.closing_rule IS NULL OR s.number = NEW.closing_rule)) THEN
        RAISE EXCEPTION 'No rule resolves a break of this class and amount.' USING ERRCODE = 'RC002';
    END IF;
    RETURN NEW;
END $$;

UPDATE recon.breaks b SET subject = coalesce(s.subject, b.break_id)
FROM recon.breaks o LEFT JOIN (
    SELECT break_id, CASE WHEN reference IS NOT NULL THEN subject ELSE md5(concat_ws('|', subject, row_number() OVER (PARTITION BY subject ORDER BY line_id)))::uuid END AS subject
    FROM (SELECT z.break_id, l.reference, l.line_id, recon.subject_of(l) AS subject FROM recon.breaks z JOIN recon.lines l ON l.line_id = z.line_id WHERE z.item_id IS NULL) k) s USING (break_id)
WHERE o.break_id = b.break_id;
ALTER TABLE recon.breaks ALTER COLUMN subject SET NOT NULL, ADD CONSTRAINT breaks_one_of_a_subject UNIQUE (subject);
CREATE INDEX breaks_of_rules ON recon.breaks (break_id) WHERE state = 'resolved' AND resolved_how = 'rule' AND considered IS DISTINCT FROM version;

CREATE OR REPLACE FUNCTION recon.raise_breaks(p_mode text, p_leg text, p_provider text, p_first_open date) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMP TABLE found ON COMMIT DROP AS
        SELECT coalesce(b.break_id, f.subject) AS break_id, f.*,
            b.break_id IS NOT NULL AND (b.class, b.amount, b.currency, coalesce(b.gross_diff, f.gross_diff), coalesce(b.fee_diff, f.fee_diff), coalesce(b.fx_diff, f.fx_diff))
                IS DISTINCT FROM (f.class, f.amount, f.currency, f.gross_diff, f.fee_diff, f.fx_diff) AS changed
        FROM (
            SELECT CASE WHEN i.item_id IS NOT NULL THEN md5(concat_ws('|', 'break', p_mode, p_leg, p_provider, i.item_id))::uuid
                    WHEN l.reference IS NOT NULL THEN s.subject
                    ELSE md5(concat_ws('|', s.subject, row_number() OVER (PARTITION BY s.subject, i.item_id IS NULL ORDER BY l.line_id)))::uuid END AS subject,
                e.day, i.item_id, l.line_id, e.class, e.currency, e.amount, i.payment_id,
                CASE WHEN i.item_id IS NOT NULL AND l.line_id IS NOT NULL THEN e.gross_diff WHEN i.item_id IS NOT NULL THEN i.gross ELSE -l.gross END AS gross_diff,
                CASE WHEN i.item_id IS NOT NULL AND l.line_id IS NOT NULL THEN e.fee_diff WHEN i.item_id IS NOT NULL THEN -i.fee ELSE l.item_fee END AS fee_diff,
                CASE WHEN i.item_id IS NOT NULL AND l.line_id IS NOT NULL THEN e.fx_diff WHEN i.item_id IS NOT NULL THEN 0 ELSE l.item_fx END AS fx_diff
            FROM recon.entries e
            LEFT JOIN LATERAL (SELECT z.* FROM recon.items z WHERE z.item_id = coalesce(e.item_id, e.settles_item) LIMIT 1) i ON true
            LEFT JOIN LATERAL (SELECT z.* FROM recon.lines z WHERE z.line_id = coalesce(e.line_id, e.settles_line) LIMIT 1) l ON true
            LEFT JOIN LATERAL (SELECT recon.subject_of(l) AS subject WHERE i.item_id IS NULL) s ON true
            WHERE e.mode = p_mode AND e.leg = p_leg AND e.provider = p_provider AND e.day >= p_first_open
                AND e.class IN ('fee_difference', 'fx_difference', 'amount_mismatch', 'missing_here', 'missing_there', 'duplicate')) f
        LEFT JOIN recon.breaks b ON b.subject = f.subject;

    -- What is being booked is left alone until it is: the next comparison looks at it. What a person said of a difference that is another one now is not lost.
    INSERT INTO recon.break_notes (break_id, number, author, text)
    SELECT b.break_id, (SELECT count(*) + 1 FROM recon.break_notes n WHERE n.break_id = b.break_id), 'comparison',
        format('It was %s of %s, %s by %s: %s. The difference is another one now.', b.class, b.amount, CASE b.state WHEN 'resolved' THEN 'resolved' ELSE 'proposed to be closed' END,
            coalesce(b.resolved_by, b.proposed_by), coalesce('journal ' || b.journal, b.reason))
    FROM recon.breaks b JOIN found f USING (break_id)
    WHERE b.state NOT IN ('open', 'booking') AND b.resolved_how IS DISTINCT FROM 'comparison' AND f.changed;

    UPDATE recon.breaks b SET class = f.class, amount = f.amount, currency = f.currency, gross_diff = f.gross_diff, fee_diff = f.fee_diff, fx_diff = f.fx_diff,
        priority = recon.priority_of(f.class, f.currency, f.amount), state = 'open', journal = NULL, reason = NULL, correction = NULL, moves = 0, merchant_id = NULL, plan = NULL, closing_rule = NULL,
        proposed_by = NULL, approved_by = NULL, resolved_by = NULL, resolved_how = NULL, resolved_at = NULL
    FROM found f WHERE f.break_id = b.break_id AND b.state <> 'booking' AND (f.changed OR b.resolved_how = 'comparison');
    -- Where it stands, and by which item and line it is found, follows every comparison.
    UPDATE recon.breaks b SET day = f.day, item_id = f.item_id, line_id = f.line_id, payment_id = f.payment_id,
        gross_diff = coalesce(b.gross_diff, f.gross_diff), fee_diff = coalesce(b.fee_diff, f.fee_diff), fx_diff = coalesce(b.fx_diff, f.fx_diff)
    FROM found f WHERE f.break_id = b.break_id AND ((b.day, b.item_id, b.line_id, b.payment_id) IS DISTINCT FROM (f.day, f.item_id, f.line_id, f.payment_id) OR b.gross_diff IS NULL);
    INSERT INTO recon.breaks (break_id, subject, mode, leg, provider, day, item_id, line_id, payment_id, class, currency, amount, gross_diff, fee_diff, fx_diff, priority, state)
    SELECT f.break_id, f.subject, p_mode, p_leg, p_provider, f.day, f.item_id, f.line_id, f.payment_id, f.class, f.currency, f.amount, f.gross_diff, f.fee_diff, f.fx_diff,
        recon.priority_of(f.class, f.currency, f.amount), 'open'
    FROM found f ORDER BY f.break_id ON CONFLICT DO NOTHING;

    -- Answered meanwhile: by a line or item of an open day, or because its day was compared again and it is gone.
    UPDATE recon.breaks b SET state = 'resolved', reason = 'matched by a later comparison', journal = NULL, proposed_by = 'comparison', resolved_by = 'comparison', resolved_how = 'comparison', resolved_at = now()
    WHERE b.mode = p_mode AND b.leg = p_leg AND b.provider = p_provider AND b.state NOT IN ('resolved', 'booking') AND NOT EXISTS (SELECT 1 FROM found f WHERE f.break_id = b.break_id)
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
