-- A bank's report is uploaded by a person, and nothing proves that the bank wrote it: what makes a payout payable again needs the statement, or two people
-- who say or upload it.

CREATE FUNCTION ledger.check_payout_upload() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger, pg_temp AS $$
BEGIN
    IF (SELECT count(*) FROM ledger.payout_reports r WHERE r.payout_id = NEW.payout_id AND r.state = NEW.state) < 2 THEN
        RAISE EXCEPTION 'that payout % is % says neither the statement nor a second person', NEW.payout_id, NEW.state USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    RETURN NEW;
END $$;

CREATE TRIGGER check_payout_upload BEFORE INSERT ON ledger.payout_changes FOR EACH ROW
    WHEN (NEW.state IN ('failed', 'returned') AND NEW.evidence <> 'statement') EXECUTE FUNCTION ledger.check_payout_upload();

REVOKE ALL ON FUNCTION ledger.check_payout_upload FROM PUBLIC;
