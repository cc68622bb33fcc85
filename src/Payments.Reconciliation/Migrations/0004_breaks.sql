-- Breaks: differences that somebody has to look at. They outlive every new comparison of their day.

CREATE TABLE recon.breaks (
    -- From the item or line it is about, so that every comparison finds it again.
    break_id     uuid        NOT NULL PRIMARY KEY,
    mode         text        NOT NULL,
    leg          text        NOT NULL,
    provider     text        NOT NULL,
    day          date        NOT NULL,
    item_id      uuid        NULL,
    line_id      bigint      NULL,
    payment_id   uuid        NULL,
    class        text        NOT NULL,
    currency     text        NOT NULL,
    amount       bigint      NOT NULL,
    priority     text        NOT NULL CHECK (priority IN ('low', 'normal', 'high')),
    state        text        NOT NULL CHECK (state IN ('open', 'proposed', 'resolved')),
    owner        text        NULL,
    -- What closes it: a journal of the ledger, or a reason in words.
    journal      text        NULL,
    reason       text        NULL,
    proposed_by  text        NULL,
    resolved_by  text        NULL,
    opened_at    timestamptz NOT NULL DEFAULT now(),
    resolved_at  timestamptz NULL,
    CHECK (state = 'open' OR (proposed_by IS NOT NULL AND num_nonnulls(journal, reason) > 0)),
    CHECK ((state = 'resolved') = (resolved_by IS NOT NULL))
);

CREATE INDEX ON recon.breaks (state, break_id);
CREATE INDEX ON recon.breaks (payment_id) WHERE payment_id IS NOT NULL;

CREATE TABLE recon.break_notes (
    break_id   uuid        NOT NULL REFERENCES recon.breaks,
    number     integer     NOT NULL,
    author     text        NOT NULL,
    text       text        NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (break_id, number)
);

-- Breaks beyond this amount need a second person; a currency without a row has the limit of '*'.
CREATE TABLE recon.four_eyes (
    currency text   NOT NULL PRIMARY KEY,
    above    bigint NOT NULL CHECK (above >= 0)
);

INSERT INTO recon.four_eyes (currency, above) VALUES ('*', 10000), ('JPY', 10000), ('KRW', 100000), ('BHD', 50000), ('KWD', 50000), ('HUF', 3000000);

-- What resolves itself: differences of a class up to an amount, with the reason that is then written down.
CREATE TABLE recon.resolutions (
    number   integer NOT NULL PRIMARY KEY,
    leg      text    NOT NULL,
    provider text    NULL,
    class    text    NOT NULL,
    currency text    NULL,
    up_to    bigint  NOT NULL CHECK (up_to >= 0),
    reason   text    NOT NULL
);

INSERT INTO recon.resolutions (number, leg, provider, class, currency, up_to, reason) VALUES
    (10, 'provider', NULL, 'fee_difference', NULL, 1, 'rounding of a fee'),
    (20, 'provider', NULL, 'fx_difference', NULL, 1, 'rounding of an exchange');

