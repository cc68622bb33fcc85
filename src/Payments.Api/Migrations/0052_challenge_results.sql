-- How many results of a challenge were handed to its provider without an answer: counted before the call, because a provider may authorize
-- by it, and the answer may never arrive. Only on a payment of the version that was read, so that a cancellation comes before or after it.
ALTER TABLE attempts ADD COLUMN handed_over integer NOT NULL DEFAULT 0 CHECK (handed_over >= 0);
