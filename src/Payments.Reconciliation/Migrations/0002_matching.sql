-- Comparing. What agrees in every amount on the same day needs no row: it is counted. Everything else is an entry, and the database
-- holds every day to: ours - theirs = the sum of what the entries explain.

-- How lines are found for items, in order. A rule by 'reference' binds what has the same key; 'alternative' and 'amount' look within a
-- tolerance and a number of days. Differences up to the tolerances count as matched, and are still carried to the cent.
CREATE TABLE recon.rules (
    number          integer NOT NULL PRIMARY KEY,
    leg             text    NOT NULL CHECK (leg IN ('provider', 'bank')),
    provider        text    NULL,
    "by"            text    NOT NULL CHECK ("by" IN ('reference', 'alternative', 'amount')),
    gross_tolerance bigint  NOT NULL CHECK (gross_tolerance >= 0),
    fee_tolerance   bigint  NOT NULL CHECK (fee_tolerance >= 0),
    fx_tolerance    bigint  NOT NULL CHECK (fx_tolerance >= 0),
    -- How many days an answer may take: until then an item without a line is timing, afterwards it is missing.
    days            integer NOT NULL CHECK (days >= 0)
);

INSERT INTO recon.rules (number, leg, provider, "by", gross_tolerance, fee_tolerance, fx_tolerance, days) VALUES
    (10, 'provider', NULL, 'reference',   0, 0, 1, 3),
    (20, 'provider', NULL, 'alternative', 0, 0, 1, 3),
    (30, 'bank',     NULL, 'reference',   0, 0, 1, 5),
    (40, 'bank',     NULL, 'amount',      0, 0, 1, 5);

-- What a line is that belongs to no item.
CREATE TABLE recon.lone_kinds (
    kind  text NOT NULL PRIMARY KEY,
    class text NOT NULL
);

INSERT INTO recon.lone_kinds (kind, class) VALUES ('fee', 'fee_difference');

-- Rows of a day that are not in plain agreement: what the second step works on.
CREATE TABLE recon.leftovers (
    mode     text   NOT NULL,
    leg      text   NOT NULL,
    provider text   NOT NULL,
    day      date   NOT NULL,
    item_id  uuid   NULL,
    line_id  bigint NULL,
    CHECK (num_nonnulls(item_id, line_id) > 0)
);

CREATE INDEX ON recon.leftovers (mode, leg, provider, day);

CREATE TABLE recon.entries (
    mode          text    NOT NULL,
    leg           text    NOT NULL,
    provider      text    NOT NULL,
    day           date    NOT NULL,
    currency      text    NOT NULL,
    -- Of this day.
    item_id       uuid    NULL,
    line_id       bigint  NULL,
    ours_net      bigint  NOT NULL,
    theirs_net    bigint  NOT NULL,
    -- Of an earlier day, which this entry answers.
    settles_item  uuid    NULL,
    settles_line  bigint  NULL,
    class         text    NOT NULL CHECK (class IN ('matched', 'timing', 'fee_difference', 'fx_difference', 'amount_mismatch', 'missing_here', 'missing_there', 'duplicate')),
    amount        bigint  NOT NULL,
    -- What the earlier day had explained by a class is taken back from it.
    from_class    text    NULL,
    from_amount   bigint  NOT NULL DEFAULT 0,
    gross_diff    bigint  NOT NULL DEFAULT 0,
    fee_diff      bigint  NOT NULL DEFAULT 0,
    fx_diff       bigint  NOT NULL DEFAULT 0,
    rule          integer NULL,
    CHECK (ours_net - theirs_net = amount - from_amount),
    CHECK (num_nonnulls(item_id, line_id, settles_item, settles_line) > 0),
    CHECK ((item_id IS NOT NULL) OR ours_net = 0),
    CHECK ((line_id IS NOT NULL) OR theirs_net = 0),
    CHECK ((from_class IS NULL) = (num_nonnulls(settles_item, settles_line) = 0)),
    CHECK (from_class IS NOT NULL OR from_amount = 0)
);

