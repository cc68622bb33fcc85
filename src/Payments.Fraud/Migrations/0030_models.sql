-- Models, each with its file, where it comes from and what it may decide; and who changed that. A mode has one champion and at most one
-- challenger for all merchants, and may have one of each for a merchant of its own. Models of test payments decide no live ones.
CREATE TABLE models (
    id            uuid        NOT NULL PRIMARY KEY,
    mode          text        NOT NULL CHECK (mode IN ('test', 'live')),
    merchant_id   uuid,
    version       text        NOT NULL CHECK (length(version) BETWEEN 1 AND 100),
    state         text        NOT NULL CHECK (state IN ('candidate', 'challenger', 'champion', 'retired')),
    trainer       text        NOT NULL,
    trained_rows  bigint      NOT NULL CHECK (trained_rows >= 0),
    frauds        bigint      NOT NULL CHECK (frauds >= 0),
    payments      bigint      NOT NULL CHECK (payments >= 0),
    data_from     timestamptz NOT NULL,
    data_to       timestamptz NOT NULL,
    metrics       jsonb       NOT NULL,
    file          bytea       NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    state_since   timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (mode, merchant_id, version));

CREATE UNIQUE INDEX models_one_champion ON models (mode, merchant_id) NULLS NOT DISTINCT WHERE state = 'champion';
CREATE UNIQUE INDEX models_one_challenger ON models (mode, merchant_id) NULLS NOT DISTINCT WHERE state = 'challenger';

CREATE TABLE model_changes (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_id   uuid        NOT NULL,
    mode       text        NOT NULL CHECK (mode IN ('test', 'live')),
    from_state text,
    to_state   text        NOT NULL,
    changed_by text        NOT NULL CHECK (length(changed_by) BETWEEN 1 AND 200),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE INDEX model_changes_of_model ON model_changes (model_id, id);
