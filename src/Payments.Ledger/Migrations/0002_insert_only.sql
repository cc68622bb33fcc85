-- Rows of the books are never changed or removed, whoever asks: triggers on every table and every partition, also future ones.
-- A row trigger on a partitioned table is cloned to its partitions; a statement trigger (the only kind that sees TRUNCATE) is
-- not, so the function that makes partitions puts it there.

CREATE FUNCTION ledger.refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of %.% is refused: the books are insert-only; post a correcting journal', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON ledger.accounts FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.accounts FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON ledger.account_kinds FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.account_kinds FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON ledger.journals FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.journals FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON ledger.movements FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.movements FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON ledger.pending_transfers FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.pending_transfers FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON ledger.balances FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER refuse_delete BEFORE DELETE OR TRUNCATE ON ledger.chain_heads FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- The smallest UUIDv7 of a moment.
CREATE FUNCTION ledger.uuid_floor(moment timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- Makes the month partitions from last month to p_months_ahead and returns the names of those it made. A month whose rows
-- already lie in the DEFAULT partition cannot be made any more: it is skipped, and the default partition's alarm tells.
CREATE FUNCTION ledger.make_partitions(p_months_ahead integer) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_parent text;
    v_month  timestamp;
    v_name   text;
    v_made   text[] := '{}';
BEGIN
    SET LOCAL lock_timeout = '5s';
    PERFORM pg_advisory_xact_lock(hashtext('ledger.make_partitions'));
    FOREACH v_parent IN ARRAY ARRAY['journals', 'movements', 'pending_transfers'] LOOP
        FOR v_month IN
            SELECT generate_series(date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 month',
                                   date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => p_months_ahead), interval '1 month')
        LOOP
            v_name := v_parent || to_char(v_month, '_YYYY_MM');
            CONTINUE WHEN to_regclass('ledger.' || v_name) IS NOT NULL;
            BEGIN
                EXECUTE format('CREATE TABLE ledger.%I PARTITION OF ledger.%I FOR VALUES FROM (%L) TO (%L)', v_name, v_parent,
                    ledger.uuid_floor(v_month AT TIME ZONE 'UTC'), ledger.uuid_floor((v_month + interval '1 month') AT TIME ZONE 'UTC'));
                EXECUTE format('CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.%I FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()', v_name);
                v_made := v_made || v_name;
            EXCEPTION WHEN check_violation THEN
                RAISE WARNING 'partition % cannot be made: its rows are in the default partition', v_name;
            END;
        END LOOP;
    END LOOP;
    RETURN v_made;
END $$;

CREATE TABLE ledger.journals_default PARTITION OF ledger.journals DEFAULT;
CREATE TABLE ledger.movements_default PARTITION OF ledger.movements DEFAULT;
CREATE TABLE ledger.pending_transfers_default PARTITION OF ledger.pending_transfers DEFAULT;
CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.journals_default FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.movements_default FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.pending_transfers_default FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

SELECT ledger.make_partitions(3);
