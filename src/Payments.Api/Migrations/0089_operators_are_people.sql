-- Four eyes are two people, and an operator may have several keys: each key is a person's. The installation's own key (bootstrap) names people;
-- everybody else makes keys of their own only. Whose the keys are that stand already nobody knows: they count as one person together.
ALTER TABLE operator_keys ADD COLUMN person text NOT NULL DEFAULT 'unnamed' CHECK (person ~ '^[a-z0-9][a-z0-9._@-]{0,99}$');
UPDATE operator_keys SET person = 'bootstrap' WHERE id = (SELECT id FROM operator_keys WHERE name = 'bootstrap' ORDER BY created_at, id LIMIT 1);
