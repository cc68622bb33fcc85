-- Merchants, what they pay, and their keys. Plans are versions that are only ever added, because a payment is charged by the version
-- it was created under. Keys rest as SHA-256 hex: each has 256 random bits, so a plain hash cannot be searched.
CREATE TABLE merchants (
    id                   uuid        PRIMARY KEY,
    name                 text        NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    active               boolean     NOT NULL,
    risk_tier            text        NOT NULL CHECK (risk_tier IN ('low', 'standard', 'high')),
    plan_version         integer     NOT NULL CHECK (plan_version >= 1),
    monthly_limit_test   bigint      CHECK (monthly_limit_test >= 0),
    monthly_limit_live   bigint      CHECK (monthly_limit_live >= 0),
    settlement_currency  text        NOT NULL CHECK (settlement_currency IN ('USD', 'EUR')),
    settlement_schedule  text        NOT NULL CHECK (settlement_schedule IN ('daily_t1', 'daily_t2', 'weekly')),
    preferred_provider   text        CHECK (preferred_provider IN ('stripe', 'adyen')),
    receipts             boolean     NOT NULL,
    statement_descriptor text        CHECK (length(statement_descriptor) BETWEEN 1 AND 22),
    requests_per_second  integer     CHECK (requests_per_second BETWEEN 1 AND 100000),
    created_at           timestamptz NOT NULL DEFAULT now(),
    updated_at           timestamptz NOT NULL DEFAULT now());

CREATE TABLE merchant_plans (
    merchant_id             uuid        NOT NULL REFERENCES merchants,
    version                 integer     NOT NULL CHECK (version >= 1),
    credit_rate_per_million integer     NOT NULL CHECK (credit_rate_per_million BETWEEN 0 AND 1000000),
    credit_fixed_us_cents   bigint      NOT NULL CHECK (credit_fixed_us_cents BETWEEN 0 AND 100000),
    debit_rate_per_million  integer     NOT NULL CHECK (debit_rate_per_million BETWEEN 0 AND 1000000),
    debit_fixed_us_cents    bigint      NOT NULL CHECK (debit_fixed_us_cents BETWEEN 0 AND 100000),
    created_at              timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, version));

CREATE TABLE api_keys (
    id               uuid        PRIMARY KEY,
    merchant_id      uuid        NOT NULL REFERENCES merchants,
    mode             text        NOT NULL CHECK (mode IN ('test', 'live')),
    class            text        NOT NULL CHECK (class IN ('secret', 'publishable')),
    name             text        CHECK (length(name) BETWEEN 1 AND 100),
    hash             text        NOT NULL UNIQUE CHECK (hash ~ '^[0-9a-f]{64}$'),
    last4            text        NOT NULL CHECK (length(last4) = 4),
    scopes           text[]      CHECK (class = 'secret' OR scopes IS NULL),
    signing          text        NOT NULL CHECK (signing IN ('none', 'optional', 'required')),
    signing_secret   text,
    rolled_to        uuid        REFERENCES api_keys,
    created_at       timestamptz NOT NULL DEFAULT now(),
    expires_at       timestamptz,
    revoked_at       timestamptz,
    CHECK ((signing = 'none') = (signing_secret IS NULL)),
    CHECK (class = 'secret' OR signing = 'none'));

CREATE INDEX api_keys_of_merchant ON api_keys (merchant_id, id);
