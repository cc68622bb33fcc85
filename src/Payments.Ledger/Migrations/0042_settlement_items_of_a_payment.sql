-- Which batches a payment is in is asked by whoever explains it, also when its movements are retired.
CREATE INDEX settlement_items_payment ON ledger.settlement_items (payment_id) WHERE payment_id IS NOT NULL;
