-- Every event that was applied, as it was carried: if the publisher's database has to be restored to an earlier moment, its log is made
-- whole again from here. Kept as long as the publisher keeps its own.
CREATE TABLE event_copies (
    consumer    text        NOT NULL,
    publisher   text        NOT NULL,
    partition   integer     NOT NULL,
    seq         bigint      NOT NULL,
    id          uuid        NOT NULL,
    type        text        NOT NULL,
    subject     uuid        NOT NULL,
    merchant_id uuid        NOT NULL,
    mode        text        NOT NULL,
    version     bigint      NOT NULL,
    occurred_at timestamptz NOT NULL,
    data        bytea       NOT NULL,
    traceparent text        NULL,
    applied_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, publisher, partition, seq)
);

-- For their expiry: rows come in the order of their age.
CREATE INDEX event_copies_applied ON event_copies USING brin (applied_at);
