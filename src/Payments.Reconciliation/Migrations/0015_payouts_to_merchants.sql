-- Entries of the bank's statement about payouts to merchants: a book of their own ('merchants') on the bank's leg. The ledger is told of each
-- entry, as of everything else that it has to book. What it takes becomes the item that the entry is compared with; an entry that it refuses
-- (an unknown payout, another amount, one that was never sent) stays without one and is a break.

ALTER TABLE recon.bookings
    DROP CONSTRAINT bookings_what_check,
    ADD CONSTRAINT bookings_what_check CHECK (what IN ('settlement', 'correction', 'payout'));

-- Paid and returned have references of their own. A corrected file says it anew, until the ledger has it.
CREATE FUNCTION recon.note_payouts(p_number bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- Reports of providers have millions of lines, and none of these.
    IF NOT EXISTS (SELECT 1 FROM recon.imports WHERE number = p_number AND state = 'complete' AND format IN ('camt053', 'mt940')) THEN
        RETURN;
    END IF;

    INSERT INTO recon.bookings (subject, mode, provider, what, name, content, due_at)
    SELECT DISTINCT ON (l.mode, l.reference, l.currency)
        md5(concat_ws('|', 'payout_entry', l.mode, l.reference, l.currency))::uuid, l.mode, l.provider, 'payout', l.reference,
        jsonb_build_object('mode', l.mode, 'payout', replace(split_part(l.reference, ' ', 1), '-', '_'), 'currency', l.currency, 'amount_minor', l.gross,
            'booked_at', to_char(l.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')), now()
    FROM recon.lines l
    WHERE l.line_id >= p_number << 32 AND l.line_id < (p_number + 1) << 32 AND l.leg = 'bank' AND l.provider = 'merchants' AND l.gross <> 0
    ORDER BY l.mode, l.reference, l.currency, l.line_id
    ON CONFLICT (subject) DO UPDATE SET content = excluded.content, due_at = now(), tries = 0, failure = NULL
        WHERE bookings.booked_at IS NULL AND bookings.content IS DISTINCT FROM excluded.content;
END $$;

CREATE FUNCTION recon.finish_import(p_number bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM recon.complete_import(p_number);
    PERFORM recon.note_payouts(p_number);
END $$;

CREATE FUNCTION recon.expect_payout(p_subject uuid, p_key uuid, p_amount bigint, p_at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    b   recon.bookings;
    day date;
BEGIN
    SELECT * INTO STRICT b FROM recon.bookings WHERE subject = p_subject;
    IF EXISTS (SELECT 1 FROM recon.items WHERE item_id = p_subject) THEN
        RETURN;
    END IF;

    day := recon.open_day(b.mode, 'bank', b.provider, (p_at AT TIME ZONE 'UTC')::date);
    PERFORM recon.make_partitions(day, day);
    INSERT INTO recon.items (item_id, match_key, occurrence, day, mode, leg, provider, kind, reference, currency, gross, fee, source, occurred_at)
    VALUES (p_subject, p_key, 1, day, b.mode, 'bank', b.provider, 'payout', b.name, b.content ->> 'currency', p_amount, 0, 'ledger', p_at);
    PERFORM recon.touch(b.mode, 'bank', b.provider, day);
END $$;

CREATE OR REPLACE FUNCTION recon.report_number(d recon.days) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT (d.day - date '0001-01-01')::bigint * 64 + CASE d.mode WHEN 'live' THEN 1 ELSE 0 END + CASE d.leg WHEN 'bank' THEN 2 ELSE 0 END
        + 4 * CASE d.provider WHEN 'stripe' THEN 0 WHEN 'adyen' THEN 1 WHEN 'merchants' THEN 3 ELSE 2 END
$$;
