-- What we expect of providers and banks (items), what they say (lines), and the files it came from. Two legs share the same tables:
-- on leg 'provider' an item is a payment event and a line is a line of the provider's report; on leg 'bank' an item is a payout that a
-- provider announced and a line is an entry of the bank statement. Amounts are minor units; net = gross - fee.

CREATE SCHEMA recon;

CREATE TABLE recon.books (
    mode              text NOT NULL CHECK (mode IN ('test', 'live')),
    leg               text NOT NULL CHECK (leg IN ('provider', 'bank')),
    provider          text NOT NULL,
    -- Days up to here are closed: nothing is added to them, what comes late belongs to the next day.
    closed_through    date NULL,
    -- The last day that any statement speaks of: how old an unanswered item is, is measured from here and not from a clock.
    statement_through date NULL,
    PRIMARY KEY (mode, leg, provider)
);

CREATE TABLE recon.days (
    mode     text    NOT NULL,
    leg      text    NOT NULL,
    provider text    NOT NULL,
    day      date    NOT NULL,
    -- Something was added or removed since the day was last compared.
    dirty    boolean NOT NULL,
    PRIMARY KEY (mode, leg, provider, day)
);

CREATE TABLE recon.items (
    item_id       uuid        NOT NULL,
    match_key     uuid        NOT NULL,
    -- 1, unless the same reference comes again on the same day.
    occurrence    smallint    NOT NULL CHECK (occurrence > 0),
    day           date        NOT NULL,
    mode          text        NOT NULL,
    leg           text        NOT NULL,
    provider      text        NOT NULL,
    kind          text        NOT NULL,
    reference     text        NOT NULL,
    -- Another name of the same thing, for rules that go beyond the reference.
    alternative   text        NULL,
    currency      text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    gross         bigint      NOT NULL,
    fee           bigint      NOT NULL,
    payment_id    uuid        NULL,
    merchant_id   uuid        NULL,
    source        text        NOT NULL,
    import_number bigint      NULL,
    occurred_at   timestamptz NOT NULL,
    PRIMARY KEY (item_id, day),
    UNIQUE (match_key, day, occurrence)
) PARTITION BY RANGE (day);

