-- The running service works as role ledger_writer: it may execute the functions of the books, read them, and use the tables of
-- the plumbing in schema public. Migrations run as the owner. Where the owner may not create roles, an administrator creates
-- ledger_writer and this grant block is run again by hand, or the service is told to do without (Payments:Ledger:DatabaseRole).

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_writer') THEN
        BEGIN
            CREATE ROLE ledger_writer NOLOGIN;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN
                NULL; -- another database of this server was migrated at the same moment
            WHEN insufficient_privilege THEN
                RAISE WARNING 'role ledger_writer could not be created: the ledger''s service has to run as the owner of its database';
                RETURN;
        END;
    END IF;

    IF NOT pg_has_role(current_user, 'ledger_writer', 'MEMBER') THEN
        EXECUTE format('GRANT ledger_writer TO %I', current_user);
    END IF;

    GRANT USAGE ON SCHEMA ledger TO ledger_writer;
    GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO ledger_writer;
    GRANT INSERT, UPDATE ON ledger.findings, ledger.control_marks TO ledger_writer;
    GRANT EXECUTE ON FUNCTION ledger.open_accounts, ledger.post_journals, ledger.make_partitions, ledger.uuid_floor, ledger.journal_text TO ledger_writer;

    GRANT USAGE ON SCHEMA public TO ledger_writer;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ledger_writer;
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ledger_writer;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ledger_writer;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO ledger_writer;
    REVOKE INSERT, UPDATE, DELETE ON schema_migrations FROM ledger_writer;
END $$;
