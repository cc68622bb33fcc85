-- An event's data is a document of under two thousand bytes, which PostgreSQL compresses only where it is told to: half the bytes to
-- write, to log and to replicate, for a few microseconds. What stands is left as it is.
ALTER TABLE outbox ALTER COLUMN data SET STORAGE MAIN;
ALTER TABLE outbox ALTER COLUMN data SET COMPRESSION lz4;
ALTER TABLE outbox SET (toast_tuple_target = 128);