-- No item and no line in two classes.
CREATE UNIQUE INDEX entries_item ON recon.entries (item_id) WHERE item_id IS NOT NULL;
CREATE UNIQUE INDEX entries_line ON recon.entries (line_id) WHERE line_id IS NOT NULL;
CREATE UNIQUE INDEX entries_settled_item ON recon.entries (settles_item, from_class) WHERE settles_item IS NOT NULL;
CREATE UNIQUE INDEX entries_settled_line ON recon.entries (settles_line, from_class) WHERE settles_line IS NOT NULL;
CREATE INDEX entries_day ON recon.entries (mode, leg, provider, day);

-- One row per day and currency: both sides counted from items and lines, and what the entries explain.
CREATE TABLE recon.day_totals (
    mode           text   NOT NULL,
    leg            text   NOT NULL,
    provider       text   NOT NULL,
    day            date   NOT NULL,
    currency       text   NOT NULL,
    ours_count     bigint NOT NULL,
    ours_net       bigint NOT NULL,
    ours_volume    bigint NOT NULL,
    theirs_count   bigint NOT NULL,
    theirs_net     bigint NOT NULL,
    theirs_volume  bigint NOT NULL,
    -- Null until the second step.
    ours_entries   bigint NULL,
    theirs_entries bigint NULL,
    explained      bigint NULL,
    PRIMARY KEY (mode, leg, provider, day, currency),
    CONSTRAINT every_difference_is_explained CHECK (explained IS NULL OR ours_net - theirs_net = explained),
    -- What is no entry agrees one to one.
    CONSTRAINT every_item_has_its_class CHECK (explained IS NULL OR ours_count - ours_entries = theirs_count - theirs_entries)
);

CREATE TABLE recon.day_classes (
    mode     text   NOT NULL,
    leg      text   NOT NULL,
    provider text   NOT NULL,
    day      date   NOT NULL,
    currency text   NOT NULL,
    class    text   NOT NULL,
    items    bigint NOT NULL,
    amount   bigint NOT NULL,
    -- Without sign: what health is measured by.
    volume   bigint NOT NULL,
    PRIMARY KEY (mode, leg, provider, day, currency, class)
);

-- What closed days left open, as of the last closed day.
CREATE TABLE recon.carried (
    mode     text   NOT NULL,
    leg      text   NOT NULL,
    provider text   NOT NULL,
    day      date   NOT NULL,
    item_id  uuid   NULL UNIQUE,
    line_id  bigint NULL UNIQUE,
    class    text   NOT NULL,
    amount   bigint NOT NULL,
    CHECK (num_nonnulls(item_id, line_id) = 1)
);

CREATE INDEX ON recon.carried (mode, leg, provider);

-- Closed days stay as they are, whoever asks.
CREATE FUNCTION recon.refuse_closed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    r record;
BEGIN
    IF TG_OP = 'DELETE' THEN r := OLD; ELSE r := NEW; END IF;
    IF EXISTS (SELECT 1 FROM recon.books b WHERE b.mode = r.mode AND b.leg = r.leg AND b.provider = r.provider AND r.day <= b.closed_through) THEN
        RAISE EXCEPTION 'Day % of % is closed.', r.day, r.provider USING ERRCODE = 'RC001';
    END IF;
    RETURN r;
END $$;

CREATE TRIGGER closed BEFORE INSERT OR UPDATE OR DELETE ON recon.entries FOR EACH ROW EXECUTE FUNCTION recon.refuse_closed();
CREATE TRIGGER closed BEFORE INSERT OR UPDATE OR DELETE ON recon.day_totals FOR EACH ROW EXECUTE FUNCTION recon.refuse_closed();
CREATE TRIGGER closed BEFORE INSERT OR UPDATE OR DELETE ON recon.day_classes FOR EACH ROW EXECUTE FUNCTION recon.refuse_closed();

