-- Whether an attempt was raised before is asked at every look at what is unresolved.
CREATE INDEX incidents_of_attempt ON incidents (attempt_id, kind) WHERE attempt_id IS NOT NULL;
DROP INDEX incidents_open_of_attempt;
