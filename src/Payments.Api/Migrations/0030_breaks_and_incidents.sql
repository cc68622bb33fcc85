-- Money that a provider has and nobody here can be found for, how far each provider's charges have been looked through, and the life of
-- an incident from being raised to being closed by somebody with a reason.

-- A payment that was made of a provider's record has no token of ours.
ALTER TABLE payments ALTER COLUMN token_id DROP NOT NULL;

-- Where the listing of a provider's charges stands. Kept beside the payments on purpose: a database that is restored to an earlier
-- moment looks again at everything since that moment.
CREATE TABLE charge_listings (
    provider     text        NOT NULL,
    mode         text        NOT NULL CHECK (mode IN ('test', 'live')),
    listed_until timestamptz NOT NULL,
    due_at       timestamptz NOT NULL DEFAULT now(),
    leased_until timestamptz NULL,
    fence        bigint      NOT NULL DEFAULT 0,
    PRIMARY KEY (provider, mode)
);

-- One row for each charge in suspense. payment_id is reserved for the payment that it becomes.
CREATE TABLE breaks (
    id           uuid        NOT NULL PRIMARY KEY,
    provider     text        NOT NULL,
    mode         text        NOT NULL CHECK (mode IN ('test', 'live')),
    reference    text        NOT NULL,
    payment_id   uuid        NOT NULL UNIQUE,
    kind         text        NOT NULL CHECK (kind IN ('charge', 'hold')),
    amount       bigint      NOT NULL CHECK (amount > 0),
    currency     text        NOT NULL,
    charge       text        NOT NULL,
    detail       text        NOT NULL,
    status       text        NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'closed')),
    owner        text        NULL CHECK (length(owner) BETWEEN 1 AND 100),
    merchant_id  uuid        NULL,
    opened_at    timestamptz NOT NULL DEFAULT now(),
    closed_at    timestamptz NULL,
    closed_by    text        NULL,
    close_reason text        NULL,
    UNIQUE (provider, mode, reference),
    CHECK ((status = 'closed') = (closed_at IS NOT NULL AND closed_by IS NOT NULL AND close_reason IS NOT NULL AND merchant_id IS NOT NULL))
);

CREATE INDEX breaks_open ON breaks (id) WHERE status = 'open';

-- What an incident is about: while one of a kind and subject is open, the same again is counted on its row.
ALTER TABLE incidents
    ADD COLUMN subject      text        NULL,
    ADD COLUMN seen         bigint      NOT NULL DEFAULT 1 CHECK (seen > 0),
    ADD COLUMN last_seen_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN assignee     text        NULL CHECK (length(assignee) BETWEEN 1 AND 100),
    ADD COLUMN closed_by    text        NULL,
    ADD COLUMN close_reason text        NULL;

CREATE UNIQUE INDEX incidents_open_once ON incidents (kind, mode, subject) WHERE closed_at IS NULL;
CREATE INDEX incidents_of_payment ON incidents (payment_id, id) WHERE payment_id IS NOT NULL;

-- The subject of an incident that names none: what it is about, and in which words.
CREATE FUNCTION incident_subject(payment uuid, attempt uuid, detail text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(payment::text, '-') || '/' || coalesce(attempt::text, '-') || '/' || md5(detail);

CREATE TABLE incident_notes (
    incident_id uuid        NOT NULL REFERENCES incidents,
    id          uuid        NOT NULL PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT now(),
    by          text        NOT NULL,
    note        text        NOT NULL CHECK (length(note) BETWEEN 1 AND 2000)
);

CREATE INDEX incident_notes_of_incident ON incident_notes (incident_id, id);

-- What to do when a double charge is undone: operations of that origin stand outside the payment's own amounts.
ALTER TABLE operations DROP CONSTRAINT operations_origin_check;
ALTER TABLE operations ADD CONSTRAINT operations_origin_check CHECK (origin IN ('merchant', 'provider', 'expiry', 'double_charge'));

-- Notices that found no payment are looked up by the provider's name once there is one.
CREATE INDEX provider_notices_unknown ON provider_notices (provider, mode, ((fact::jsonb)->>'payment_reference')) WHERE verdict = 'unknown_reference';
