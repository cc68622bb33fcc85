-- Payments that were scored again because fraud became known of somebody who took part in them, once for each payment that turned out to be fraud.
-- released: what the payment path answered when it was told; null where it was not told (yet).
CREATE TABLE second_looks (
    payment_id   uuid             NOT NULL,
    because_of   uuid             NOT NULL,
    mode         text             NOT NULL CHECK (mode IN ('test', 'live')),
    merchant_id  uuid             NOT NULL,
    model_id     uuid             NOT NULL,
    score_before double precision,
    score        double precision NOT NULL,
    suspected    boolean          NOT NULL,
    told_at      timestamptz,
    released     boolean,
    at           timestamptz      NOT NULL DEFAULT now(),
    PRIMARY KEY (payment_id, because_of),
    CHECK (suspected OR told_at IS NULL),
    CHECK ((told_at IS NULL) = (released IS NULL)));
CREATE INDEX second_looks_untold ON second_looks (at) WHERE suspected AND told_at IS NULL;

-- Up to when labels were looked at.
CREATE TABLE second_look_progress (
    mode    text        NOT NULL PRIMARY KEY CHECK (mode IN ('test', 'live')),
    reached timestamptz NOT NULL);

CREATE INDEX labels_of_frauds ON labels (mode, known_at) WHERE fraud;
