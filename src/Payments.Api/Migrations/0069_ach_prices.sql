-- What a merchant pays for debits of bank accounts (ACH): a rate with a most. Plans that stand have the price that is usual, 0.8 % up to
-- 5 US dollars.
ALTER TABLE merchant_plans
    ADD COLUMN ach_rate_per_million integer NOT NULL DEFAULT 8000 CHECK (ach_rate_per_million BETWEEN 0 AND 1000000),
    ADD COLUMN ach_most_us_cents    bigint  NOT NULL DEFAULT 500  CHECK (ach_most_us_cents BETWEEN 0 AND 100000);
