-- A payout that the ledger knows as paid, or as come back, by another word than the statement's is expected on the statement, and a break when
-- none shows it. A statement speaks of its whole account: how far the bank's books are known was told by a provider's own entries alone, so what
-- never came to the account was late for ever where nothing else of that provider came either.

CREATE TABLE recon.bank_days (
    mode     text NOT NULL CHECK (mode IN ('test', 'live')),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    -- The last day that a statement in this currency speaks of.
    through  date NOT NULL,
    PRIMARY KEY (mode, currency)
);

INSERT INTO recon.bank_days (mode, currency, through) SELECT mode, currency, max(day) FROM recon.lines WHERE leg = 'bank' GROUP BY mode, currency;

-- A book is known as far as the statements of every currency in which it expects something.
CREATE FUNCTION recon.know_bank_days(p_mode text) RETURNS void LANGUAGE sql AS $$
    UPDATE recon.books b SET statement_through = greatest(b.statement_through, s.through)
    FROM (
        SELECT i.mode, i.leg, i.provider, min(d.through) AS through
        FROM (SELECT DISTINCT i.mode, i.leg, i.provider, i.currency FROM recon.items i JOIN recon.books o USING (mode, leg, provider)
              WHERE i.mode = p_mode AND i.leg = 'bank' AND i.day > coalesce(o.closed_through, '-infinity')) i
        LEFT JOIN recon.bank_days d ON d.mode = i.mode AND d.currency = i.currency
        GROUP BY i.mode, i.leg, i.provider HAVING count(*) = count(d.through)) s
    WHERE b.mode = s.mode AND b.leg = s.leg AND b.provider = s.provider AND s.through > coalesce(b.statement_through, '-infinity')
$$;

CREATE OR REPLACE FUNCTION recon.finish_import(p_number bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    i recon.imports;
BEGIN
    PERFORM recon.complete_import(p_number);
    PERFORM recon.note_payouts(p_number);
    SELECT * INTO STRICT i FROM recon.imports WHERE number = p_number;
    IF i.state <> 'complete' THEN
        RETURN;
    END IF;

    IF i.format IN ('camt053', 'mt940') THEN
        INSERT INTO recon.bank_days AS d (mode, currency, through)
        SELECT l.mode, l.currency, max(l.day) FROM recon.lines l WHERE l.line_id >= p_number << 32 AND l.line_id < (p_number + 1) << 32 AND l.leg = 'bank' GROUP BY l.mode, l.currency
        ON CONFLICT (mode, currency) DO UPDATE SET through = greatest(d.through, excluded.through);
    END IF;

    PERFORM recon.know_bank_days(i.mode);
END $$;

-- Whether the statement told it first, or the ledger: one item.
CREATE FUNCTION recon.expect_entry(p_mode text, p_reference text, p_currency text, p_key uuid, p_amount bigint, p_at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_item uuid := md5(concat_ws('|', 'payout_entry', p_mode, p_reference, p_currency))::uuid;
    v_day  date;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('recon.expect_entry' || v_item, 0));
    IF EXISTS (SELECT 1 FROM recon.items WHERE item_id = v_item) THEN
        RETURN;
    END IF;

    v_day := recon.open_day(p_mode, 'bank', 'merchants', (p_at AT TIME ZONE 'UTC')::date);
    PERFORM recon.make_partitions(v_day, v_day);
    INSERT INTO recon.items (item_id, match_key, occurrence, day, mode, leg, provider, kind, reference, currency, gross, fee, source, occurred_at)
    VALUES (v_item, p_key, 1, v_day, p_mode, 'bank', 'merchants', 'payout', p_reference, p_currency, p_amount, 0, 'ledger', p_at);
    PERFORM recon.touch(p_mode, 'bank', 'merchants', v_day);
END $$;

CREATE OR REPLACE FUNCTION recon.expect_payout(p_subject uuid, p_key uuid, p_amount bigint, p_at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    b recon.bookings;
BEGIN
    SELECT * INTO STRICT b FROM recon.bookings WHERE subject = p_subject;
    PERFORM recon.expect_entry(b.mode, b.name, b.content ->> 'currency', p_key, p_amount, p_at);
END $$;
