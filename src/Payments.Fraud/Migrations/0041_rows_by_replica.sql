-- Which process scored a payment: what it scored itself it has counted already, and looks in the table for what others did. Rows of
-- the version before name nobody, and are looked at by all.
ALTER TABLE model_rows ADD COLUMN replica uuid;
