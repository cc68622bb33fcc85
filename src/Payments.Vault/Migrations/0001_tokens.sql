-- Card tokens: what the providers call a card, and what is needed to recognise and show it. Never a card number: BIN and last four
-- digits are what PCI DSS allows to keep, the fingerprint is a keyed hash whose key is not in this database.
CREATE TABLE tokens (
    id          uuid        NOT NULL PRIMARY KEY,
    merchant_id uuid        NOT NULL,
    mode        text        NOT NULL CHECK (mode IN ('test', 'live')),
    fingerprint text        NOT NULL CHECK (fingerprint ~ '^[0-9a-f]{64}$'),
    brand       text        NOT NULL CHECK (brand ~ '^[a-z]{2,20}$'),
    bin         text        NOT NULL CHECK (bin ~ '^[0-9]{6}$'),
    last4       text        NOT NULL CHECK (last4 ~ '^[0-9]{4}$'),
    exp_month   smallint    NOT NULL CHECK (exp_month BETWEEN 1 AND 12),
    exp_year    smallint    NOT NULL CHECK (exp_year BETWEEN 2000 AND 2200),
    country     text        CHECK (country ~ '^[A-Z]{2}$'),
    funding     text        CHECK (funding IN ('credit', 'debit', 'prepaid', 'unknown')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    deleted_at  timestamptz);

-- One row per provider that has the card. A deletion is due here until the provider confirmed it; then its name for the card goes too.
CREATE TABLE provider_tokens (
    token_id       uuid        NOT NULL REFERENCES tokens (id),
    provider       text        NOT NULL CHECK (provider IN ('stripe', 'adyen')),
    provider_token text        CHECK (length(provider_token) BETWEEN 1 AND 200),
    detach_due_at  timestamptz,
    detach_tries   integer     NOT NULL DEFAULT 0,
    detached_at    timestamptz,
    PRIMARY KEY (token_id, provider),
    CHECK ((detached_at IS NULL) = (provider_token IS NOT NULL)),
    CHECK (detached_at IS NULL OR detach_due_at IS NULL));

CREATE INDEX provider_tokens_to_detach ON provider_tokens (detach_due_at) WHERE detach_due_at IS NOT NULL;
