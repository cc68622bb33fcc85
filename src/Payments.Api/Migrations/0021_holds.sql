-- Authorizations that hold a customer's money and were not captured at once. A table of its own, because an index on payments over
-- amounts that change would cost every write its cheap update in place. Rows are made when a hold comes to be, in its transaction, and
-- taken away by the sweep when nothing is held any more. The time is the database's.
CREATE TABLE holds (
    merchant_id uuid        NOT NULL,
    mode        text        NOT NULL,
    payment_id  uuid        NOT NULL,
    held_since  timestamptz NOT NULL DEFAULT now(),
    -- Who sweeps has it for a while.
    leased_until timestamptz NULL,
    PRIMARY KEY (merchant_id, mode, payment_id)
);

CREATE INDEX holds_oldest ON holds (held_since);

INSERT INTO holds (merchant_id, mode, payment_id, held_since)
SELECT merchant_id, mode, id, coalesce(authorized_at, now()) FROM payments
WHERE authorized > captured + released;

-- Orders that a merchant gave up. What was authorized for them is released.
CREATE TABLE cancelled_orders (
    merchant_id  uuid        NOT NULL,
    mode         text        NOT NULL CHECK (mode IN ('test', 'live')),
    order_id     text        NOT NULL CHECK (length(order_id) BETWEEN 1 AND 100),
    cancelled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, mode, order_id)
);

-- How long a merchant may take to capture.
ALTER TABLE merchants ADD COLUMN capture_window_days integer NOT NULL DEFAULT 7 CHECK (capture_window_days BETWEEN 1 AND 31);
