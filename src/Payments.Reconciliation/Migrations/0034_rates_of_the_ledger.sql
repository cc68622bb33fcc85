-- The rates at which exchanges are expected are the ledger's, taken over version by version: of those that are valid at a line's time the
-- newest counts, as it does in the ledger. Version 0 is what was put here beside the ledger: it counts from its day on, where the ledger has none.

ALTER TABLE recon.rates
    ADD COLUMN version     bigint      NOT NULL DEFAULT 0 CHECK (version >= 0),
    ADD COLUMN valid_from  timestamptz NULL,
    ADD COLUMN valid_until timestamptz NULL,
    ADD CHECK ((version = 0) = (valid_from IS NULL) AND (version = 0) = (valid_until IS NULL)),
    DROP CONSTRAINT rates_pkey,
    ADD PRIMARY KEY (currency, net_currency, version, day);

CREATE UNIQUE INDEX rates_versions ON recon.rates (currency, net_currency, version) WHERE version > 0;
