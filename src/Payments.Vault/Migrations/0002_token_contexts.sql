-- What was told of the browser that made a token (risk_context): personal data, sealed, and in a table of its own, so that it can be
-- erased while the token stays. The hash of the e-mail address is keyed, within a merchant and mode: by it a person's rows are found.
CREATE TABLE token_contexts (
    token_id    uuid  NOT NULL PRIMARY KEY REFERENCES tokens (id),
    merchant_id uuid  NOT NULL,
    mode        text  NOT NULL CHECK (mode IN ('test', 'live')),
    sealed      text  NOT NULL,
    email       bytea NULL CHECK (length(email) = 32));

CREATE INDEX token_contexts_of_email ON token_contexts (merchant_id, mode, email) WHERE email IS NOT NULL;
