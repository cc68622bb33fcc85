-- Breaks closed by a journal. Who resolves a break says who bears the difference; what follows for the ledger is planned from the break's own
-- amounts, agreed like every resolution, asked of the ledger as bookings, and then the break is closed. A break has a version, so that nobody
-- agrees to something else than what was shown.

ALTER TABLE recon.breaks
    ADD COLUMN version     integer NOT NULL DEFAULT 1,
    ADD COLUMN approved_by text    NULL,
    -- Who bears it; null where a journal that exists, or a reason, closes the break.
    ADD COLUMN correction  text    NULL CHECK (correction IN ('merchant', 'suspense', 'chargebacks', 'bank', 'provider_cost')),
    -- The largest amount that the ledger is asked to move for it.
    ADD COLUMN moves       bigint  NOT NULL DEFAULT 0 CHECK (moves >= 0),
    DROP CONSTRAINT breaks_state_check,
    ADD CONSTRAINT breaks_state_check CHECK (state IN ('open', 'proposed', 'booking', 'resolved')),
    ADD CONSTRAINT breaks_booking_corrects CHECK (state <> 'booking' OR correction IS NOT NULL);

ALTER TABLE recon.bookings
    ADD COLUMN break_id  uuid     NULL REFERENCES recon.breaks,
    -- The larger amounts first, each after those before it: what needs a second person is refused before anything is booked.
    ADD COLUMN step      smallint NOT NULL DEFAULT 1,
    -- Which of the break's amounts it puts right, and by how much.
    ADD COLUMN component text     NULL CHECK (component IN ('gross', 'accrued', 'variance')),
    ADD COLUMN moved     bigint   NULL,
    ADD CONSTRAINT bookings_of_a_break CHECK ((what = 'correction') = (num_nonnulls(break_id, component, moved) = 3));

CREATE INDEX bookings_break ON recon.bookings (break_id, step) WHERE break_id IS NOT NULL;

-- What a rule closes may be booked too: a rounding goes from the variance to the cost.
ALTER TABLE recon.resolutions ADD COLUMN correction text NULL CHECK (correction = 'provider_cost');
UPDATE recon.resolutions SET correction = 'provider_cost' WHERE leg = 'provider' AND class = 'fee_difference';

CREATE FUNCTION recon.count_versions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.class, NEW.currency, NEW.amount, NEW.state, NEW.journal, NEW.reason, NEW.correction, NEW.moves, NEW.proposed_by)
        IS DISTINCT FROM (OLD.class, OLD.currency, OLD.amount, OLD.state, OLD.journal, OLD.reason, OLD.correction, OLD.moves, OLD.proposed_by) THEN
        NEW.version := OLD.version + 1;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER versions BEFORE UPDATE ON recon.breaks FOR EACH ROW EXECUTE FUNCTION recon.count_versions();

CREATE OR REPLACE FUNCTION recon.hold_four_eyes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    needed boolean := recon.needs_four_eyes(NEW.currency, greatest(abs(NEW.amount), NEW.moves));
BEGIN
    IF NEW.resolved_how = 'person' AND needed AND NEW.resolved_by = NEW.proposed_by THEN
        RAISE EXCEPTION 'A break of this amount is resolved by another person than proposed it.' USING ERRCODE = 'RC002';
    END IF;
    IF NEW.state = 'booking' AND needed AND (NEW.approved_by IS NULL OR NEW.approved_by = NEW.proposed_by) THEN
        RAISE EXCEPTION 'A correction of this amount is booked when another person than proposed it agrees.' USING ERRCODE = 'RC002';
    END IF;
    IF NEW.resolved_how = 'rule' AND NOT EXISTS (
        SELECT 1 FROM recon.resolutions s WHERE s.leg = NEW.leg AND (s.provider IS NULL OR s.provider = NEW.provider) AND s.class = NEW.class
            AND (s.currency IS NULL OR s.currency = NEW.currency) AND abs(NEW.amount) <= s.up_to) THEN
        RAISE EXCEPTION 'No rule resolves a break of this class and amount.' USING ERRCODE = 'RC002';
    END IF;
    RETURN NEW;
