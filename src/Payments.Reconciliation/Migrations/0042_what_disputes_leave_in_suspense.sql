-- A bank that takes back more than a payment has left, most often because it was refunded before, is booked as the fact it is: the excess stands in
-- suspense. That is a break of our own books: its provider's line agrees with what we expect of it, and still nobody bears the money. One break for a
-- dispute; what the bank gives back, and what a correction moves, comes off it.

CREATE TABLE recon.suspended (
    event_id    uuid        NOT NULL PRIMARY KEY,
    -- The break's id, too.
    subject     uuid        NOT NULL,
    mode        text        NOT NULL CHECK (mode IN ('test', 'live')),
    provider    text        NOT NULL,
    currency    text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    -- What it puts into suspense; negative: what it takes from there.
    amount      bigint      NOT NULL CHECK (amount <> 0),
    payment_id  uuid        NOT NULL,
    merchant_id uuid        NOT NULL,
    occurred_at timestamptz NOT NULL
);

CREATE INDEX suspended_by_subject ON recon.suspended (subject);

-- On the provider's and the bank's leg as it was. In our own books: what of a dispute stands in suspense.
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
    UNION ALL
    SELECT sum(s.amount)::bigint, 0, 0, (min(s.merchant_id::text))::uuid, max(s.occurred_at) FROM recon.suspended s WHERE b.leg = 'books' AND s.subject = b.break_id HAVING count(*) > 0
$$;

-- Breaks of disputes whose money in suspense is another one than when they were last looked at. What is being booked is left alone until it is.
CREATE FUNCTION recon.raise_suspended(p_subjects uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMP TABLE standing ON COMMIT DROP AS
        SELECT s.subject, min(s.mode) AS mode, min(s.provider) AS provider, min(s.currency) AS currency, min(s.payment_id::text)::uuid AS payment_id,
            (max(s.occurred_at) AT TIME ZONE 'UTC')::date AS day,
            (sum(s.amount) - coalesce((SELECT sum(k.moved) FROM recon.bookings k WHERE k.break_id = s.subject AND k.booked_at IS NOT NULL), 0))::bigint AS amount
        FROM recon.suspended s WHERE p_subjects IS NULL OR s.subject = ANY (p_subjects) GROUP BY s.subject;
    -- What somebody agreed to leave there stays closed while it is the same.
    DELETE FROM standing f USING recon.breaks b
    WHERE b.break_id = f.subject AND (b.state = 'booking'
        OR (b.state = 'resolved' AND f.amount = CASE WHEN b.resolved_how = 'person' AND b.correction IS NULL THEN b.amount ELSE 0 END)
        OR (b.state IN ('open', 'proposed') AND f.amount = b.amount AND f.amount <> 0));

    INSERT INTO recon.break_notes (break_id, number, author, text)
    SELECT b.break_id, (SELECT count(*) + 1 FROM recon.break_notes n WHERE n.break_id = b.break_id), 'comparison',
        format('It was %s, %s by %s: %s. Another amount stands in suspense now.', b.amount, CASE b.state WHEN 'resolved' THEN 'resolved' ELSE 'proposed to be closed' END,
            coalesce(b.resolved_by, b.proposed_by), coalesce('journal ' || b.journal, b.reason))
    FROM recon.breaks b JOIN standing f ON f.subject = b.break_id WHERE b.state <> 'open' AND b.resolved_how IS DISTINCT FROM 'comparison';

    DELETE FROM recon.bookings k USING standing f WHERE k.break_id = f.subject AND k.booked_at IS NULL AND k.due_at IS NULL;
    UPDATE recon.breaks b SET amount = f.amount, day = f.day, priority = recon.priority_of(b.class, b.currency, f.amount), state = 'open', journal = NULL, reason = NULL, correction = NULL, moves = 0, plan = NULL,
        proposed_by = NULL, approved_by = NULL, resolved_by = NULL, resolved_how = NULL, resolved_at = NULL
    FROM standing f WHERE f.subject = b.break_id AND f.amount <> 0;
    UPDATE recon.breaks b SET amount = 0, state = 'resolved', reason = 'nothing of it stands in suspense any more', journal = NULL, correction = NULL, moves = 0, plan = NULL, approved_by = NULL,
        proposed_by = 'comparison', resolved_by = 'comparison', resolved_how = 'comparison', resolved_at = now()
    FROM standing f WHERE f.subject = b.break_id AND f.amount = 0;
    INSERT INTO recon.breaks (break_id, subject, mode, leg, provider, day, payment_id, class, currency, amount, priority, state)
    SELECT f.subject, f.subject, f.mode, 'books', f.provider, f.day, f.payment_id, 'amount_mismatch', f.currency, f.amount, recon.priority_of('amount_mismatch', f.currency, f.amount), 'open'
    FROM standing f WHERE f.amount <> 0 ORDER BY f.subject ON CONFLICT (break_id) DO NOTHING;
    DROP TABLE standing;
END $$;

CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON recon.suspended FOR EACH STATEMENT EXECUTE FUNCTION recon.refuse_change();
