namespace Payments.Api.Http.OpenApi;

/// <summary>Objects as the document shows them.</summary>
internal static class Examples
{
    public const string Payment = """
        {"id": "pay_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "payment", "merchant_id": "mer_01k0x5w3n8e2v9y7t4r6q1m5za", "mode": "test", "status": "captured",
         "amount": 5000, "amount_capturable": 0, "amount_captured": 5000, "amount_refunded": 0, "currency": "USD", "capture_method": "automatic",
         "payment_method": {"type": "card", "brand": "visa", "last4": "4242", "country": "US", "funding": "credit", "token": "tok_01k0x5w3n8e2v9y7t4r6q1m5za"},
         "provider": "stripe", "provider_reference": "pi_3PqX", "risk": {"score": 4, "decision": "approve", "factors": []},
         "authentication": {"requested": "no_preference", "exemption": null, "result": "authenticated", "flow": "frictionless", "eci": "05", "version": "2.2.0", "liability_shift": true},
         "review": null, "next_action": null, "decline": null,
         "order_id": "1042", "description": "Two mugs", "statement_descriptor": "MUGS", "receipt_email": "ada@example.com", "metadata": {"cart": "77"}, "origin": "merchant",
         "created_at": "2026-01-31T12:00:00Z", "authorized_at": "2026-01-31T12:00:01Z", "captured_at": "2026-01-31T12:00:01Z", "version": 2}
        """;

    public const string Erasure = """
        {"id": "ers_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "erasure", "merchant_id": "mer_01k0x5w3n8e2v9y7t4r6q1m5za", "mode": "test", "payments": 12, "tokens": 3, "erased_at": "2026-01-31T12:00:00Z"}
        """;

    public const string Review = """
        {"id": "rev_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "review", "payment_id": "pay_01k0x5w3n8e2v9y7t4r6q1m5za", "merchant_id": "mer_01k0x5w3n8e2v9y7t4r6q1m5za", "mode": "test", "status": "open",
         "score": 71, "factors": ["first_purchase_above_limit"], "amount": 60000, "currency": "USD",
         "payment_method": {"type": "card", "brand": "visa", "last4": "4242", "country": "US", "funding": "credit", "token": "tok_01k0x5w3n8e2v9y7t4r6q1m5za"},
         "opened_at": "2026-01-31T12:00:01Z", "due_at": "2026-01-31T14:00:01Z", "claimed_by": null, "claimed_until": null, "automatic": null, "decided_by": null, "reason": null, "decided_at": null}
        """;

    public const string Refund = """
        {"id": "re_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "refund", "payment_id": "pay_01k0x5w3n8e2v9y7t4r6q1m5za", "mode": "test", "status": "succeeded", "amount": 1500, "currency": "USD",
         "reason": "One mug arrived broken", "failure": null, "provider": "stripe", "provider_reference": "re_3PqX", "created_at": "2026-02-01T09:00:00Z"}
        """;

    public const string Dispute = """
        {"id": "dsp_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "dispute", "payment_id": "pay_01k0x5w3n8e2v9y7t4r6q1m5za", "mode": "test", "status": "needs_response", "amount": 5000, "amount_withheld": 5000, "fee": 1500,
         "currency": "USD", "reason": "fraudulent", "provider_reason": "fraudulent", "provider": "stripe", "provider_reference": "du_3PqX", "liability_shift": true,
         "proposed_evidence": "The customer was authenticated by 3-D Secure 2.2.0: result authenticated, ECI 05. Liability shifted to the issuer.", "evidence_due_by": "2026-02-14T12:00:00Z",
         "submission": {"id": "att_01k0x5w3n8e2v9y7t4r6q1m5za", "answer": "evidence", "state": "succeeded", "detail": null, "at": "2026-02-02T09:00:00Z"},
         "opened_at": "2026-01-31T12:00:00Z", "changed_at": "2026-02-02T09:00:00Z"}
        """;

    /// <summary>With what was laid down for it.</summary>
    public static string DisputeInFull { get; } = Dispute.TrimEnd()[..^1] + """
        , "evidence": [{"kind": "receipt", "type": "application/pdf", "bytes": 48213, "laid_at": "2026-02-01T09:00:00Z"}]}
        """;