END $$;

-- What a break of the provider's leg leaves on the books once its payout is booked: on the receivable (ours less theirs), of accrued cost that
-- no line answers, and on the variance of fees (theirs less ours). No row where one reference stands for several on either side.
CREATE FUNCTION recon.left_by(b recon.breaks) RETURNS TABLE (gross bigint, accrued bigint, variance bigint, merchant_id uuid, occurred_at timestamptz) LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN i.item_id IS NOT NULL AND l.line_id IS NOT NULL THEN e.gross_diff WHEN i.item_id IS NOT NULL THEN i.gross ELSE -l.gross END,
        CASE WHEN l.line_id IS NULL THEN i.fee ELSE 0 END,
        CASE WHEN i.item_id IS NOT NULL AND l.line_id IS NOT NULL THEN e.fee_diff WHEN i.item_id IS NOT NULL THEN -i.fee ELSE l.item_fee END,
        i.merchant_id, coalesce(i.occurred_at, l.occurred_at)
    FROM recon.entries e
    LEFT JOIN recon.items i ON i.item_id = coalesce(e.item_id, e.settles_item)
    LEFT JOIN recon.lines l ON l.line_id = coalesce(e.line_id, e.settles_line)
    WHERE e.mode = b.mode AND e.leg = b.leg AND e.leg = 'provider' AND e.provider = b.provider AND e.day = b.day AND e.class = b.class
        AND coalesce(e.item_id, e.settles_item) IS NOT DISTINCT FROM b.item_id AND coalesce(e.line_id, e.settles_line) IS NOT DISTINCT FROM b.line_id
        AND (e.rule IS NULL OR (i.item_id IS NOT NULL AND l.line_id IS NOT NULL))
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

    -- What is being booked is left alone until it is: the next comparison looks at it. What a person said of a difference that is another one now is not lost.
    INSERT INTO recon.break_notes (break_id, number, author, text)
    SELECT b.break_id, (SELECT count(*) + 1 FROM recon.break_notes n WHERE n.break_id = b.break_id), 'comparison',
        format('It was %s of %s, %s by %s: %s. The difference is another one now.', b.class, b.amount, CASE b.state WHEN 'resolved' THEN 'resolved' ELSE 'proposed to be closed' END,
            coalesce(b.resolved_by, b.proposed_by), coalesce('journal ' || b.journal, b.reason))
    FROM recon.breaks b JOIN found f USING (break_id)
    WHERE b.state NOT IN ('open', 'booking') AND b.resolved_how IS DISTINCT FROM 'comparison' AND (b.class, b.amount, b.currency) IS DISTINCT FROM (f.class, f.amount, f.currency);

    UPDATE recon.breaks b SET day = f.day, item_id = f.item_id, line_id = f.line_id, payment_id = f.payment_id, class = f.class, amount = f.amount, currency = f.currency,
        priority = recon.priority_of(f.class, f.currency, f.amount), state = 'open', journal = NULL, reason = NULL, correction = NULL, moves = 0, proposed_by = NULL, approved_by = NULL, resolved_by = NULL, resolved_how = NULL, resolved_at = NULL
    FROM found f WHERE f.break_id = b.break_id AND b.state <> 'booking' AND (b.class, b.amount, b.currency) IS DISTINCT FROM (f.class, f.amount, f.currency);
    UPDATE recon.breaks b SET state = 'open', journal = NULL, reason = NULL, proposed_by = NULL, resolved_by = NULL, resolved_how = NULL, resolved_at = NULL
    FROM found f WHERE f.break_id = b.break_id AND b.resolved_how = 'comparison';
    INSERT INTO recon.breaks (break_id, mode, leg, provider, day, item_id, line_id, payment_id, class, currency, amount, priority, state)
    SELECT f.break_id, p_mode, p_leg, p_provider, f.day, f.item_id, f.line_id, f.payment_id, f.class, f.currency, f.amount,
        recon.priority_of(f.class, f.currency, f.amount), 'open'
    FROM found f ORDER BY f.break_id ON CONFLICT (break_id) DO NOTHING;

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
