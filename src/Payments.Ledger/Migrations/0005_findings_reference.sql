-- Where a finding came from (partition/number of the publisher's event), so that a control can look at exactly that again.

ALTER TABLE ledger.findings ADD COLUMN reference text;
CREATE INDEX findings_open ON ledger.findings (kind) WHERE resolved_at IS NULL;

-- Marks hold positions only; what lies between them is compared event by event.
ALTER TABLE ledger.control_marks DROP COLUMN journals;
