-- What a file speaks of stands once: a payout that one file itemises, or an account's statement, is not counted again because another format, or
-- another name of the same thing, says it too. A file of the same identity still takes the earlier one's place.

CREATE TABLE recon.import_payouts (
    import_number bigint NOT NULL REFERENCES recon.imports,
    provider      text   NOT NULL,
    -- Batches are numbered within a merchant account; '' where a payout's name is the only one of its provider.
    account       text   NOT NULL,
    payout        text   NOT NULL,
    PRIMARY KEY (import_number, provider, payout)
);

CREATE INDEX ON recon.import_payouts (provider, account, payout);

CREATE TABLE recon.import_statements (
    import_number bigint NOT NULL REFERENCES recon.imports,
    place         integer NOT NULL,
    account       text   NOT NULL,
    currency      text   NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    opened_on     date   NOT NULL,
    opening       bigint NOT NULL,
    closed_on     date   NOT NULL,
    closing       bigint NOT NULL,
    PRIMARY KEY (import_number, place)
);

CREATE INDEX ON recon.import_statements (account, currency, closed_on);
CREATE INDEX ON recon.import_statements (account, currency, opened_on);

CREATE FUNCTION recon.account_of(i recon.imports) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN i.format = 'adyen_settlement_detail' THEN regexp_replace(i.identity, ' batch \S*$', '') ELSE '' END
$$;

-- What stands in closed days was brought by an earlier version, and is the newest one's.
WITH RECURSIVE stands (number, by) AS (
    SELECT number, number FROM recon.imports WHERE state = 'complete'
    UNION ALL SELECT i.number, s.by FROM recon.imports i JOIN stands s ON i.superseded_by = s.number)
INSERT INTO recon.import_payouts (import_number, provider, account, payout)
SELECT DISTINCT s.by, l.provider, recon.account_of(i), l.batch FROM recon.lines l JOIN stands s ON s.number = l.line_id >> 32 JOIN recon.imports i ON i.number = s.by
WHERE l.leg = 'provider' AND l.batch IS NOT NULL;

-- Before a file counts, in the transaction that makes it count. Of two that come at once the second one sees the first.
CREATE FUNCTION recon.speak_once(p_number bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    i     recon.imports;
    twice record;
BEGIN
    SELECT * INTO STRICT i FROM recon.imports WHERE number = p_number FOR UPDATE;
    IF i.state <> 'loading' THEN
        RETURN;
    END IF;

    PERFORM pg_advisory_xact_lock(hashtextextended('recon.speak_once ' || i.mode, 0));
    EXECUTE format('INSERT INTO recon.import_payouts (import_number, provider, account, payout)
        SELECT DISTINCT $1, provider, $2, batch FROM recon.staged_%s WHERE leg = ''provider'' AND batch IS NOT NULL', p_number) USING p_number, recon.account_of(i);

    SELECT m.payout, o.number, o.format INTO twice
    FROM recon.import_payouts m JOIN recon.import_payouts t USING (provider, account, payout) JOIN recon.imports o ON o.number = t.import_number
    WHERE m.import_number = p_number AND o.mode = i.mode AND o.state = 'complete' AND (o.format, o.identity) <> (i.format, i.identity)
    ORDER BY o.number, m.payout LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'The payout % stands already, by import % (%); a corrected file has to be of the same format and identity.', twice.payout, twice.number, twice.format USING ERRCODE = 'RC003';
    END IF;

    -- In a chain of statements each balance opens one of them and closes one: two that share one tell of the same time. Of those whose entries come to
    -- nothing both balances must be the same, because they leave the balance as it was.
    SELECT m.account, m.currency, m.closed_on, o.number, o.format INTO twice
    FROM recon.import_statements m JOIN recon.import_statements t USING (account, currency) JOIN recon.imports o ON o.number = t.import_number
    WHERE m.import_number = p_number AND o.mode = i.mode AND o.state = 'complete' AND (o.format, o.identity) <> (i.format, i.identity)
        AND ((m.opening, m.closing, m.closed_on) = (t.opening, t.closing, t.closed_on)
            OR (m.opening <> m.closing AND t.opening <> t.closing AND ((m.closed_on, m.closing) = (t.closed_on, t.closing) OR (m.opened_on, m.opening) = (t.opened_on, t.opening))))
    ORDER BY o.number, m.place LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'The statement of % (%) that closes on % tells of a time that import % (%) tells of already; a corrected file has to be of the same format and identity.',
            twice.account, twice.currency, twice.closed_on, twice.number, twice.format USING ERRCODE = 'RC003';
    END IF;
END $$;
