-- The books: accounts, journals, movements, pending transfers, folded balances, chain heads, findings.
-- Why this shape: a movement is one row with a debit and a credit account, so an unbalanced entry cannot be written down.
-- Journals, movements and pending transfers are partitioned by month on a UUIDv7 that is itself their unique key. There is no
-- foreign key from movements to accounts (it halves a hot account): the posting function proves existence, a check looks for orphans.

CREATE SCHEMA ledger;

CREATE TABLE ledger.account_kinds (
    kind   text PRIMARY KEY,
    owner  text NOT NULL CHECK (owner IN ('merchant', 'provider', 'platform')),
    normal text NOT NULL CHECK (normal IN ('debit', 'credit')),
    split  boolean NOT NULL,
    floor  bigint
);

INSERT INTO ledger.account_kinds (kind, owner, normal, split, floor) VALUES
    ('merchant_pending',       'merchant', 'credit', false, NULL),
    ('merchant_payable',       'merchant', 'credit', false, 0),
    ('merchant_reserve',       'merchant', 'credit', false, 0),
    ('provider_receivable',    'provider', 'debit',  true,  NULL),
    ('provider_cost_payable',  'provider', 'credit', true,  NULL),
    ('commission_revenue',     'platform', 'credit', true,  NULL),
    ('provider_cost_expense',  'platform', 'debit',  true,  NULL),
    ('provider_cost_variance', 'platform', 'debit',  true,  NULL),
    ('suspense',               'platform', 'credit', true,  NULL),
    ('chargebacks',            'platform', 'debit',  true,  NULL),
    ('fx_clearing',            'platform', 'debit',  true,  NULL),
    ('fx_gain_loss',           'platform', 'credit', true,  NULL),
    ('bank',                   'platform', 'debit',  false, NULL);

-- partition: the sub-account of a split kind, or -1.
CREATE TABLE ledger.accounts (
    id        uuid PRIMARY KEY,
    mode      text NOT NULL CHECK (mode IN ('test', 'live')),
    owner     text NOT NULL CHECK (owner <> ''),
    kind      text NOT NULL REFERENCES ledger.account_kinds (kind),
    currency  text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    partition integer NOT NULL CHECK (partition >= -1),
    opened_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (mode, owner, kind, currency, partition)
);

