-- Tokens of bank accounts (ACH) beside those of cards. As of a card, no number is kept: last four digits, a keyed hash, what the provider
-- calls it. A bank account has neither BIN nor expiry. What proves the holder's authorization (when, from which address and browser, in
-- whose name) must be shown for two years after the last debit (Nacha operating rules): sealed, and kept when the token is deleted.
ALTER TABLE tokens ADD COLUMN kind text NOT NULL DEFAULT 'card' CHECK (kind IN ('card', 'bank_account'));
ALTER TABLE tokens ALTER COLUMN bin DROP NOT NULL, ALTER COLUMN exp_month DROP NOT NULL, ALTER COLUMN exp_year DROP NOT NULL;
ALTER TABLE tokens ADD CONSTRAINT only_cards_have_bin_and_expiry CHECK (
    (kind = 'card') = (bin IS NOT NULL) AND (kind = 'card') = (exp_month IS NOT NULL) AND (kind = 'card') = (exp_year IS NOT NULL)) NOT VALID;
ALTER TABLE tokens VALIDATE CONSTRAINT only_cards_have_bin_and_expiry;

CREATE TABLE bank_accounts (
    token_id      uuid NOT NULL PRIMARY KEY REFERENCES tokens (id),
    merchant_id   uuid NOT NULL,
    mode          text NOT NULL CHECK (mode IN ('test', 'live')),
    routing_last4 text NOT NULL CHECK (routing_last4 ~ '^[0-9]{4}$'),
    account_type  text NOT NULL CHECK (account_type IN ('checking', 'savings')),
    holder_type   text NOT NULL CHECK (holder_type IN ('individual', 'company')),
    bank_name     text NULL CHECK (length(bank_name) BETWEEN 1 AND 100),
    mandate       text NOT NULL);