    public static string PaymentInFull { get; } = Payment.TrimEnd()[..^1] + $$"""
        , "attempts": [{"id": "att_01k0x5w3n8e2v9y7t4r6q1m5za", "operation": "authorize", "provider": "stripe", "state": "succeeded", "provider_reference": "pi_3PqX",
           "modification_reference": null, "decline": null, "opened_at": "2026-01-31T12:00:00Z", "closed_at": "2026-01-31T12:00:01Z"}],
         "refunds": [{{Refund}}],
         "disputes": [{{Dispute}}],
         "timeline": [{"id": "op_01k0x5w3n8e2v9y7t4r6q1m5za", "kind": "authorize", "state": "succeeded", "amount": 5000, "final": false, "origin": "merchant", "reason": null,
           "created_at": "2026-01-31T12:00:00Z", "changed_at": "2026-01-31T12:00:01Z"}],
         "recoveries": [{"id": "rcv_01k0x5w3n8e2v9y7t4r6q1m5za", "kind": "attempt_resolved", "reason": "asked, the provider told", "attempt_id": "att_01k0x5w3n8e2v9y7t4r6q1m5za",
           "at": "2026-01-31T12:00:09Z"}]}
        """;

    /// <summary>With what operators see besides.</summary>
    public static string PaymentForOperators { get; } = PaymentInFull.TrimEnd()[..^1] + """
        , "card_fingerprint": "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"}
        """;

    /// <summary>With all that helps to decide.</summary>
    public static string ReviewInFull { get; } = Review.TrimEnd()[..^1] + $$"""
        , "payment": {{PaymentInFull}},
         "card_fingerprint": "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef", "customer_reference": "c-1815",
         "risk_context": {"ip": "203.0.113.7", "user_agent": "Mozilla/5.0", "device_id": "d-77", "email": "ada@example.com", "billing_address": null, "shipping_address": null, "session_seconds": 340,
           "account_created_at": "2025-03-01T09:00:00Z"},
         "similar_payments": [{"id": "pay_01k0x5w3n8e2v9y7t4r6q1m5zb", "status": "captured", "amount": 5000, "currency": "USD", "matches": ["card", "ip"], "score": 4, "decision": "approve", "review": null,
           "created_at": "2026-01-30T18:00:00Z"}],
         "notes": [{"id": "rvn_01k0x5w3n8e2v9y7t4r6q1m5za", "at": "2026-01-31T12:30:00Z", "by": "Ada", "note": "Called the customer"}]}
        """;

    public const string Endpoint = """
        {"id": "we_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "webhook_endpoint", "mode": "test", "url": "https://shop.example/webhooks", "description": "Orders",
         "event_types": ["payment.captured", "payment.refunded"], "status": "enabled", "disabled_reason": null, "failing_since": null,
         "created_at": "2026-01-31T12:00:00Z", "updated_at": "2026-01-31T12:00:00Z"}
        """;

    public static string EndpointWithSecret { get; } = Endpoint.TrimEnd()[..^1] + """, "secret": "whsec_…"}""";

    public const string Delivery = """
        {"id": "whd_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "webhook_delivery", "endpoint_id": "we_01k0x5w3n8e2v9y7t4r6q1m5za", "event_id": "evt_01k0x5w3n8e2v9y7t4r6q1m5za",
         "event_type": "payment.captured", "status": "delivered", "created_at": "2026-01-31T12:00:02Z", "delivered_at": "2026-01-31T12:00:02Z", "next_attempt_at": null,
         "attempts": [{"number": 1, "finished_at": "2026-01-31T12:00:02Z", "duration_milliseconds": 41, "status_code": 200, "error": null, "response": "ok"}]}
        """;

    public const string Event = $$"""
        {"id": "evt_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "event", "type": "payment.captured", "timestamp": "2026-01-31T12:00:01Z", "mode": "test", "version": 2,
         "data": {{Payment}},
         "operation": {"id": "op_01k0x5w3n8e2v9y7t4r6q1m5za", "kind": "capture", "state": "succeeded", "amount": 5000, "currency": "USD", "reason": null}, "dispute": null }
        """;

