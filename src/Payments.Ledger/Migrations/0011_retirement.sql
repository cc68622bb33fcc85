-- A month that is older than the retention is retired: its partitions go, and its signed closing stands for it as the opening
-- balance of what stays. Rows of the month's ids that were posted after its end are carried over into the partition of retired
-- months, which takes nothing new: an event of a retired month can not be posted a second time.

CREATE TABLE ledger.retired_months (
    month             date PRIMARY KEY REFERENCES ledger.closings (month),
    retired_at        timestamptz NOT NULL DEFAULT now(),
    journals          bigint NOT NULL, -- removed
    movements         bigint NOT NULL,
    pending_transfers bigint NOT NULL,
    carried_journals  bigint NOT NULL, -- of ids of this month or before, posted later
    archive           text,
    transaction       xid8 NOT NULL DEFAULT pg_current_xact_id() -- the one that may drop the partitions
);

-- What removed rows held, or released, of authorizations that other rows complete: so that a payment's holds still add up.
CREATE TABLE ledger.opening_holds (
    month      date NOT NULL REFERENCES ledger.retired_months (month),
    payment_id uuid NOT NULL,
    amount     bigint NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (payment_id, month)
);

CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.retired_months FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.opening_holds FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

CREATE FUNCTION ledger.refuse_retired() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row with id % is of a retired month: nothing is posted there any more', NEW.id USING ERRCODE = 'restrict_violation';
END $$;

-- Null where nothing was retired.
CREATE FUNCTION ledger.horizon() RETURNS date
LANGUAGE sql STABLE AS $$ SELECT max(r.month) FROM ledger.retired_months r $$;

