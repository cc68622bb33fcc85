-- What the ledger is asked to book, durable before it is asked: the content as it is sent, and an id that the ledger takes (a UUIDv7 of the
-- last four weeks). Who repeats a request sends the same id and content, so that it is booked once.

-- A UUIDv7 of a time and a name.
CREATE FUNCTION recon.derived_id(p_at timestamptz, p_name text) RETURNS uuid LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    digits text := md5(p_name);
BEGIN
    RETURN (lpad(to_hex((extract(epoch FROM p_at) * 1000)::bigint), 12, '0') || '7' || substr(digits, 1, 3) || substr('89ab', 1 + ('x0' || substr(digits, 4, 1))::bit(8)::integer % 4, 1) || substr(digits, 5, 15))::uuid;
END $$;

CREATE TABLE recon.bookings (
    -- Of what it books: the same whenever it is noted.
    subject    uuid        NOT NULL PRIMARY KEY,
    mode       text        NOT NULL CHECK (mode IN ('test', 'live')),
    provider   text        NOT NULL,
    what       text        NOT NULL CHECK (what IN ('settlement', 'correction')),
    -- For people: the payout, or the break.
    name       text        NOT NULL,
    content    jsonb       NOT NULL,
    -- Made anew only where the ledger says that an id is too old, which it does only of what it has not booked.
    id_made_at timestamptz NOT NULL DEFAULT now(),
    booking_id uuid        NOT NULL GENERATED ALWAYS AS (recon.derived_id(id_made_at, subject::text)) STORED UNIQUE,
    tries      integer     NOT NULL DEFAULT 0,
    -- When it is tried next; while one process asks, until when the others leave it alone. Null: booked, or not agreed yet.
    due_at     timestamptz NULL,
    -- What the last try came to, in our words or as the ledger's code.
    failure    text        NULL,
    noted_at   timestamptz NOT NULL DEFAULT now(),
    booked_at  timestamptz NULL,
    CHECK (booked_at IS NULL OR (due_at IS NULL AND failure IS NULL))
);

CREATE INDEX bookings_due ON recon.bookings (due_at) WHERE due_at IS NOT NULL;

-- What is booked stays as it was sent.
CREATE FUNCTION recon.keep_booked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.booked_at IS NOT NULL THEN
        RAISE EXCEPTION 'What is booked does not change.' USING ERRCODE = 'RC003';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE TRIGGER keep_booked BEFORE UPDATE OR DELETE ON recon.bookings FOR EACH ROW EXECUTE FUNCTION recon.keep_booked();

-- SHA-256 over the lines of the provider that stand behind a noted payout.
CREATE FUNCTION recon.lines_hash(s recon.settlements) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT encode(sha256(convert_to(coalesce(string_agg(concat_ws('|', l.kind, l.reference, l.currency, l.gross, l.net_currency, l.fee, l.net), E'\n' ORDER BY l.line_id), ''), 'UTF8')), 'hex')
    FROM recon.lines l
    WHERE l.mode = s.mode AND l.leg = 'provider' AND l.provider = s.provider AND l.batch = s.reference AND l.net_currency = s.currency AND l.day BETWEEN s.day - 93 AND s.day + 31
$$;
