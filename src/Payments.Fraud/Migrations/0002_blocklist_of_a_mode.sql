-- What is blocked while testing must not reject live payments: an entry counts in one mode. Entries from before counted in both, and
-- still do: each becomes two. The copy's id differs in its last bit, so that it keeps its place among the newest first.
ALTER TABLE blocklist ADD COLUMN mode text CHECK (mode IN ('test', 'live'));
UPDATE blocklist SET mode = 'live';
ALTER TABLE blocklist ALTER COLUMN mode SET NOT NULL;
ALTER TABLE blocklist DROP CONSTRAINT blocklist_kind_value_merchant_id_key;
ALTER TABLE blocklist ADD UNIQUE NULLS NOT DISTINCT (mode, kind, value, merchant_id);
INSERT INTO blocklist (id, mode, merchant_id, kind, value, reason, created_at)
SELECT encode(set_byte(uuid_send(id), 15, get_byte(uuid_send(id), 15) # 1), 'hex')::uuid, 'test', merchant_id, kind, value, reason, created_at
FROM blocklist;
