-- Payments come in the order of their age, and reports of a whole mode read weeks of them: an index of block ranges finds those, and costs
-- a payment nothing.
DROP INDEX risk_outcomes_of_mode;
CREATE INDEX risk_outcomes_by_age ON risk_outcomes USING brin (created_at);
