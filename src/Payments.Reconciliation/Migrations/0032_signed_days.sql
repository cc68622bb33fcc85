-- A closed day is signed: what its items, lines, entries and sums come to is hashed with the closing before it, and the hash is signed
-- under a key that the database never sees.
CREATE TABLE recon.closings (
    mode          text        NOT NULL,
    leg           text        NOT NULL,
    provider      text        NOT NULL,
    -- The last day of it, and the last day of the closing before it (null: from the beginning).
    day           date        NOT NULL,
    after         date        NULL,
    previous_hash bytea       NOT NULL CHECK (octet_length(previous_hash) = 32),
    hash          bytea       NOT NULL CHECK (octet_length(hash) = 32),
    key_id        text        NOT NULL,
    signature     bytea       NOT NULL CHECK (octet_length(signature) = 32),
    closed_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (mode, leg, provider, day),
    FOREIGN KEY (mode, leg, provider) REFERENCES recon.books,
    CHECK (after < day)
);

CREATE FUNCTION recon.check_closing() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last recon.closings;
BEGIN
    SELECT * INTO last FROM recon.closings WHERE mode = NEW.mode AND leg = NEW.leg AND provider = NEW.provider ORDER BY day DESC LIMIT 1;
    IF NEW.day IS DISTINCT FROM (SELECT closed_through FROM recon.books WHERE mode = NEW.mode AND leg = NEW.leg AND provider = NEW.provider)
        OR NEW.previous_hash <> coalesce(last.hash, decode(repeat('00', 32), 'hex')) OR NEW.after IS DISTINCT FROM coalesce(last.day, NEW.after) THEN
        RAISE EXCEPTION 'A closing is of the day that was closed just now, and follows the one before it.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER follows BEFORE INSERT ON recon.closings FOR EACH ROW EXECUTE FUNCTION recon.check_closing();

CREATE FUNCTION recon.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is never changed.', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER stands BEFORE UPDATE OR DELETE OR TRUNCATE ON recon.closings FOR EACH STATEMENT EXECUTE FUNCTION recon.refuse_change();

-- No day is closed without its signature, and none is opened again.
CREATE FUNCTION recon.check_closed_through() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.closed_through IS NULL OR NEW.closed_through < OLD.closed_through THEN
        RAISE EXCEPTION 'A closed day is not opened again.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM recon.closings c WHERE c.mode = NEW.mode AND c.leg = NEW.leg AND c.provider = NEW.provider AND c.day >= NEW.closed_through) THEN
        RAISE EXCEPTION 'Day % of % was closed and not signed.', NEW.closed_through, NEW.provider USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER signed AFTER UPDATE ON recon.books DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.closed_through IS DISTINCT FROM OLD.closed_through) EXECUTE FUNCTION recon.check_closed_through();
