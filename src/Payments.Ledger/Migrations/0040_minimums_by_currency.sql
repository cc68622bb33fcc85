-- The least amount of a payout is of a currency: 5000 is fifty dollars, five dinars or five thousand yen. "minimum" is that of every currency without
-- one of its own. currency -> minor units.
ALTER TABLE ledger.payout_settings
    ADD COLUMN minimums jsonb NOT NULL DEFAULT '{}'
        CHECK (jsonb_typeof(minimums) = 'object'
            AND NOT jsonb_path_exists(minimums, '$.keyvalue() ? (!(@.key like_regex "^[A-Z]{3}$") || @.value.type() != "number" || @.value < 1 || @.value.floor() != @.value)'));