CREATE INDEX ON recon.items (mode, leg, provider, day);
CREATE INDEX ON recon.items (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX ON recon.items (mode, leg, provider, day) WHERE occurrence > 1;
CREATE TABLE recon.items_outside PARTITION OF recon.items DEFAULT;

CREATE TABLE recon.lines (
    -- Number of the import times 2^32, plus the line: the same after every restart.
    line_id      bigint      NOT NULL,
    match_key    uuid        NOT NULL,
    occurrence   smallint    NOT NULL CHECK (occurrence > 0),
    day          date        NOT NULL,
    mode         text        NOT NULL,
    leg          text        NOT NULL,
    provider     text        NOT NULL,
    kind         text        NOT NULL,
    reference    text        NULL,
    alternative  text        NULL,
    currency     text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    gross        bigint      NOT NULL,
    -- As the statement says it, in the currency in which it is paid out.
    net_currency text        NOT NULL CHECK (net_currency ~ '^[A-Z]{3}$'),
    fee          bigint      NOT NULL,
    net          bigint      NOT NULL,
    -- The same in the item's currency: what was taken as fee, and what the exchange took beyond the expected rate.
    item_fee     bigint      NOT NULL,
    item_fx      bigint      NOT NULL,
    item_net     bigint      NOT NULL,
    batch        text        NULL,
    occurred_at  timestamptz NOT NULL,
    PRIMARY KEY (line_id, day),
    UNIQUE (match_key, day, occurrence),
    CHECK (gross - item_fee - item_fx = item_net),
    CHECK (currency <> net_currency OR (item_fee = fee AND item_net = net AND item_fx = 0))
) PARTITION BY RANGE (day);

CREATE INDEX ON recon.lines (mode, leg, provider, day);
CREATE INDEX ON recon.lines (mode, leg, provider, day) WHERE occurrence > 1;
CREATE TABLE recon.lines_outside PARTITION OF recon.lines DEFAULT;

CREATE TABLE recon.imports (
    number             bigint      NOT NULL PRIMARY KEY,
    mode               text        NOT NULL CHECK (mode IN ('test', 'live')),
    format             text        NOT NULL,
    -- Which statement it is, by its own words: another file of the same identity supersedes this one.
    identity           text        NOT NULL,
    file_name          text        NOT NULL,
    content_hash       bytea       NOT NULL CHECK (octet_length(content_hash) = 32),
    state              text        NOT NULL CHECK (state IN ('loading', 'complete', 'superseded', 'refused')),
    superseded_by      bigint      NULL,
    refused_line       bigint      NULL,
    refused_because    text        NULL,
    -- Lines up to here are staged; a restart goes on behind it.
    lines_read         bigint      NOT NULL DEFAULT 0,
    lines_accepted     bigint      NOT NULL DEFAULT 0,
    lines_quarantined  bigint      NOT NULL DEFAULT 0,
    began_at           timestamptz NOT NULL DEFAULT now(),
    ended_at           timestamptz NULL,
    UNIQUE (mode, content_hash),
    CHECK ((state = 'superseded') = (superseded_by IS NOT NULL)),
    CHECK ((state = 'refused') = (refused_because IS NOT NULL))
);

CREATE UNIQUE INDEX imports_one_of_an_identity ON recon.imports (mode, format, identity) WHERE state = 'complete';

-- Lines that could not be read. Their text stays in the file: it may hold personal data.
CREATE TABLE recon.quarantine (
    import_number bigint NOT NULL REFERENCES recon.imports,
    line          bigint NOT NULL,
    "column"      text   NULL,
    reason        text   NOT NULL,
    PRIMARY KEY (import_number, line)
);

-- The shape of the tables into which files are loaded, one for each import: recon.staged_<number>.
CREATE TABLE recon.staged (
    line         bigint      NOT NULL,
    match_key    uuid        NOT NULL,
    day          date        NOT NULL,
    mode         text        NOT NULL,
    leg          text        NOT NULL,
    provider     text        NOT NULL,
    kind         text        NOT NULL,
    reference    text        NULL,
    alternative  text        NULL,
    currency     text        NOT NULL,
    gross        bigint      NOT NULL,
    net_currency text        NOT NULL,
    fee          bigint      NOT NULL,
    net          bigint      NOT NULL,
    item_fee     bigint      NOT NULL,
    item_fx      bigint      NOT NULL,
    item_net     bigint      NOT NULL,
    batch        text        NULL,
    batch_day    date        NULL,
    batch_key    uuid        NULL,
    occurred_at  timestamptz NOT NULL
);

-- Rates at which we expect exchanges: one unit of currency is so many units of net_currency.
CREATE TABLE recon.rates (
    day          date    NOT NULL,
    currency     text    NOT NULL,
    net_currency text    NOT NULL,
    rate         numeric NOT NULL CHECK (rate > 0),
    source       text    NOT NULL,
    PRIMARY KEY (currency, net_currency, day)
);

CREATE FUNCTION recon.make_partitions(p_from date, p_to date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    month date := date_trunc('month', p_from)::date;
    made  integer := 0;
    name  text;
    kind  text;
BEGIN
    WHILE month <= p_to LOOP
        FOREACH kind IN ARRAY ARRAY['items', 'lines'] LOOP
            name := format('%s_%s', kind, to_char(month, 'YYYYMM'));
            IF to_regclass('recon.' || name) IS NULL THEN
                -- Two who find it missing: one makes it.
                PERFORM pg_advisory_xact_lock(hashtextextended('recon.make_partitions', 0));
                IF to_regclass('recon.' || name) IS NULL THEN
                    EXECUTE format('CREATE TABLE recon.%I PARTITION OF recon.%I FOR VALUES FROM (%L) TO (%L)', name, kind, month, (month + interval '1 month')::date);
                    made := made + 1;
                END IF;
            END IF;
        END LOOP;
        month := (month + interval '1 month')::date;
    END LOOP;
    RETURN made;
END $$;

-- The first open day from p_day on. Holds the book against closing until the transaction ends.
CREATE FUNCTION recon.open_day(p_mode text, p_leg text, p_provider text, p_day date) RETURNS date LANGUAGE plpgsql AS $$
DECLARE
    closed date;
BEGIN
    INSERT INTO recon.books (mode, leg, provider) VALUES (p_mode, p_leg, p_provider) ON CONFLICT DO NOTHING;
    SELECT closed_through INTO closed FROM recon.books WHERE mode = p_mode AND leg = p_leg AND provider = p_provider FOR SHARE;
    RETURN greatest(p_day, closed + 1);
END $$;

CREATE FUNCTION recon.touch(p_mode text, p_leg text, p_provider text, p_day date) RETURNS void LANGUAGE sql AS $$
    INSERT INTO recon.days AS d (mode, leg, provider, day, dirty) VALUES (p_mode, p_leg, p_provider, p_day, true)
    ON CONFLICT (mode, leg, provider, day) DO UPDATE SET dirty = true WHERE NOT d.dirty
$$;

-- Makes a loaded file count, in one transaction: takes the place of an earlier file of the same statement, gives lines their day and
-- their occurrence, and announces payouts to the bank's leg.
CREATE FUNCTION recon.complete_import(p_number bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    i       recon.imports;
    earlier bigint;
    u       record;
    again   smallint := 1;
    missing bigint;
    rows    bigint;
BEGIN
    SELECT * INTO STRICT i FROM recon.imports WHERE number = p_number FOR UPDATE;
    IF i.state <> 'loading' THEN
        RETURN;
    END IF;

    -- Whoever closes a day waits, in one order for everybody.
    EXECUTE format('INSERT INTO recon.books (mode, leg, provider) SELECT DISTINCT mode, leg, provider FROM recon.staged_%s
        UNION SELECT DISTINCT mode, ''bank'', provider FROM recon.staged_%s WHERE batch_key IS NOT NULL ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING', p_number, p_number);
    PERFORM 1 FROM recon.books WHERE mode = i.mode ORDER BY leg, provider FOR UPDATE;

    EXECUTE format('SELECT 1 FROM (SELECT recon.make_partitions(least(min(day), min(batch_day)), greatest(max(day), max(batch_day), (SELECT max(closed_through) + 1 FROM recon.books WHERE mode = $1)))
        FROM recon.staged_%s) made', p_number) USING i.mode;

    SELECT number INTO earlier FROM recon.imports WHERE mode = i.mode AND format = i.format AND identity = i.identity AND state = 'complete';
    IF earlier IS NOT NULL THEN
        PERFORM recon.touch(l.mode, l.leg, l.provider, l.day)
        FROM (SELECT DISTINCT mode, leg, provider, day FROM recon.lines WHERE line_id >= earlier << 32 AND line_id < (earlier + 1) << 32
              UNION SELECT DISTINCT mode, leg, provider, day FROM recon.items WHERE import_number = earlier) l;
        DELETE FROM recon.lines l USING recon.books b
        WHERE l.line_id >= earlier << 32 AND l.line_id < (earlier + 1) << 32 AND b.mode = l.mode AND b.leg = l.leg AND b.provider = l.provider AND l.day > coalesce(b.closed_through, '-infinity');
        DELETE FROM recon.items t USING recon.books b
        WHERE t.import_number = earlier AND b.mode = t.mode AND b.leg = t.leg AND b.provider = t.provider AND t.day > coalesce(b.closed_through, '-infinity');

        -- What stands in closed days stays, and the new file must still say it.
        EXECUTE format('
            WITH old AS (
                SELECT line_id, match_key, gross, net_currency, fee, net, row_number() OVER (PARTITION BY match_key, gross, net_currency, fee, net ORDER BY line_id) AS n
                FROM recon.lines WHERE line_id >= $1 << 32 AND line_id < ($1 + 1) << 32),
            new AS (
                SELECT line, match_key, gross, net_currency, fee, net, row_number() OVER (PARTITION BY match_key, gross, net_currency, fee, net ORDER BY line) AS n FROM recon.staged_%s),
            kept AS (SELECT o.line_id, s.line FROM old o LEFT JOIN new s USING (match_key, gross, net_currency, fee, net, n)),
            gone AS (DELETE FROM recon.staged_%s WHERE line IN (SELECT line FROM kept) RETURNING 1)
            SELECT count(*) FROM kept WHERE line IS NULL', p_number, p_number) INTO missing USING earlier;
        IF missing > 0 THEN
            RAISE EXCEPTION 'The file changes % lines of days that are closed; book the difference in an open day instead.', missing USING ERRCODE = 'RC001';
        END IF;

        UPDATE recon.imports SET state = 'superseded', superseded_by = p_number WHERE number = earlier;
        PERFORM recon.renumber(i.mode);
    END IF;

    -- The first line of a reference on a day is occurrence 1, the next ones follow in the order of the file.
    EXECUTE format('
        INSERT INTO recon.lines (line_id, match_key, occurrence, day, mode, leg, provider, kind, reference, alternative, currency, gross, net_currency, fee, net, item_fee, item_fx, item_net, batch, occurred_at)
        SELECT ($1 << 32) + s.line, s.match_key, 1, greatest(s.day, b.closed_through + 1), s.mode, s.leg, s.provider, s.kind, s.reference, s.alternative, s.currency, s.gross, s.net_currency, s.fee, s.net,
            s.item_fee, s.item_fx, s.item_net, s.batch, s.occurred_at
        FROM recon.staged_%s s JOIN recon.books b USING (mode, leg, provider) WHERE NOT (s.leg = ''provider'' AND s.kind = ''payout'') ORDER BY s.line
        ON CONFLICT (match_key, day, occurrence) DO NOTHING', p_number) USING p_number;
    GET DIAGNOSTICS rows = ROW_COUNT;
    EXECUTE format('SELECT count(*) - $1 FROM recon.staged_%s WHERE NOT (leg = ''provider'' AND kind = ''payout'')', p_number) INTO missing USING rows;
    WHILE missing > 0 LOOP
        again := again + 1;
        EXECUTE format('
            INSERT INTO recon.lines (line_id, match_key, occurrence, day, mode, leg, provider, kind, reference, alternative, currency, gross, net_currency, fee, net, item_fee, item_fx, item_net, batch, occurred_at)
            SELECT ($1 << 32) + s.line, s.match_key, $2, greatest(s.day, b.closed_through + 1), s.mode, s.leg, s.provider, s.kind, s.reference, s.alternative, s.currency, s.gross, s.net_currency, s.fee, s.net,
                s.item_fee, s.item_fx, s.item_net, s.batch, s.occurred_at
            FROM recon.staged_%s s JOIN recon.books b USING (mode, leg, provider)
            WHERE NOT (s.leg = ''provider'' AND s.kind = ''payout'') AND NOT EXISTS (SELECT 1 FROM recon.lines l WHERE l.line_id = ($1 << 32) + s.line AND l.day = greatest(s.day, b.closed_through + 1)) ORDER BY s.line
            ON CONFLICT (match_key, day, occurrence) DO NOTHING', p_number) USING p_number, again;
        GET DIAGNOSTICS rows = ROW_COUNT;
        missing := missing - rows;
    END LOOP;

    -- A payout that the report itself names, or else the sum of what is in it.
    EXECUTE format('
        INSERT INTO recon.items (item_id, match_key, occurrence, day, mode, leg, provider, kind, reference, alternative, currency, gross, fee, source, import_number, occurred_at)
        SELECT md5(concat_ws(''|'', ''payout'', p.mode, p.provider, p.batch, p.net_currency))::uuid, p.batch_key, 1, greatest(p.batch_day, b.closed_through + 1), p.mode, ''bank'', p.provider, ''payout'',
            p.batch, NULL, p.net_currency, p.net, 0, ''statement'', $1, p.batch_day::timestamp AT TIME ZONE ''UTC''
        FROM (SELECT mode, provider, batch, batch_key, net_currency, max(batch_day) AS batch_day,
                     CASE WHEN bool_or(kind = ''payout'') THEN (-sum(net) FILTER (WHERE kind = ''payout''))::bigint ELSE sum(net)::bigint END AS net
              FROM recon.staged_%s WHERE batch_key IS NOT NULL GROUP BY mode, provider, batch, batch_key, net_currency) p
        JOIN recon.books b ON b.mode = p.mode AND b.leg = ''bank'' AND b.provider = p.provider
        ON CONFLICT DO NOTHING', p_number) USING p_number;

    PERFORM recon.touch(l.mode, l.leg, l.provider, l.day)
    FROM (SELECT DISTINCT mode, leg, provider, day FROM recon.lines WHERE line_id >= p_number << 32 AND line_id < (p_number + 1) << 32
          UNION SELECT DISTINCT mode, leg, provider, day FROM recon.items WHERE import_number = p_number) l;
    UPDATE recon.books b SET statement_through = greatest(b.statement_through, s.through)
    FROM (SELECT mode, leg, provider, max(day) AS through FROM recon.lines WHERE line_id >= p_number << 32 AND line_id < (p_number + 1) << 32 GROUP BY mode, leg, provider) s
    WHERE b.mode = s.mode AND b.leg = s.leg AND b.provider = s.provider;

    EXECUTE format('DROP TABLE recon.staged_%s', p_number);
    UPDATE recon.imports SET state = 'complete', ended_at = now() WHERE number = p_number;
END $$;

-- After lines were removed: the occurrences of what repeats are counted again.
CREATE FUNCTION recon.renumber(p_mode text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMP TABLE renumbered ON COMMIT DROP AS
        SELECT l.line_id, l.day, row_number() OVER (PARTITION BY l.match_key, l.day ORDER BY l.line_id) AS n, l.occurrence
        FROM recon.lines l WHERE l.mode = p_mode AND l.match_key IN (SELECT r.match_key FROM recon.lines r WHERE r.mode = p_mode AND r.occurrence > 1);
    -- In two steps, because a number may still be taken.
    UPDATE recon.lines l SET occurrence = (l.occurrence + 16000)::smallint FROM renumbered r WHERE r.line_id = l.line_id AND r.day = l.day AND r.n <> r.occurrence;
    UPDATE recon.lines l SET occurrence = r.n::smallint FROM renumbered r WHERE r.line_id = l.line_id AND r.day = l.day AND r.n <> r.occurrence;
    DROP TABLE renumbered;
END $$;
