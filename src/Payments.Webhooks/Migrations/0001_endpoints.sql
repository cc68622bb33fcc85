-- Where merchants want their events sent, and the secrets that sign what is sent there. The slot bounds the number of
-- endpoints per merchant and mode by a constraint, so that no count can be raced past.
CREATE TABLE webhook_endpoints (
    id              uuid        PRIMARY KEY,
    merchant_id     uuid        NOT NULL,
    mode            text        NOT NULL CHECK (mode IN ('test', 'live')),
    slot            smallint    NOT NULL CHECK (slot BETWEEN 1 AND 16),
    url             text        NOT NULL CHECK (length(url) BETWEEN 1 AND 2048),
    description     text        CHECK (length(description) <= 500),
    event_types     text[]      CHECK (cardinality(event_types) > 0),
    status          text        NOT NULL CHECK (status IN ('enabled', 'disabled')),
    disabled_reason text        CHECK (disabled_reason IN ('by_merchant', 'gone', 'failing')),
    failing_since   timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    deleted_at      timestamptz,
    CHECK ((status = 'disabled') = (disabled_reason IS NOT NULL))
);

CREATE UNIQUE INDEX webhook_endpoints_slot ON webhook_endpoints (merchant_id, mode, slot) WHERE deleted_at IS NULL;
CREATE INDEX webhook_endpoints_listed ON webhook_endpoints (merchant_id, mode, id) WHERE deleted_at IS NULL;

-- A secret without an end is the current one; a rotated one signs beside it until its end.
CREATE TABLE webhook_secrets (
    endpoint_id uuid        NOT NULL,
    number      integer     NOT NULL,
    sealed      text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz,
    PRIMARY KEY (endpoint_id, number)
);

CREATE UNIQUE INDEX webhook_secrets_current ON webhook_secrets (endpoint_id) WHERE expires_at IS NULL;