-- The fold of all movements and pending transfers of an account; version counts its movements.
CREATE TABLE ledger.balances (
    account_id      uuid PRIMARY KEY REFERENCES ledger.accounts (id),
    version         bigint NOT NULL DEFAULT 0,
    debits          bigint NOT NULL DEFAULT 0 CHECK (debits >= 0),
    credits         bigint NOT NULL DEFAULT 0 CHECK (credits >= 0),
    pending_debits  bigint NOT NULL DEFAULT 0,
    pending_credits bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE ledger.chain_heads (
    partition integer PRIMARY KEY,
    seq       bigint NOT NULL DEFAULT 0,
    hash      bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex') CHECK (length(hash) = 32),
    posted_at timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 50);

-- id: the digits of the causing event, so that an event can never be posted twice. seq: place in the partition's hash chain.
CREATE TABLE ledger.journals (
    id            uuid NOT NULL PRIMARY KEY,
    partition     integer NOT NULL,
    seq           bigint NOT NULL CHECK (seq > 0),
    mode          text NOT NULL CHECK (mode IN ('test', 'live')),
    payment_id    uuid NOT NULL,
    merchant_id   uuid NOT NULL,
    event_type    text NOT NULL CHECK (event_type ~ '^[a-z0-9_.]+$'),
    event_seq     bigint NOT NULL,
    decision      boolean NOT NULL,
    movements     integer NOT NULL,
    effective_at  timestamptz NOT NULL,
    posted_at     timestamptz NOT NULL,
    content_hash  bytea NOT NULL CHECK (length(content_hash) = 32),
    previous_hash bytea NOT NULL CHECK (length(previous_hash) = 32),
    hash          bytea NOT NULL CHECK (length(hash) = 32)
) PARTITION BY RANGE (id);

CREATE INDEX journals_chain ON ledger.journals (partition, seq);
CREATE INDEX journals_source ON ledger.journals (partition, event_seq);
CREATE INDEX journals_payment ON ledger.journals (payment_id);
CREATE INDEX journals_merchant ON ledger.journals (merchant_id, mode, id) WHERE movements > 0;

-- *_version and *_balance: the account's movement count and its debits minus credits, this movement included.
CREATE TABLE ledger.movements (
    id                uuid NOT NULL PRIMARY KEY,
    journal_id        uuid NOT NULL,
    line              integer NOT NULL CHECK (line > 0),
    kind              text NOT NULL,
    debit_account_id  uuid NOT NULL,
    credit_account_id uuid NOT NULL,
    amount            bigint NOT NULL CHECK (amount > 0),
    currency          text NOT NULL,
    debit_version     bigint NOT NULL CHECK (debit_version > 0),
    debit_balance     bigint NOT NULL,
    credit_version    bigint NOT NULL CHECK (credit_version > 0),
    credit_balance    bigint NOT NULL,
    effective_at      timestamptz NOT NULL,
    posted_at         timestamptz NOT NULL,
    CHECK (debit_account_id <> credit_account_id)
) PARTITION BY RANGE (id);

CREATE INDEX movements_journal ON ledger.movements (journal_id);
CREATE INDEX movements_debit ON ledger.movements (debit_account_id, debit_version);
CREATE INDEX movements_credit ON ledger.movements (credit_account_id, credit_version);

-- A hold announces an amount between two accounts, a release takes it back; posted balances are untouched by both.
CREATE TABLE ledger.pending_transfers (
    id                uuid NOT NULL PRIMARY KEY,
    journal_id        uuid NOT NULL,
    line              integer NOT NULL CHECK (line > 0),
    action            text NOT NULL CHECK (action IN ('hold', 'release')),
    kind              text NOT NULL,
    payment_id        uuid NOT NULL,
    debit_account_id  uuid NOT NULL,
    credit_account_id uuid NOT NULL,
    amount            bigint NOT NULL CHECK (amount > 0),
    currency          text NOT NULL,
    effective_at      timestamptz NOT NULL,
    posted_at         timestamptz NOT NULL,
    CHECK (debit_account_id <> credit_account_id)
) PARTITION BY RANGE (id);

CREATE INDEX pending_transfers_journal ON ledger.pending_transfers (journal_id);
CREATE INDEX pending_transfers_payment ON ledger.pending_transfers (payment_id);

CREATE VIEW ledger.entries AS
    SELECT id AS movement_id, journal_id, line, kind, debit_account_id AS account_id, credit_account_id AS counter_account_id,
           'debit' AS direction, amount, currency, debit_version AS version, debit_balance AS balance, effective_at, posted_at
    FROM ledger.movements
    UNION ALL
    SELECT id, journal_id, line, kind, credit_account_id, debit_account_id,
           'credit', amount, currency, credit_version, credit_balance, effective_at, posted_at
    FROM ledger.movements;

-- What a control found. One row per (kind, subject); seen again it is only touched, seen no more it is resolved.
CREATE TABLE ledger.findings (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind          text NOT NULL,
    subject       text NOT NULL,
    detail        text NOT NULL,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at  timestamptz NOT NULL DEFAULT now(),
    resolved_at   timestamptz,
    UNIQUE (kind, subject)
);

-- How far each control has come in each publisher partition.
CREATE TABLE ledger.control_marks (
    control   text NOT NULL,
    partition integer NOT NULL,
    epoch     uuid NOT NULL,
    seq       bigint NOT NULL,
    journals  bigint NOT NULL,
    PRIMARY KEY (control, partition)
);