    public const string Merchant = """
        {"id": "mer_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "merchant", "name": "Mugs & More", "active": true, "risk_tier": "standard",
         "plan": {"version": 1, "credit": {"rate_per_million": 29000, "fixed_us_cents": 30}, "debit": {"rate_per_million": 15000, "fixed_us_cents": 25}, "ach": {"rate_per_million": 8000, "most_us_cents": 500}},
         "monthly_limits": {"test": null, "live": 50000000}, "settlement": {"currency": "USD", "schedule": "daily_t2"}, "routing": {"preferred_provider": null},
         "receipts": true, "statement_descriptor": "MUGS", "rate_limit": {"requests_per_second": null}, "capture_window_days": 7, "created_at": "2026-01-31T12:00:00Z", "updated_at": "2026-01-31T12:00:00Z"}
        """;

    public const string ApiKey = """
        {"id": "key_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "api_key", "merchant_id": "mer_01k0x5w3n8e2v9y7t4r6q1m5za", "mode": "test", "class": "secret", "name": "Shop server",
         "last4": "x9Qa", "scopes": ["read", "write"], "signing": "required", "rolled_to": null, "created_at": "2026-01-31T12:00:00Z", "expires_at": null, "revoked_at": null}
        """;

    public const string NewApiKey = $$"""{"api_key": {{ApiKey}}, "key": "sk_test_…", "signing_secret": "ssec_…"}""";

    public const string OperatorKey = """
        {"id": "opk_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "operator_key", "name": "Ada", "person": "ada.lovelace", "last4": "x9Qa", "created_at": "2026-01-31T12:00:00Z", "revoked_at": null}
        """;

    public const string Account = """
        {"id": "acc_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "ledger_account", "mode": "test", "owner": "mer_01k0x5w3n8e2v9y7t4r6q1m5za", "kind": "merchant_payable", "currency": "USD",
         "partition": null, "normal": "credit", "balance": 4825, "debits": 175, "credits": 5000, "pending_debits": 0, "pending_credits": 0, "version": 2, "opened_at": "2026-01-31T12:00:01Z"}
        """;

    public const string Journal = """
        {"id": "jrn_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "journal", "event": "evt_01k0x5w3n8e2v9y7t4r6q1m5za", "event_type": "payment.captured", "event_seq": 3, "mode": "test",
         "payment": "pay_01k0x5w3n8e2v9y7t4r6q1m5za", "merchant": "mer_01k0x5w3n8e2v9y7t4r6q1m5za", "partition": 0, "seq": 12, "effective_at": "2026-01-31T12:00:01Z",
         "posted_at": "2026-01-31T12:00:02Z", "hash": "60303ae2…", "previous_hash": "9f86d081…",
         "lines": [{"line": 2, "action": "post", "kind": "capture", "debit": {"account": "acc_01k0x5w3n8e2v9y7t4r6q1m5za", "owner": "stripe", "kind": "provider_receivable"},
           "credit": {"account": "acc_01k0x5w3n8e2v9y7t4r6q1m5zb", "owner": "mer_01k0x5w3n8e2v9y7t4r6q1m5za", "kind": "merchant_pending"}, "amount": 5000, "currency": "USD"}]}
        """;

    public const string RiskListEntry = """
        {"id": "rle_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "risk_list_entry", "mode": "live", "action": "block", "kind": "bin", "value": "499998", "merchant_id": null,
         "reason": "Carding attack", "created_by": "opk_01k0x5w3n8e2v9y7t4r6q1m5za", "created_at": "2026-01-31T12:00:00Z"}
        """;

    public const string DryRun = """
        {"object": "rule_dry_run", "version": 1, "days": 30, "payments": 4310, "matched": 12,
         "amounts": [{"currency": "USD", "fraud_payments": 9, "fraud_amount": 194000, "other_payments": 3, "other_amount": 31000}], "complete": true,
         "summary": "would have reviewed 12 of 4,310 payments: USD 1,940.00 of fraud, 310.00 of other payments", "at": "2026-01-31T12:00:00Z"}
        """;

