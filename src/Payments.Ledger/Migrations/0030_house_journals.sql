-- What is booked without a payment event: what providers settled, and corrections that close a break of reconciliation. The caller
-- makes the id, which is the journal's too; the first content stands, and another one under the same id is refused.
-- Exchange rates: what an operator gave, from when to when, never changed; of several the newest version counts.

CREATE TABLE ledger.house_journals (
    id           uuid        NOT NULL PRIMARY KEY,
    mode         text        NOT NULL CHECK (mode IN ('test', 'live')),
    type         text        NOT NULL CHECK (type IN ('provider.settled', 'reconciliation.corrected')),
    content_hash bytea       NOT NULL CHECK (length(content_hash) = 32),
    content      jsonb       NOT NULL,
    proposed_by  text        NULL,
    approved_by  text        NULL,
    booked_at    timestamptz NOT NULL DEFAULT now(),
    CHECK (type <> 'reconciliation.corrected' OR proposed_by IS NOT NULL),
    CHECK (approved_by <> proposed_by)
);

CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON ledger.house_journals FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.house_journals FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- Corrections above this amount need a second person; a currency without a row has the limit of '*'.
CREATE TABLE ledger.correction_limits (
    currency text   NOT NULL PRIMARY KEY,
    above    bigint NOT NULL CHECK (above >= 0)
);

INSERT INTO ledger.correction_limits (currency, above) VALUES ('*', 10000), ('JPY', 10000), ('KRW', 100000), ('BHD', 50000), ('KWD', 50000), ('HUF', 3000000);

-- rate: how many major units of quote one major unit of base is worth.
CREATE TABLE ledger.rates (
    version     bigint         NOT NULL,
    base        text           NOT NULL CHECK (base ~ '^[A-Z]{3}$'),
    quote       text           NOT NULL CHECK (quote ~ '^[A-Z]{3}$'),
    rate        numeric(24,12) NOT NULL CHECK (rate > 0),
    source      text           NOT NULL CHECK (source <> ''),
    observed_at timestamptz    NOT NULL,
    valid_from  timestamptz    NOT NULL,
    valid_until timestamptz    NOT NULL,
    uploaded_by text           NOT NULL,
    uploaded_at timestamptz    NOT NULL DEFAULT now(),
    PRIMARY KEY (base, quote, version),
    CHECK (base <> quote),
    CHECK (valid_until > valid_from)
);

CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON ledger.rates FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.rates FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- NULL where no rate is valid: nobody guesses one.
CREATE FUNCTION ledger.rate_at(p_base text, p_quote text, p_at timestamptz) RETURNS numeric
LANGUAGE sql STABLE SET search_path = pg_catalog, ledger, pg_temp AS $$
    SELECT r.rate FROM ledger.rates r
    WHERE r.base = p_base AND r.quote = p_quote AND r.valid_from <= p_at AND p_at < r.valid_until
    ORDER BY r.version DESC LIMIT 1
$$;

REVOKE ALL ON FUNCTION ledger.rate_at FROM PUBLIC;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_writer') THEN
        GRANT SELECT, INSERT ON ledger.house_journals, ledger.rates TO ledger_writer;
        GRANT SELECT ON ledger.correction_limits TO ledger_writer;
        GRANT EXECUTE ON FUNCTION ledger.rate_at TO ledger_writer;
    END IF;
END $$;
