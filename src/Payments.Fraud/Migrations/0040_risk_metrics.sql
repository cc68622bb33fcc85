-- What the risk metrics are computed from. risk_outcomes: each payment as its newest event told it, whatever decided about it; amounts in
-- US cents by the fixed table of thresholds, so that they can be added up, and no personal data. risk_latencies: how long decisions and
-- the model took, counted by hour in buckets that grow by a twelfth.
CREATE TABLE risk_outcomes (
    payment_id        uuid        NOT NULL PRIMARY KEY,
    mode              text        NOT NULL CHECK (mode IN ('test', 'live')),
    merchant_id       uuid        NOT NULL,
    created_at        timestamptz NOT NULL,
    version           bigint      NOT NULL,
    verdict           text        CHECK (verdict IN ('approve', 'challenge', 'review', 'reject')),
    score             smallint    CHECK (score BETWEEN 0 AND 100),
    without_service   boolean     NOT NULL,
    without_model     boolean     NOT NULL,
    authorization_is  text        NOT NULL CHECK (authorization_is IN ('none', 'open', 'approved', 'declined', 'failed')),
    amount            bigint      NOT NULL CHECK (amount >= 0),
    captured          bigint      NOT NULL CHECK (captured >= 0),
    asked             text        CHECK (asked IN ('none', 'no_preference', 'challenge')),
    authenticated     text        CHECK (authenticated IN ('authenticated', 'attempted', 'exempted', 'failed', 'not_supported', 'unavailable')),
    challenged        boolean     NOT NULL,
    review_opened_at  timestamptz,
    review_decided_at timestamptz,
    review_outcome    text        CHECK (review_outcome IN ('approved', 'rejected', 'challenge_requested', 'lapsed')),
    review_automatic  boolean);
CREATE INDEX risk_outcomes_of_mode ON risk_outcomes (mode, created_at);
CREATE INDEX risk_outcomes_of_merchant ON risk_outcomes (mode, merchant_id, created_at);

CREATE TABLE risk_latencies (
    mode   text        NOT NULL CHECK (mode IN ('test', 'live')),
    kind   text        NOT NULL CHECK (kind IN ('decision', 'model')),
    hour   timestamptz NOT NULL,
    bucket smallint    NOT NULL CHECK (bucket >= 0),
    count  bigint      NOT NULL CHECK (count > 0),
    PRIMARY KEY (mode, kind, hour, bucket));
