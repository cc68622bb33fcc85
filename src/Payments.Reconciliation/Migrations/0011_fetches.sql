-- Reports that are to be fetched from providers: durable before the first request, and tried until they are here or refused.
CREATE TABLE recon.fetches (
    mode          text        NOT NULL CHECK (mode IN ('test', 'live')),
    provider      text        NOT NULL CHECK (provider IN ('stripe', 'adyen')),
    -- What the provider calls it: the file of a report, or a payout.
    name          text        NOT NULL,
    state         text        NOT NULL CHECK (state IN ('due', 'done', 'refused')),
    tries         integer     NOT NULL DEFAULT 0,
    -- When it is tried next; while one process fetches it, until when the others leave it alone.
    due_at        timestamptz NULL,
    -- What the last try came to, in our words: never an address, a header or a body.
    failure       text        NULL,
    import_number bigint      NULL REFERENCES recon.imports,
    announced_at  timestamptz NOT NULL DEFAULT now(),
    ended_at      timestamptz NULL,
    PRIMARY KEY (mode, provider, name),
    CHECK ((state = 'due') = (due_at IS NOT NULL)),
    CHECK (state <> 'done' OR import_number IS NOT NULL),
    CHECK (state <> 'refused' OR failure IS NOT NULL)
);

CREATE INDEX fetches_due ON recon.fetches (due_at) WHERE state = 'due';
