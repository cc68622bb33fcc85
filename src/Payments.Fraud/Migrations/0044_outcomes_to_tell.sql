-- Redis is told of an outcome after it was stored. Which are still to be told is a small table of its own: a mark on the outcome itself wrote the row, and its entry in
-- each of ten indexes, a second time.
--
-- in_redis, and its index, stay for processes of the version before: to them everything is told. What they write is told by whoever reads this table.
--
-- Locked first: what a process of the version before writes meanwhile comes before this or after it.
LOCK TABLE outcomes IN ACCESS EXCLUSIVE MODE;

CREATE TABLE outcomes_to_tell (
    event_id uuid        NOT NULL PRIMARY KEY,
    at       timestamptz NOT NULL);

INSERT INTO outcomes_to_tell (event_id, at) SELECT event_id, at FROM outcomes WHERE NOT in_redis;
UPDATE outcomes SET in_redis = true WHERE NOT in_redis;
ALTER TABLE outcomes ALTER COLUMN in_redis SET DEFAULT true;

CREATE FUNCTION outcomes_are_to_be_told() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
    INSERT INTO outcomes_to_tell (event_id, at) SELECT event_id, at FROM stored;
    RETURN NULL;
END
$$;
CREATE TRIGGER outcomes_are_to_be_told AFTER INSERT ON outcomes REFERENCING NEW TABLE AS stored FOR EACH STATEMENT EXECUTE FUNCTION outcomes_are_to_be_told();