-- A month's rows are one partition of each table; before the first retirement the books may begin in several that hold nothing yet.
CREATE FUNCTION ledger.retire_month(p_month date, p_keep_months integer, p_archive text)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_end      timestamptz := (p_month + interval '1 month') AT TIME ZONE 'UTC';
    v_ceiling  uuid := ledger.uuid_floor((p_month + interval '1 month') AT TIME ZONE 'UTC');
    v_before   date := (SELECT max(c.month) FROM ledger.closings c WHERE c.month < p_month);
    v_closing  ledger.closings;
    v_bounds   record;
    v_parent   text;
    v_dropped  text;
    v_found    bigint;
    v_removed  bigint[] := '{}';
    v_carried  bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('ledger.make_partitions'));
    SELECT c.* INTO v_closing FROM ledger.closings c WHERE c.month = p_month;
    IF v_closing.month IS NULL THEN
        RAISE EXCEPTION 'month % was not closed: it has no opening balances to leave', p_month USING ERRCODE = 'object_not_in_prerequisite_state';
    ELSIF p_keep_months < 1 OR v_end + make_interval(months => p_keep_months) > now() THEN
        RAISE EXCEPTION 'month % is not older than % months', p_month, p_keep_months USING ERRCODE = 'object_not_in_prerequisite_state';
    ELSIF ledger.horizon() IS DISTINCT FROM v_before THEN
        RAISE EXCEPTION 'months are retired one after the other, and % is not the next', p_month USING ERRCODE = 'object_not_in_prerequisite_state';
    ELSIF EXISTS (SELECT FROM ledger.findings f WHERE f.resolved_at IS NULL) THEN
        RAISE EXCEPTION 'month % is not retired while findings are open', p_month USING ERRCODE = 'object_not_in_prerequisite_state';
    ELSIF EXISTS (SELECT FROM ledger.journals_default) OR EXISTS (SELECT FROM ledger.movements_default) OR EXISTS (SELECT FROM ledger.pending_transfers_default) THEN
        RAISE EXCEPTION 'month % is not retired while rows lie in a default partition', p_month USING ERRCODE = 'object_not_in_prerequisite_state';
    ELSIF EXISTS (SELECT FROM public.dead_letters d WHERE d.replayed_at IS NULL AND d.event_id < v_ceiling) THEN
        RAISE EXCEPTION 'month % is not retired while an event of it waits among the dead letters', p_month USING ERRCODE = 'object_not_in_prerequisite_state';
    ELSIF EXISTS (
        SELECT FROM ledger.journals_of(v_before, p_month) j
        WHERE j.event_seq > coalesce((SELECT m.seq FROM ledger.control_marks m WHERE m.control = 'completeness' AND m.partition = j.partition), 0)) THEN
        RAISE EXCEPTION 'month % is not retired before all of its journals were compared with their events', p_month USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;

    -- The closing once more, from the rows that are about to go.
    v_bounds := ledger.bounds_of(v_before, p_month);
    SELECT count(*) INTO v_found
    FROM (SELECT b.* FROM ledger.closing_balances b WHERE b.month = p_month) b
    FULL JOIN ledger.recomputed_balances(v_before, p_month, v_bounds.low, v_bounds.high) r ON r.account_id = b.account_id
    WHERE b IS DISTINCT FROM r;
    IF v_found > 0 OR v_bounds.journals <> v_closing.journals
        OR ledger.closing_hash(p_month, v_closing.cut_at, v_closing.journals, v_closing.movements, v_closing.pending_transfers, v_closing.previous_hash) <> v_closing.hash THEN
        RAISE EXCEPTION 'month % is not retired: its rows do not give its closing', p_month USING ERRCODE = 'data_corrupted';
    END IF;

    -- From here on postings wait, for as long as it takes to set aside what was posted late and to drop tables.
    SET LOCAL lock_timeout = '5s';
    LOCK TABLE ledger.journals, ledger.movements, ledger.pending_transfers IN ACCESS EXCLUSIVE MODE;
    CREATE TEMPORARY TABLE retiring_journals ON COMMIT DROP AS
        SELECT j.*, (j.seq > coalesce(h.seq, 0)) AS late
        FROM ledger.journals j LEFT JOIN ledger.closing_heads h ON h.month = p_month AND h.partition = j.partition WHERE j.id < v_ceiling;
    CREATE INDEX ON pg_temp.retiring_journals (id);
    ANALYZE pg_temp.retiring_journals;
    CREATE TEMPORARY TABLE retiring_movements ON COMMIT DROP AS
        SELECT m.* FROM ledger.movements m JOIN pg_temp.retiring_journals j ON j.id = m.journal_id AND j.late WHERE m.id < v_ceiling;
    CREATE TEMPORARY TABLE retiring_pending ON COMMIT DROP AS
        SELECT p.* FROM ledger.pending_transfers p JOIN pg_temp.retiring_journals j ON j.id = p.journal_id AND j.late WHERE p.id < v_ceiling;
    SELECT count(*) FILTER (WHERE NOT j.late), count(*) FILTER (WHERE j.late) INTO v_found, v_carried FROM pg_temp.retiring_journals j;
    v_removed := ARRAY[
        v_found,
        (SELECT count(*) FROM ledger.movements m WHERE m.id < v_ceiling) - (SELECT count(*) FROM pg_temp.retiring_movements),
        (SELECT count(*) FROM ledger.pending_transfers p WHERE p.id < v_ceiling) - (SELECT count(*) FROM pg_temp.retiring_pending)];

    INSERT INTO ledger.retired_months (month, journals, movements, pending_transfers, carried_journals, archive)
    VALUES (p_month, v_removed[1], v_removed[2], v_removed[3], v_carried, p_archive);
    INSERT INTO ledger.opening_holds (month, payment_id, amount)
    SELECT p_month, p.payment_id, sum(CASE p.action WHEN 'hold' THEN p.amount ELSE -p.amount END)
    FROM ledger.pending_transfers p JOIN pg_temp.retiring_journals j ON j.id = p.journal_id AND NOT j.late
    WHERE p.id < v_ceiling
    GROUP BY p.payment_id HAVING sum(CASE p.action WHEN 'hold' THEN p.amount ELSE -p.amount END) <> 0;

    FOREACH v_parent IN ARRAY ARRAY['journals', 'movements', 'pending_transfers'] LOOP
        FOR v_dropped IN
            SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = format('ledger.%I', v_parent)::regclass
              AND (c.relname = v_parent || '_retired' OR (c.relname ~ ('^' || v_parent || '_\d{4}_\d{2}$') AND right(c.relname, 7) <= to_char(p_month, 'YYYY_MM')))
        LOOP
            EXECUTE format('DROP TABLE ledger.%I', v_dropped);
        END LOOP;
        EXECUTE format('CREATE TABLE ledger.%I PARTITION OF ledger.%I FOR VALUES FROM (MINVALUE) TO (%L)', v_parent || '_retired', v_parent, v_ceiling);
    END LOOP;

    INSERT INTO ledger.journals (id, partition, seq, mode, payment_id, merchant_id, event_type, event_seq, decision, movements,
        effective_at, posted_at, content_hash, previous_hash, hash)
    SELECT j.id, j.partition, j.seq, j.mode, j.payment_id, j.merchant_id, j.event_type, j.event_seq, j.decision, j.movements,
        j.effective_at, j.posted_at, j.content_hash, j.previous_hash, j.hash
    FROM pg_temp.retiring_journals j WHERE j.late;
    INSERT INTO ledger.movements SELECT m.* FROM pg_temp.retiring_movements m;
    INSERT INTO ledger.pending_transfers SELECT p.* FROM pg_temp.retiring_pending p;

    FOREACH v_parent IN ARRAY ARRAY['journals', 'movements', 'pending_transfers'] LOOP
        EXECUTE format('CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.%I FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()', v_parent || '_retired');
        EXECUTE format('CREATE TRIGGER refuse_retired BEFORE INSERT ON ledger.%I FOR EACH ROW EXECUTE FUNCTION ledger.refuse_retired()', v_parent || '_retired');
    END LOOP;
    RETURN v_found;
