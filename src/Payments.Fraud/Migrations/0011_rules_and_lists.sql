-- Rules and lists, of a merchant or (merchant_id null) of the platform for all. A version of a rule never changes; what may change is
-- which version is active. Every change stands in risk_audit with its maker, before and after. The table blocklist is left to processes
-- of the version before, which read it until they are replaced; nothing else does.
CREATE TABLE rules (
    id             uuid        NOT NULL PRIMARY KEY,
    mode           text        NOT NULL CHECK (mode IN ('test', 'live')),
    merchant_id    uuid,
    name           text        NOT NULL CHECK (name ~ '^[a-z][a-z0-9_]{0,49}$'),
    built_in       boolean     NOT NULL DEFAULT false,
    latest_version integer     NOT NULL CHECK (latest_version >= 1),
    active_version integer     CHECK (active_version BETWEEN 1 AND latest_version),
    created_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (mode, merchant_id, name));

CREATE TABLE rule_versions (
    mode       text        NOT NULL CHECK (mode IN ('test', 'live')),
    rule_id    uuid        NOT NULL REFERENCES rules (id),
    version    integer     NOT NULL CHECK (version >= 1),
    condition  text        NOT NULL CHECK (length(condition) BETWEEN 1 AND 2000),
    action     text        NOT NULL CHECK (action IN ('allow', 'challenge', 'review', 'reject')),
    reason     text        NOT NULL CHECK (reason ~ '^[a-z][a-z0-9_]{0,49}$'),
    created_by text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    dry_run    jsonb,
    PRIMARY KEY (rule_id, version));

CREATE TABLE list_entries (
    id          uuid        NOT NULL PRIMARY KEY,
    mode        text        NOT NULL CHECK (mode IN ('test', 'live')),
    merchant_id uuid,
    action      text        NOT NULL CHECK (action IN ('allow', 'block')),
    kind        text        NOT NULL CHECK (kind IN ('fingerprint', 'bin', 'email', 'email_domain', 'ip', 'ip_range', 'country', 'customer')),
    -- What is compared: for an e-mail, address or customer its keyed hash, and the text itself is sealed beside it.
    value       text        NOT NULL CHECK (length(value) BETWEEN 1 AND 255),
    sealed      text,
    reason      text        CHECK (length(reason) BETWEEN 1 AND 200),
    created_by  text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CHECK (kind NOT IN ('email', 'ip', 'customer') OR (value ~ '^[0-9a-f]{32}$' AND sealed IS NOT NULL)),
    CHECK (kind <> 'customer' OR merchant_id IS NOT NULL),
    UNIQUE NULLS NOT DISTINCT (mode, merchant_id, action, kind, value));
CREATE INDEX list_entries_of_owner ON list_entries (mode, merchant_id, id);

INSERT INTO list_entries (id, mode, merchant_id, action, kind, value, reason, created_by, created_at)
SELECT id, mode, merchant_id, 'block', kind, value, reason, 'blocklist', created_at FROM blocklist;

CREATE TABLE risk_audit (
    id          bigint      NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mode        text        NOT NULL CHECK (mode IN ('test', 'live')),
    merchant_id uuid,
    at          timestamptz NOT NULL DEFAULT now(),
    actor       text        NOT NULL,
    action      text        NOT NULL,
    object      uuid        NOT NULL,
    before      jsonb,
    after       jsonb);
CREATE INDEX risk_audit_of_object ON risk_audit (object, id);

-- Without mode: one number for everything that processes keep in memory, so that they know when to read it again.
CREATE TABLE risk_revision (
    one      boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (one),
    revision bigint  NOT NULL);
INSERT INTO risk_revision (revision) VALUES (1);

CREATE FUNCTION risk_changed() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN UPDATE risk_revision SET revision = revision + 1; RETURN NULL; END $$;
CREATE TRIGGER rules_changed AFTER INSERT OR UPDATE OR DELETE ON rules FOR EACH STATEMENT EXECUTE FUNCTION risk_changed();
CREATE TRIGGER list_entries_changed AFTER INSERT OR UPDATE OR DELETE ON list_entries FOR EACH STATEMENT EXECUTE FUNCTION risk_changed();

-- A version says for ever what it said; only the result of its dry run is added. The audit is only added to.
CREATE FUNCTION rule_version_stays() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
    IF TG_OP = 'DELETE' OR (NEW.mode, NEW.rule_id, NEW.version, NEW.condition, NEW.action, NEW.reason, NEW.created_by, NEW.created_at)
        IS DISTINCT FROM (OLD.mode, OLD.rule_id, OLD.version, OLD.condition, OLD.action, OLD.reason, OLD.created_by, OLD.created_at) THEN
        RAISE EXCEPTION 'a version of a rule never changes';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER rule_version_stays BEFORE UPDATE OR DELETE ON rule_versions FOR EACH ROW EXECUTE FUNCTION rule_version_stays();
CREATE FUNCTION risk_audit_stays() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit is only added to'; END $$;
CREATE TRIGGER risk_audit_stays BEFORE UPDATE OR DELETE ON risk_audit FOR EACH ROW EXECUTE FUNCTION risk_audit_stays();

-- The platform's rules: active for live payments; for test payments they are there to be switched on, since whoever tries things out
-- pays with the same few cards again and again.
WITH built_in (place, name, condition, action) AS (VALUES
    (1, 'card_at_many_merchants',     'card.merchants_1h > 3',                'reject'),
    (2, 'many_cards_from_one_ip',     'ip.cards_1h > 5',                      'reject'),
    (3, 'card_tried_often',           'card.attempts_5m > 3',                 'review'),
    (4, 'large_first_purchase',       'first_purchase and amount_usd > 500',  'review'),
    (5, 'ip_country_differs',         'card.country != ip.country',           'review'),
    (6, 'shipping_country_differs',   'card.country != shipping.country',     'review'),
    (7, 'unusual_amount_at_merchant', 'amount_sigmas > 3',                    'review')),
added AS (
    INSERT INTO rules (id, mode, name, built_in, latest_version, active_version)
    SELECT format('00000000-0000-7000-8000-00000000%s%s', CASE mode WHEN 'live' THEN '01' ELSE '02' END, lpad(place::text, 2, '0'))::uuid, mode, name, true, 1,
        CASE mode WHEN 'live' THEN 1 END
    FROM built_in, unnest(ARRAY['live', 'test']) AS mode
    RETURNING id, mode, name)
INSERT INTO rule_versions (mode, rule_id, version, condition, action, reason, created_by)
SELECT a.mode, a.id, 1, b.condition, b.action, b.name, 'built_in' FROM added AS a JOIN built_in AS b USING (name);
