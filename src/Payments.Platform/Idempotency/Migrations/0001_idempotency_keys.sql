-- Idempotency keys of simple resources (endpoints, tokens, keys): one row decides who executes a request, and keeps its answer for
-- a day. Not partitioned, because the primary key is what makes a key unique. The stored answer is sealed: it may show a secret that
-- is shown once.
CREATE TABLE idempotency_keys (
    scope        text        NOT NULL CHECK (length(scope) BETWEEN 1 AND 100),
    key          text        NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    fingerprint  bytea       NOT NULL CHECK (octet_length(fingerprint) = 32),
    subject      uuid        NOT NULL,
    holder       uuid        NOT NULL,
    lease_until  timestamptz NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    status       integer     CHECK (status BETWEEN 200 AND 599),
    content_type text,
    body         text,
    completed_at timestamptz,
    PRIMARY KEY (scope, key),
    CHECK ((status IS NULL) = (completed_at IS NULL) AND (status IS NULL) = (body IS NULL) AND (status IS NULL) = (content_type IS NULL)));

CREATE INDEX idempotency_keys_by_completion ON idempotency_keys (completed_at) WHERE completed_at IS NOT NULL;
