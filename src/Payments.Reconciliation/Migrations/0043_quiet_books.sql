-- Today changes with every payment, and nobody has reported of it. A book of which nothing else changed was compared anew at each round of
-- the timer: every payment of the day was written down as left over again, every five minutes.

ALTER TABLE recon.books
    ADD COLUMN compared_at      timestamptz NOT NULL DEFAULT '-infinity',
    ADD COLUMN compared_for     interval    NOT NULL DEFAULT '0',
    -- The last day that any statement spoke of when the book was compared.
    ADD COLUMN compared_through date        NULL;
-- In a new one there is nothing to compare.
ALTER TABLE recon.books ALTER compared_at SET DEFAULT now();

-- What settling was, and the book remembers it.
ALTER FUNCTION recon.settle(text, text, text) RENAME TO compare;
CREATE FUNCTION recon.settle(p_mode text, p_leg text, p_provider text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM recon.compare(p_mode, p_leg, p_provider);
    UPDATE recon.books SET compared_at = clock_timestamp(), compared_for = clock_timestamp() - now(), compared_through = statement_through
        WHERE mode = p_mode AND leg = p_leg AND provider = p_provider;
END $$;

-- What a round compares: a book that something was told about, in which another day than today changed, which has a break that anything
-- may answer, or that was not compared for an hour and for twenty times as long as it took.
CREATE FUNCTION recon.is_due(b recon.books) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT now() NOT BETWEEN b.compared_at AND b.compared_at + greatest(interval '1 hour', 20 * b.compared_for)
        OR b.statement_through IS DISTINCT FROM b.compared_through
        OR EXISTS (SELECT 1 FROM recon.days d WHERE d.mode = b.mode AND d.leg = b.leg AND d.provider = b.provider AND d.dirty
            AND d.day > coalesce(b.closed_through, '-infinity') AND d.day <> (now() AT TIME ZONE 'UTC')::date)
        OR EXISTS (SELECT 1 FROM recon.lines l WHERE l.mode = b.mode AND l.leg = b.leg AND l.provider = b.provider AND l.day = (now() AT TIME ZONE 'UTC')::date)
        OR EXISTS (SELECT 1 FROM recon.breaks k WHERE k.mode = b.mode AND k.leg = b.leg AND k.provider = b.provider AND k.state <> 'resolved')
$$;