-- The first step, day by day and in parallel: one full outer join of the day's items and lines by key, of which only what does not
-- agree is written down. A function of the day's rows alone.
CREATE FUNCTION recon.match_day(p_mode text, p_leg text, p_provider text, p_day date) RETURNS void LANGUAGE plpgsql
SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    repeated uuid[];
BEGIN
    PERFORM 1 FROM recon.days WHERE mode = p_mode AND leg = p_leg AND provider = p_provider AND day = p_day FOR UPDATE;
    DELETE FROM recon.leftovers WHERE mode = p_mode AND leg = p_leg AND provider = p_provider AND day = p_day;
    DELETE FROM recon.day_totals WHERE mode = p_mode AND leg = p_leg AND provider = p_provider AND day = p_day;

    SELECT coalesce(array_agg(DISTINCT k.match_key), '{}') INTO repeated FROM (
        SELECT match_key FROM recon.items WHERE mode = p_mode AND leg = p_leg AND provider = p_provider AND day = p_day AND occurrence > 1
        UNION ALL
        SELECT match_key FROM recon.lines WHERE mode = p_mode AND leg = p_leg AND provider = p_provider AND day = p_day AND occurrence > 1) k;

    -- As text, so that the plan knows the day.
    EXECUTE format($sql$
        INSERT INTO recon.leftovers (mode, leg, provider, day, item_id, line_id)
        SELECT %1$L, %2$L, %3$L, %4$L::date, o.item_id, t.line_id
        FROM (SELECT item_id, match_key, gross, fee FROM recon.items WHERE mode = %1$L AND leg = %2$L AND provider = %3$L AND day = %4$L AND occurrence = 1) o
        FULL JOIN (SELECT line_id, match_key, gross, item_fee, item_fx FROM recon.lines WHERE mode = %1$L AND leg = %2$L AND provider = %3$L AND day = %4$L AND occurrence = 1) t
            ON o.match_key = t.match_key
        WHERE (o.gross = t.gross AND o.fee = t.item_fee AND t.item_fx = 0) IS NOT TRUE OR o.match_key = ANY ($1)
        $sql$, p_mode, p_leg, p_provider, p_day) USING repeated;
    INSERT INTO recon.leftovers (mode, leg, provider, day, item_id, line_id)
    SELECT p_mode, p_leg, p_provider, p_day, item_id, NULL FROM recon.items WHERE mode = p_mode AND leg = p_leg AND provider = p_provider AND day = p_day AND occurrence > 1
    UNION ALL
    SELECT p_mode, p_leg, p_provider, p_day, NULL, line_id FROM recon.lines WHERE mode = p_mode AND leg = p_leg AND provider = p_provider AND day = p_day AND occurrence > 1;

    EXECUTE format($sql$
        INSERT INTO recon.day_totals (mode, leg, provider, day, currency, ours_count, ours_net, ours_volume, theirs_count, theirs_net, theirs_volume)
        SELECT %1$L, %2$L, %3$L, %4$L::date, s.currency, sum(s.oc), sum(s.o), sum(s.ov), sum(s.tc), sum(s.t), sum(s.tv) FROM (
            SELECT currency, count(*) AS oc, sum(gross - fee) AS o, sum(abs(gross)) AS ov, 0 AS tc, 0 AS t, 0 AS tv
            FROM recon.items WHERE mode = %1$L AND leg = %2$L AND provider = %3$L AND day = %4$L GROUP BY currency
            UNION ALL
            SELECT currency, 0, 0, 0, count(*), sum(item_net), sum(abs(gross))
            FROM recon.lines WHERE mode = %1$L AND leg = %2$L AND provider = %3$L AND day = %4$L GROUP BY currency) s
        GROUP BY s.currency
        $sql$, p_mode, p_leg, p_provider, p_day);
    UPDATE recon.days SET dirty = false WHERE mode = p_mode AND leg = p_leg AND provider = p_provider AND day = p_day;
END $$;

-- Orders days of all books for lists that go on where they stopped.
CREATE FUNCTION recon.report_number(d recon.days) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT (d.day - date '0001-01-01')::bigint * 64 + CASE d.mode WHEN 'live' THEN 1 ELSE 0 END + CASE d.leg WHEN 'bank' THEN 2 ELSE 0 END
        + 4 * CASE d.provider WHEN 'stripe' THEN 0 WHEN 'adyen' THEN 1 ELSE 2 END
$$;
