-- While the event log is closed (outbox_close, on a restored database) no payment is made or changed either: what would be written
-- before a provider is called could not be followed by what comes of it. Reinstating alone writes then.
CREATE FUNCTION commits_wait_for_the_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('payments.reinstating', true), '') <> 'on' AND EXISTS (SELECT FROM outbox_heads WHERE closed_because IS NOT NULL) THEN
        RAISE EXCEPTION 'the event log is closed' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER commits_wait_for_the_log BEFORE INSERT ON commits FOR EACH STATEMENT EXECUTE FUNCTION commits_wait_for_the_log();