-- What a second person has to see.
CREATE FUNCTION recon.needs_four_eyes(p_currency text, p_amount bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT abs(p_amount) > coalesce((SELECT above FROM recon.four_eyes WHERE currency = p_currency), (SELECT above FROM recon.four_eyes WHERE currency = '*'), 0)
$$;

CREATE FUNCTION recon.hold_four_eyes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = 'resolved' AND NEW.resolved_by NOT LIKE 'rule %' AND NEW.resolved_by <> 'comparison'
        AND recon.needs_four_eyes(NEW.currency, NEW.amount) AND NEW.resolved_by = NEW.proposed_by THEN
        RAISE EXCEPTION 'A break of this amount is resolved by another person than proposed it.' USING ERRCODE = 'RC002';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER four_eyes BEFORE INSERT OR UPDATE ON recon.breaks FOR EACH ROW EXECUTE FUNCTION recon.hold_four_eyes();

-- After every comparison of a book: new breaks are opened, changed ones follow, those that have matched meanwhile are resolved, and rules
-- resolve what they may.
CREATE FUNCTION recon.raise_breaks(p_mode text, p_leg text, p_provider text, p_first_open date) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMP TABLE found ON COMMIT DROP AS
        SELECT md5(concat_ws('|', 'break', p_mode, p_leg, p_provider, coalesce(coalesce(e.item_id, e.settles_item)::text, 'line ' || coalesce(e.line_id, e.settles_line))))::uuid AS break_id,
            e.day, coalesce(e.item_id, e.settles_item) AS item_id, coalesce(e.line_id, e.settles_line) AS line_id, e.class, e.currency, e.amount,
            (SELECT i.payment_id FROM recon.items i WHERE i.item_id = coalesce(e.item_id, e.settles_item) LIMIT 1) AS payment_id
        FROM recon.entries e
        WHERE e.mode = p_mode AND e.leg = p_leg AND e.provider = p_provider AND e.day >= p_first_open
            AND e.class IN ('fee_difference', 'fx_difference', 'amount_mismatch', 'missing_here', 'missing_there', 'duplicate');

    UPDATE recon.breaks b SET day = f.day, item_id = f.item_id, line_id = f.line_id, payment_id = f.payment_id, class = f.class, amount = f.amount, currency = f.currency,
        state = 'open', journal = NULL, reason = NULL, proposed_by = NULL, resolved_by = NULL, resolved_at = NULL
    FROM found f WHERE f.break_id = b.break_id AND (b.class, b.amount, b.currency) IS DISTINCT FROM (f.class, f.amount, f.currency);
    UPDATE recon.breaks b SET state = 'open', journal = NULL, reason = NULL, proposed_by = NULL, resolved_by = NULL, resolved_at = NULL
    FROM found f WHERE f.break_id = b.break_id AND b.state = 'resolved' AND b.resolved_by = 'comparison';
    INSERT INTO recon.breaks (break_id, mode, leg, provider, day, item_id, line_id, payment_id, class, currency, amount, priority, state)
    SELECT f.break_id, p_mode, p_leg, p_provider, f.day, f.item_id, f.line_id, f.payment_id, f.class, f.currency, f.amount,
        CASE WHEN f.class IN ('missing_here', 'missing_there', 'duplicate') OR recon.needs_four_eyes(f.currency, f.amount) THEN 'high'
             WHEN f.class = 'amount_mismatch' THEN 'normal' ELSE 'low' END, 'open'
    FROM found f ORDER BY f.break_id ON CONFLICT (break_id) DO NOTHING;

    -- Answered meanwhile: by a line or item of an open day, or because its day was compared again and it is gone.
    UPDATE recon.breaks b SET state = 'resolved', reason = 'matched by a later comparison', journal = NULL, proposed_by = 'comparison', resolved_by = 'comparison', resolved_at = now()
    WHERE b.mode = p_mode AND b.leg = p_leg AND b.provider = p_provider AND b.state <> 'resolved' AND NOT EXISTS (SELECT 1 FROM found f WHERE f.break_id = b.break_id)
        AND (b.day >= p_first_open
            OR EXISTS (SELECT 1 FROM recon.entries e WHERE e.settles_item = b.item_id AND e.from_class = b.class AND e.day >= p_first_open)
            OR EXISTS (SELECT 1 FROM recon.entries e WHERE e.settles_line = b.line_id AND e.from_class = b.class AND e.day >= p_first_open));
    UPDATE recon.breaks b SET state = 'resolved', reason = s.reason, proposed_by = 'rule ' || s.number, resolved_by = 'rule ' || s.number, resolved_at = now()
    FROM recon.resolutions s
    WHERE b.mode = p_mode AND b.leg = p_leg AND b.provider = p_provider AND b.state = 'open' AND s.leg = b.leg AND (s.provider IS NULL OR s.provider = b.provider)
        AND s.class = b.class AND (s.currency IS NULL OR s.currency = b.currency) AND abs(b.amount) <= s.up_to
        AND s.number = (SELECT min(z.number) FROM recon.resolutions z WHERE z.leg = b.leg AND (z.provider IS NULL OR z.provider = b.provider)
            AND z.class = b.class AND (z.currency IS NULL OR z.currency = b.currency) AND abs(b.amount) <= z.up_to);
    DROP TABLE found;
END $$;

-- A day is closed after those before it, when it has been compared as it stands.
CREATE FUNCTION recon.close_day(p_mode text, p_leg text, p_provider text, p_day date) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    b recon.books;
BEGIN
    SELECT * INTO b FROM recon.books WHERE mode = p_mode AND leg = p_leg AND provider = p_provider FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'unknown';
    END IF;
    IF p_day <= b.closed_through THEN
        RETURN 'closed';
    END IF;
    IF b.statement_through IS NULL OR b.statement_through < p_day THEN
        RETURN 'no_statement';
    END IF;
    PERFORM recon.settle(p_mode, p_leg, p_provider);

    DELETE FROM recon.carried c USING recon.entries e
    WHERE c.mode = p_mode AND c.leg = p_leg AND c.provider = p_provider AND e.day <= p_day AND e.day > coalesce(b.closed_through, '-infinity')
        AND (e.settles_item = c.item_id OR e.settles_line = c.line_id);
    INSERT INTO recon.carried (mode, leg, provider, day, item_id, line_id, class, amount)
    SELECT e.mode, e.leg, e.provider, e.day, coalesce(e.item_id, e.settles_item), CASE WHEN coalesce(e.item_id, e.settles_item) IS NULL THEN e.line_id END, e.class, e.amount
    FROM recon.entries e
    WHERE e.mode = p_mode AND e.leg = p_leg AND e.provider = p_provider AND e.day <= p_day AND e.day > coalesce(b.closed_through, '-infinity')
        AND ((e.class = 'timing' AND num_nonnulls(e.item_id, e.line_id) = 1 AND e.from_class IS NULL) OR e.class = 'missing_there' OR (e.class = 'missing_here' AND e.settles_item IS NULL))
        AND NOT EXISTS (SELECT 1 FROM recon.entries s WHERE s.day <= p_day AND s.from_class = e.class
            AND (s.settles_item = coalesce(e.item_id, e.settles_item) OR (e.item_id IS NULL AND e.settles_item IS NULL AND s.settles_line = e.line_id)));
    DELETE FROM recon.leftovers WHERE mode = p_mode AND leg = p_leg AND provider = p_provider AND day <= p_day;
    UPDATE recon.books SET closed_through = p_day WHERE mode = p_mode AND leg = p_leg AND provider = p_provider;
    RETURN 'now';
END $$;
