-- A posting conflict is seen once, when it is posted, so no control can see that it is gone: a person closes it and says why. Who it
-- was stands in the audit of the operators' API.
ALTER TABLE ledger.findings ADD COLUMN close_reason text CHECK (length(close_reason) BETWEEN 1 AND 2000);
