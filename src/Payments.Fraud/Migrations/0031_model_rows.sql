-- What the model saw of each payment: parties as keyed hashes, the row of features without loss, and what the models in use made of it.
-- Training takes these very rows; reasons are made of them later; the state of features is rebuilt from them. Names of features are kept
-- by catalogue, so that rows of an older version can be read. Answers come from the events of payments.
CREATE TABLE model_catalogues (
    id    integer NOT NULL PRIMARY KEY,
    names text[]  NOT NULL);

CREATE TABLE model_rows (
    payment_id       uuid             NOT NULL PRIMARY KEY,
    mode             text             NOT NULL CHECK (mode IN ('test', 'live')),
    merchant_id      uuid             NOT NULL,
    at               timestamptz      NOT NULL,
    amount           bigint           NOT NULL,
    card             bigint           NOT NULL,
    customer         bigint           NOT NULL,
    ip               bigint           NOT NULL,
    device           bigint           NOT NULL,
    email            bigint           NOT NULL,
    ordinary         boolean          NOT NULL,
    catalogue        integer          NOT NULL,
    features         bytea            NOT NULL,
    champion_id      uuid,
    own_id           uuid,
    own_weight       double precision,
    score            double precision,
    challenger_id    uuid,
    challenger_score double precision,
    stored_at        timestamptz      NOT NULL DEFAULT clock_timestamp());
CREATE INDEX model_rows_by_time ON model_rows (mode, at);
CREATE INDEX model_rows_of_merchant ON model_rows (mode, merchant_id, at);
CREATE INDEX model_rows_stored ON model_rows (stored_at);

CREATE TABLE model_answers (
    payment_id uuid        NOT NULL,
    kind       text        NOT NULL CHECK (kind IN ('approved', 'declined', 'authenticated', 'not_authenticated')),
    mode       text        NOT NULL CHECK (mode IN ('test', 'live')),
    at         timestamptz NOT NULL,
    stored_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (payment_id, kind));
CREATE INDEX model_answers_by_time ON model_answers (mode, at);
CREATE INDEX model_answers_stored ON model_answers (stored_at);
