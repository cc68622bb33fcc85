-- Disputes of payments. The payment's row carries them whole, because whoever decides about a payment must see them without another
-- read; here stands a row for each, in the same commit: for lists, for deadlines, and so that one name of the provider is one dispute.
-- Not partitioned, for the same reason. Evidence is personal data: sealed, and apart.

ALTER TABLE payments ADD COLUMN disputes text NULL;

CREATE TABLE disputes (
    merchant_id     uuid        NOT NULL,
    mode            text        NOT NULL CHECK (mode IN ('test', 'live')),
    id              uuid        NOT NULL,
    payment_id      uuid        NOT NULL,
    provider        text        NOT NULL,
    reference       text        NOT NULL,
    status          text        NOT NULL CHECK (status IN ('warning', 'needs_response', 'under_review', 'won', 'lost', 'accepted', 'expired', 'withdrawn')),
    amount          bigint      NOT NULL CHECK (amount >= 0),
    withheld        bigint      NOT NULL CHECK (withheld >= 0),
    suspense        bigint      NOT NULL CHECK (suspense BETWEEN 0 AND withheld),
    fee             bigint      NOT NULL,
    currency        text        NOT NULL,
    reason          text        NOT NULL,
    takes_evidence  boolean     NOT NULL,
    evidence_due_by timestamptz NULL,
    opened_at       timestamptz NOT NULL,
    changed_at      timestamptz NOT NULL,
    -- When it must be looked at: an answer whose outcome nobody knows, or the end of the time for evidence.
    due_at          timestamptz NULL,
    leased_until    timestamptz NULL,
    PRIMARY KEY (merchant_id, mode, id),
    UNIQUE (provider, mode, reference)
);

CREATE INDEX disputes_due ON disputes (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX disputes_of_payment ON disputes (payment_id);

-- What a merchant laid down to answer with, one of each kind. It cannot be changed once it was sent.
CREATE TABLE dispute_evidence (
    merchant_id uuid        NOT NULL,
    mode        text        NOT NULL CHECK (mode IN ('test', 'live')),
    dispute_id  uuid        NOT NULL,
    kind        text        NOT NULL CHECK (length(kind) BETWEEN 1 AND 50),
    type        text        NOT NULL CHECK (type IN ('text/plain', 'application/pdf', 'image/jpeg')),
    bytes       integer     NOT NULL CHECK (bytes BETWEEN 1 AND 2097152),
    sealed      text        NOT NULL,
    laid_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (merchant_id, mode, dispute_id, kind)
);