    public const string RiskRule = $$"""
        {"id": "rul_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "risk_rule", "mode": "test", "merchant_id": "mer_01k0x5w3n8e2v9y7t4r6q1m5za", "name": "many_foreign_cards", "built_in": false,
         "status": "active", "active_version": 1,
         "versions": [{"version": 1, "condition": "ip.cards_1h > 5 and card.country != 'US'", "action": "review", "reason": "many_foreign_cards",
                       "created_by": "key_01k0x5w3n8e2v9y7t4r6q1m5za", "created_at": "2026-01-31T12:00:00Z", "dry_run": {{DryRun}}}],
         "created_at": "2026-01-31T12:00:00Z"}
        """;

    public const string Model = """
        {"id": "mdl_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "model", "mode": "live", "merchant_id": null, "version": "2026-01-31", "state": "champion", "trainer": "histogram",
         "trained_rows": 84012, "frauds": 912, "payments": 310455, "data_from": "2025-08-01T00:00:00Z", "data_to": "2026-01-31T00:00:00Z",
         "metrics": {"area_under_roc": 0.94, "average_precision": 0.71}, "created_at": "2026-01-31T12:00:00Z", "state_since": "2026-01-31T12:00:00Z"}
        """;

    public const string ModelReasons = """
        {"object": "model_reasons", "payment_id": "pay_01k0x5w3n8e2v9y7t4r6q1m5za", "mode": "live", "merchant_id": "mer_01k0x5w3n8e2v9y7t4r6q1m5za", "at": "2026-01-31T12:00:00Z",
         "model_id": "mdl_01k0x5w3n8e2v9y7t4r6q1m5za", "model_version": "2026-01-31", "own_model_id": null, "own_weight": null, "score": 41.5, "base": -5.1, "raw": -0.4,
         "factors": [{"name": "ip_declines", "contribution": 2.1, "feature": "ip_decline_share_30d", "value": 0.5, "meaning": "share of declined payments among the ip's answers of 30 days"}]}
        """;

    public const string Incident = """
        {"id": "inc_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "incident", "status": "open", "kind": "contradiction", "severity": "critical", "runbook": "provider-webhooks.md", "action": "…",
         "merchant_id": "mer_01k0x5w3n8e2v9y7t4r6q1m5za", "mode": "test", "payment_id": "pay_01k0x5w3n8e2v9y7t4r6q1m5za", "attempt_id": null, "detail": "…", "assignee": null, "seen": 1,
         "raised_at": "2026-01-31T12:00:00Z", "last_seen_at": "2026-01-31T12:00:00Z", "closed_at": null, "closed_by": null, "close_reason": null}
        """;

    public static string IncidentInFull { get; } = Incident.TrimEnd()[..^1] + """
        , "notes": [{"id": "note_01k0x5w3n8e2v9y7t4r6q1m5za", "at": "2026-01-31T12:05:00Z", "by": "Ada", "note": "Asked the provider"}]}
        """;

    public const string Break = """
        {"id": "brk_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "break", "status": "open", "kind": "charge", "provider": "stripe", "mode": "test", "provider_reference": "pi_3PqX",
         "amount": 5000, "currency": "USD", "detail": "…", "owner": null, "payment_id": "pay_01k0x5w3n8e2v9y7t4r6q1m5za", "merchant_id": null,
         "opened_at": "2026-01-31T12:00:00Z", "age_seconds": 3600, "closed_at": null, "closed_by": null, "close_reason": null}
        """;

    public const string DeadLetter = """
        {"id": "dl_01k0x5w3n8e2v9y7t4r6q1m5za", "consumer": "ledger", "event_id": "evt_01k0x5w3n8e2v9y7t4r6q1m5za", "type": "payment.captured", "payment_id": "pay_01k0x5w3n8e2v9y7t4r6q1m5za",
         "merchant_id": "mer_01k0x5w3n8e2v9y7t4r6q1m5za", "mode": "test", "version": 3, "occurred_at": "2026-01-31T12:00:01Z", "error": "…", "attempts": 1, "parked_at": "2026-01-31T12:00:02Z"}
        """;