END $$;

-- Partitions of the books and their closings go by retire_month alone, also where their owner asks: the retirement that explains
-- it must be of the same transaction. A detached partition would be out of the books just as well. The guards stand outside the
-- schema, so that they do not go with it.
CREATE FUNCTION public.guard_ledger_drop() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_name text;
BEGIN
    FOR v_name IN SELECT d.object_name FROM pg_event_trigger_dropped_objects() d WHERE d.object_type = 'table' AND d.schema_name = 'ledger' LOOP
        IF v_name ~ '^(journals|movements|pending_transfers)(_|$)' OR v_name ~ '^(closings|closing_heads|closing_balances|retired_months|opening_holds)$' THEN
            IF to_regclass('ledger.retired_months') IS NULL THEN
                RAISE EXCEPTION 'the books are not dropped' USING ERRCODE = 'restrict_violation';
            ELSIF NOT EXISTS (
                SELECT FROM ledger.retired_months r WHERE r.transaction = pg_current_xact_id()
                  AND (v_name ~ '_retired$' OR (v_name ~ '_\d{4}_\d{2}$' AND right(v_name, 7) <= to_char(r.month, 'YYYY_MM')))) THEN
                RAISE EXCEPTION 'ledger.% is not dropped: retire its month, which leaves opening balances', v_name USING ERRCODE = 'restrict_violation';
            END IF;
        END IF;
    END LOOP;
END $$;

CREATE FUNCTION public.guard_ledger_detach() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_name text;
BEGIN
    SELECT c.relname INTO v_name FROM pg_class c
    WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind = 'r' AND c.relname ~ '^(journals|movements|pending_transfers)_' AND NOT c.relispartition LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger.% is not detached: retire its month, which leaves opening balances', v_name USING ERRCODE = 'restrict_violation';
    END IF;
END $$;

DO $$
BEGIN
    CREATE EVENT TRIGGER ledger_guard_drop ON sql_drop EXECUTE FUNCTION public.guard_ledger_drop();
    CREATE EVENT TRIGGER ledger_guard_detach ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION public.guard_ledger_detach();
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'event triggers could not be made: an owner of the books can drop a partition by hand, which the chain''s verification finds';
END $$;

REVOKE ALL ON FUNCTION ledger.horizon, ledger.retire_month FROM PUBLIC;

-- Retiring is a right of its own: whoever posts cannot retire.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_writer') THEN
        GRANT SELECT ON ledger.retired_months, ledger.opening_holds TO ledger_writer;
        GRANT EXECUTE ON FUNCTION ledger.horizon TO ledger_writer;
    END IF;

    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_retirer') THEN
        BEGIN
            CREATE ROLE ledger_retirer NOLOGIN;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN
                NULL; -- another database of this server was migrated at the same moment
            WHEN insufficient_privilege THEN
                RAISE WARNING 'role ledger_retirer could not be created: only the owner of the ledger''s database can retire months';
                RETURN;
        END;
    END IF;

    IF NOT pg_has_role(current_user, 'ledger_retirer', 'MEMBER') THEN
        EXECUTE format('GRANT ledger_retirer TO %I', current_user);
    END IF;

    GRANT USAGE ON SCHEMA ledger TO ledger_retirer;
    GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO ledger_retirer;
    GRANT EXECUTE ON FUNCTION ledger.retire_month, ledger.horizon, ledger.journals_of, ledger.bounds_of TO ledger_retirer;
END $$;
