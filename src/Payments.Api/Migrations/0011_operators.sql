-- Operators' keys, and the record of what operators did, which nobody may change afterwards: each row holds the hash of the row
-- before it, so that a row removed or altered by other means shows.
CREATE TABLE operator_keys (
    id         uuid        PRIMARY KEY,
    name       text        NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    hash       text        NOT NULL UNIQUE CHECK (hash ~ '^[0-9a-f]{64}$'),
    last4      text        NOT NULL CHECK (length(last4) = 4),
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz);

CREATE TABLE audit_entries (
    seq             bigint      PRIMARY KEY,
    at              timestamptz NOT NULL,
    operator_key_id uuid        NOT NULL,
    operator_name   text        NOT NULL,
    request_id      text        NOT NULL,
    action          text        NOT NULL,
    target          text        NOT NULL,
    detail          jsonb       NOT NULL,
    previous_hash   bytea       NOT NULL,
    hash            bytea       NOT NULL);

CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit entries are only ever added' USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE ON audit_entries FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_entries_no_truncate BEFORE TRUNCATE ON audit_entries FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();

CREATE FUNCTION audit_append(operator_key_id uuid, operator_name text, request_id text, action text, target text, detail jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    last audit_entries%ROWTYPE;
    at_now timestamptz := clock_timestamp();
BEGIN
    -- One writer at a time keeps the chain whole; operators act rarely.
    PERFORM pg_advisory_xact_lock(hashtext('audit_entries'));
    SELECT * INTO last FROM audit_entries ORDER BY seq DESC LIMIT 1;
    INSERT INTO audit_entries (seq, at, operator_key_id, operator_name, request_id, action, target, detail, previous_hash, hash)
    VALUES (coalesce(last.seq, 0) + 1, at_now, audit_append.operator_key_id, audit_append.operator_name, audit_append.request_id, audit_append.action,
        audit_append.target, audit_append.detail, coalesce(last.hash, '\x'::bytea),
        sha256(coalesce(last.hash, '\x'::bytea) || convert_to(concat_ws(E'\n', coalesce(last.seq, 0) + 1, extract(epoch FROM at_now), audit_append.operator_key_id,
            audit_append.request_id, audit_append.action, audit_append.target, audit_append.detail), 'UTF8')));
END $$;