    public const string Consumer = """
        {"name": "ledger", "epoch": "0b0f5a52-6a0e-4f0e-9d52-6e0c3f4c2a10", "applied": 118, "parked_payments": 0, "halted_at": null, "halted_because": null}
        """;

    public const string RiskMetrics = """
        {"object": "risk_metrics", "from": "2026-01-01T00:00:00Z", "to": "2026-01-31T00:00:00Z", "mode": "live", "merchant_id": null, "reviews_open": 3,
         "metrics": [{"object": "risk_metric", "name": "fraud_rate", "value": 0.00071, "unit": "ratio", "numerator": 31240, "denominator": 44000000,
                      "target": {"is": "below", "value": 0.001}, "within_target": true, "definition": "Captured amount of payments known to be fraud, of all captured amount …"}]}
        """;

    public const string Settlement = """
        {"id": "stl_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "settlement", "mode": "test", "currency": "EUR", "cut_at": "2026-01-31T23:00:00Z", "pay_on": "2026-02-03", "items": 12,
         "gross": 120000, "refunds": -5000, "commission": -3480, "disputes": 0, "dispute_fees": 0, "corrections": 0, "other": 0, "net": 111520, "reserve_held": 11152, "reserve_released": 0,
         "rate": 1.0842, "paid_currency": "USD", "paid": 108819, "closed_at": "2026-01-31T23:00:31Z"}
        """;

    public const string MerchantPayout = """
        {"id": "po_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "payout", "mode": "test", "currency": "EUR", "amount": 108819, "status": "paid", "due_on": "2026-02-03",
         "created_at": "2026-02-03T00:00:12Z", "updated_at": "2026-02-04T09:12:44Z"}
        """;

    public const string Exchange = """
        {"id": "jrn_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "exchange", "mode": "test", "sold": {"amount": 108600, "currency": "USD"}, "bought": {"amount": 100000, "currency": "EUR"},
         "exchanged_at": "2026-02-02T10:00:00Z", "reference": "FX-2026-0042", "reason": "Euros for the week's payouts", "status": "booked", "recorded_by": "ada", "decided_by": "ben", "refused_because": null}
        """;

    public const string Revaluation = """
        {"id": "jrn_01k0x5w3n8e2v9y7t4r6q1m5zb", "object": "revaluation", "mode": "test", "currency": "USD", "gain": -120,
         "positions": [{"currency": "EUR", "balance": 100000, "rate": 1.085, "worth": 108500}, {"currency": "USD", "balance": -108380, "rate": null, "worth": -108380}],
         "valued_at": "2026-02-03T00:00:30Z", "asked_by": null}
        """;

    public const string SettlementTerms = """
        {"object": "settlement_terms", "merchant_id": "mer_01k0x5w3n8e2v9y7t4r6q1m5za", "mode": "test", "version": 1, "schedule": "weekly", "weekday": 5, "time_zone": "Europe/Berlin", "calendar": "target",
         "currency": "EUR", "reserve_basis_points": 1000, "reserve_days": 90}
        """;

    public const string PayoutFile = """
        {"id": "pof_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "payout_file", "mode": "test", "currency": "EUR", "execute_on": "2026-02-03", "payouts": 12, "total": 1305828,
         "sha256": "8c1f6d0f0d6a4f7ba1c9e1c0a8a3f2f36f3a5a1f0c5e7d9b2a4c6e8f0a1b3c5d", "made_at": "2026-02-03T08:00:00Z"}
        """;

    public const string Payout = """
        {"id": "po_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "payout", "mode": "test", "merchant_id": "mer_01k0x5w3n8e2v9y7t4r6q1m5za", "currency": "EUR", "amount": 108819, "status": "ready", "due_on": "2026-02-03",
         "account_version": 1, "iban_last4": "3000", "account_confirmed": true, "reference": null, "reason": null, "created_at": "2026-02-03T00:00:12Z", "updated_at": "2026-02-03T00:00:12Z"}
        """;
}
