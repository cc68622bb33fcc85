-- The blocklist is the only rule so far. Decisions are kept by payment, so that a repeated question is answered as it was the first
-- time although the blocklist has changed since.
CREATE TABLE blocklist (
    id          uuid        NOT NULL PRIMARY KEY,
    merchant_id uuid,
    kind        text        NOT NULL CHECK (kind IN ('fingerprint', 'bin')),
    value       text        NOT NULL,
    reason      text        CHECK (length(reason) BETWEEN 1 AND 200),
    created_at  timestamptz NOT NULL DEFAULT now(),
    CHECK (CASE kind WHEN 'fingerprint' THEN value ~ '^[0-9a-f]{64}$' ELSE value ~ '^[0-9]{6}$' END),
    UNIQUE NULLS NOT DISTINCT (kind, value, merchant_id));

CREATE TABLE decisions (
    payment_id  uuid        NOT NULL PRIMARY KEY,
    merchant_id uuid        NOT NULL,
    mode        text        NOT NULL CHECK (mode IN ('test', 'live')),
    score       smallint    NOT NULL CHECK (score BETWEEN 0 AND 100),
    verdict     text        NOT NULL CHECK (verdict IN ('approve', 'challenge', 'review', 'reject')),
    factors     text[]      NOT NULL,
    decided_at  timestamptz NOT NULL DEFAULT now());
