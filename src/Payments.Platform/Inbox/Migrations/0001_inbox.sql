-- What a service has applied of another's event log. A checkpoint moves in the transaction of the effects, so each event takes
-- effect exactly once. A payment whose event cannot be applied is parked: its events wait here, in order, until they are replayed.

CREATE TABLE event_consumers (
    consumer       text        NOT NULL,
    publisher      text        NOT NULL,
    epoch          uuid        NOT NULL,
    registered_at  timestamptz NOT NULL DEFAULT now(),
    -- Set when the publisher's log is not the one that was read so far; only a person clears it.
    halted_at      timestamptz NULL,
    halted_because text        NULL,
    PRIMARY KEY (consumer, publisher)
);

CREATE TABLE checkpoints (
    consumer  text    NOT NULL,
    publisher text    NOT NULL,
    epoch     uuid    NOT NULL,
    partition integer NOT NULL,
    seq       bigint  NOT NULL CHECK (seq >= 0),
    PRIMARY KEY (consumer, publisher, partition)
) WITH (fillfactor = 10);

CREATE TABLE parked_payments (
    consumer   text        NOT NULL,
    publisher  text        NOT NULL,
    payment_id uuid        NOT NULL,
    parked_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, publisher, payment_id)
);

CREATE TABLE dead_letters (
    id          uuid        NOT NULL PRIMARY KEY,
    consumer    text        NOT NULL,
    publisher   text        NOT NULL,
    epoch       uuid        NOT NULL,
    partition   integer     NOT NULL,
    seq         bigint      NOT NULL,
    event_id    uuid        NOT NULL,
    type        text        NOT NULL,
    payment_id  uuid        NOT NULL,
    merchant_id uuid        NOT NULL,
    mode        text        NOT NULL,
    version     bigint      NOT NULL,
    occurred_at timestamptz NOT NULL,
    data        bytea       NOT NULL,
    traceparent text        NULL,
    -- Null where the event only waits behind an earlier one of its payment.
    error       text        NULL,
    attempts    integer     NOT NULL DEFAULT 0,
    parked_at   timestamptz NOT NULL DEFAULT now(),
    replayed_at timestamptz NULL,
    UNIQUE (consumer, publisher, epoch, partition, seq)
);

CREATE INDEX dead_letters_waiting ON dead_letters (consumer, payment_id, seq) WHERE replayed_at IS NULL;
