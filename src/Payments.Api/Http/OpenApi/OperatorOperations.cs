namespace Payments.Api.Http.OpenApi;

/// <summary>What operators call, with keys of their own.</summary>
internal static class OperatorOperations
{
    private static readonly string[] Paging = ["limit", "cursor"];

    public static DocumentedOperation[] All { get; } =
    [
        new("POST", "/ops/v1/merchants", "Operators: merchants", "Create a merchant")
        {
            Request = """
                {"name": "Mugs & More", "active": true, "risk_tier": "standard", "plan": {"credit": {"rate_per_million": 29000, "fixed_us_cents": 30}, "debit": {"rate_per_million": 15000, "fixed_us_cents": 25}, "ach": {"rate_per_million": 8000, "most_us_cents": 500}},
                 "monthly_limits": {"test": null, "live": 50000000}, "settlement": {"currency": "USD", "schedule": "daily_t2"}, "routing": {"preferred_provider": null},
                 "receipts": true, "statement_descriptor": "MUGS", "rate_limit": {"requests_per_second": 100}, "capture_window_days": 7}
                """,
            Required = ["name"],
            Status = 201,
            Response = Examples.Merchant,
        },
        new("GET", "/ops/v1/merchants", "Operators: merchants", "List merchants") { Query = ["active", .. Paging], Response = DocumentedOperation.List(Examples.Merchant) },
        new("GET", "/ops/v1/merchants/{id}", "Operators: merchants", "Read a merchant") { Response = Examples.Merchant },
        new("PATCH", "/ops/v1/merchants/{id}", "Operators: merchants", "Change a merchant")
        {
            Description = "What is absent stays; null takes away. New prices are a new version of the plan, which counts for payments created from then on.",
            Request = """{"plan": {"credit": {"rate_per_million": 25000, "fixed_us_cents": 20}}, "monthly_limits": {"live": null}, "routing": {"preferred_provider": "adyen"}, "rate_limit": {"requests_per_second": 200}, "capture_window_days": 5}""",
            Response = Examples.Merchant,
        },
        new("POST", "/ops/v1/merchants/{id}/keys", "Operators: merchants", "Create an API key")
        {
            Description = "The key and its signing secret are shown once; only a hash, and the sealed signing secret, are stored.",
            Request = """{"mode": "test", "class": "secret", "name": "Shop server", "scopes": ["read", "write"], "signing": "required"}""",
            Required = ["mode", "class"],
            Status = 201,
            Response = Examples.NewApiKey,
            ResponseName = "new_api_key",
        },
        new("GET", "/ops/v1/merchants/{id}/keys", "Operators: merchants", "List a merchant's API keys") { Query = Paging, Response = DocumentedOperation.List(Examples.ApiKey) },
        new("POST", "/ops/v1/merchants/{id}/keys/{key_id}/roll", "Operators: merchants", "Replace an API key")
        {
            Description = "The successor has the same rights; the old key works on for the overlap, a day unless given.",
            Request = """{"overlap_seconds": 3600}""",
            Status = 201,
            Response = Examples.NewApiKey,
            ResponseName = "new_api_key",
        },
        new("POST", "/ops/v1/merchants/{id}/keys/{key_id}/revoke", "Operators: merchants", "Revoke an API key")
        {
            Description = "The key stops working everywhere within five seconds.",
            Request = "{}",
            Response = Examples.ApiKey,
        },

        new("POST", "/ops/v1/operator_keys", "Operators: access", "Create an operator's key")
        {
            Description = "Each key is a person's, and where two people are needed two keys of one person are one. A key makes others of its own person; only the installation's own key makes those of other people: 403 person_not_yours.",
            Request = """{"name": "Ada", "person": "ada.lovelace"}""",
            Required = ["name"],
            Status = 201,
            Response = $$"""{"operator_key": {{Examples.OperatorKey}}, "key": "ok_…"}""",
        },
        new("GET", "/ops/v1/operator_keys", "Operators: access", "List operators' keys") { Query = Paging, Response = DocumentedOperation.List(Examples.OperatorKey) },
        new("POST", "/ops/v1/operator_keys/{id}/revoke", "Operators: access", "Revoke an operator's key") { Request = "{}", Response = Examples.OperatorKey },
        new("GET", "/ops/v1/audit_entries", "Operators: access", "List what operators did")
        {
            Query = ["target", .. Paging],
            Response = DocumentedOperation.List("""
                {"seq": 7, "object": "audit_entry", "at": "2026-01-31T12:00:00Z", "operator_key_id": "opk_01k0x5w3n8e2v9y7t4r6q1m5za", "operator_name": "Ada",
                 "request_id": "req_01k0x5w3n8e2v9y7t4r6q1m5za", "action": "merchant.create", "target": "mer_01k0x5w3n8e2v9y7t4r6q1m5za", "detail": {"name": "Mugs & More"}, "hash": "9f86d081…"}
                """),
        },

        new("GET", "/ops/v1/payments", "Operators: payments", "List payments of all merchants")
        {
            Query = ["merchant_id", "mode", "status", "order_id", "created[gte]", "created[gt]", "created[lt]", "created[lte]", .. Paging],
            Response = DocumentedOperation.List(Examples.Payment),
        },
        new("GET", "/ops/v1/payments/{id}", "Operators: payments", "Read any payment")
        {
            Description = "With the fingerprint of its card, by which the card can be blocked; null where the payment was made of a provider's record.",
            Response = Examples.PaymentForOperators,
        },
        new("GET", "/ops/v1/providers", "Operators: payments", "Read how the providers stand")
        {
            Response = DocumentedOperation.List("""
                {"provider": "stripe", "mode": "test", "state": "closed", "share_percent": 95, "calls": 118, "failures": 0, "p99_milliseconds": 500, "opened_at": null, "opened_because": null,
                 "next_probe_at": null, "probe_successes": 0}
                """),
        },
        new("GET", "/ops/v1/incidents", "Operators: payments", "List what a person must look at")
        {
            Description = $"Kinds: {string.Join(", ", Recovery.IncidentKinds.All.Select(k => k.Name))}.",
            Query = ["status@open", "kind@incident", "payment", .. Paging],
            Response = DocumentedOperation.List(Examples.Incident),
        },
        new("GET", "/ops/v1/incidents/{id}", "Operators: payments", "Read an incident with its notes") { Response = Examples.IncidentInFull },
        new("POST", "/ops/v1/incidents/{id}/assign", "Operators: payments", "Give an incident to somebody")
        {
            Request = """{"assignee": "Ada"}""",
            Required = ["assignee"],
            Response = Examples.Incident,
        },
        new("POST", "/ops/v1/incidents/{id}/notes", "Operators: payments", "Write something about an incident")
        {
            Request = """{"note": "Asked the provider"}""",
            Required = ["note"],
            Response = Examples.Incident,
        },
        new("POST", "/ops/v1/incidents/{id}/close", "Operators: payments", "Close an incident")
        {
            Description = "The same again, once closed, is raised as another incident.",
            Request = """{"reason": "Refunded at the provider"}""",
            Required = ["reason"],
            Response = Examples.Incident,
        },
        new("GET", "/ops/v1/breaks", "Operators: payments", "List charges in suspense")
        {
            Description = "Charges that a provider has and nobody here can be found for; newest first.",
            Query = ["status@open", .. Paging],
            Response = DocumentedOperation.List(Examples.Break),
        },
        new("GET", "/ops/v1/breaks/{id}", "Operators: payments", "Read a charge in suspense") { Response = Examples.Break },
        new("POST", "/ops/v1/breaks/{id}/assign", "Operators: payments", "Give a charge in suspense to somebody")
        {
            Request = """{"owner": "Ada"}""",
            Required = ["owner"],
            Response = Examples.Break,
        },
        new("POST", "/ops/v1/breaks/{id}/attribute", "Operators: payments", "Say whose a charge in suspense is")
        {
            Description = "It becomes a payment of this merchant, at the merchant's prices of now, and its money leaves suspense.",
            Request = """{"merchant_id": "mer_01k0x5w3n8e2v9y7t4r6q1m5za", "reason": "Their order 1042"}""",
            Required = ["merchant_id", "reason"],
            Response = Examples.Break,
        },
        new("GET", "/ops/v1/attempts", "Operators: payments", "List calls to providers")
        {
            Description = "With unresolved=true: those whose outcome is not known, how old they are, how often the resolver has looked, and when it looks next.",
            Query = ["unresolved", "provider", "merchant_id", .. Paging],
            Response = DocumentedOperation.List("""
                {"id": "att_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "attempt", "merchant_id": "mer_01k0x5w3n8e2v9y7t4r6q1m5za", "mode": "test", "payment_id": "pay_01k0x5w3n8e2v9y7t4r6q1m5za",
                 "operation_id": "op_01k0x5w3n8e2v9y7t4r6q1m5za", "operation": "authorize", "provider": "adyen", "state": "unknown", "provider_reference": null, "detail": "time limit",
                 "opened_at": "2026-01-31T12:00:00Z", "age_seconds": 942.5, "readings": 14, "missing_since": null, "next_look_at": "2026-01-31T12:16:00Z",
                 "incident_id": "inc_01k0x5w3n8e2v9y7t4r6q1m5za"}
                """),
        },
        new("GET", "/ops/v1/reviews", "Operators: fraud", "List payments that wait, or waited, for a person")
        {
            Description = "Oldest first. What nobody has decided when due_at comes is decided by itself: approved below a score of 75, else rejected.",
            Query = ["status@review", "merchant_id", "mode", "claimed", .. Paging],
            Response = DocumentedOperation.List(Examples.Review),
        },
        new("GET", "/ops/v1/reviews/{id}", "Operators: fraud", "Read a review")
        {
            Description = "With the payment, what the merchant told of the customer, payments of the last 30 days that are like it, and notes.",
            Response = Examples.ReviewInFull,
        },
        new("POST", "/ops/v1/reviews/{id}/claim", "Operators: fraud", "Claim a review")
        {
            Description = "For 15 minutes; claiming again makes it last anew. Only who has claimed a review can decide it.",
            Request = "{}",
            Response = Examples.Review,
        },
        new("POST", "/ops/v1/reviews/{id}/release", "Operators: fraud", "Give a review back") { Request = "{}", Response = Examples.Review },
        new("POST", "/ops/v1/reviews/{id}/approve", "Operators: fraud", "Approve a payment in review")
        {
            Description = "Captures it, if its merchant asked for automatic capture.",
            Request = """{"reason": "The customer confirmed it"}""",
            Required = ["reason"],
            Response = Examples.Review,
        },
        new("POST", "/ops/v1/reviews/{id}/reject", "Operators: fraud", "Reject a payment in review")
        {
            Description = "Its hold is released: the payment ends voided.",
            Request = """{"reason": "Card reported stolen"}""",
            Required = ["reason"],
            Response = Examples.Review,
        },
        new("POST", "/ops/v1/reviews/{id}/request_3ds", "Operators: fraud", "Ask for the customer to be authenticated")
        {
            Description = "Its hold is released, and the merchant is told (payment.review_decided with challenge_requested, then payment.voided) to have its customer pay again with three_d_secure challenge.",
            Request = """{"reason": "Unknown device"}""",
            Required = ["reason"],
            Response = Examples.Review,
        },
        new("POST", "/ops/v1/reviews/{id}/notes", "Operators: fraud", "Write something about a review")
        {
            Request = """{"note": "Called the customer"}""",
            Required = ["note"],
            Response = Examples.Review,
        },
        new("POST", "/ops/v1/erasures", "Operators: access", "Erase what was told of a merchant's customer")
        {
            Description = "As POST /v1/erasures, for a merchant.",
            Request = """{"merchant_id": "mer_01k0x5w3n8e2v9y7t4r6q1m5za", "mode": "test", "reason": "Asked by letter", "customer_reference": "c-1815", "email": "ada@example.com"}""",
            Required = ["merchant_id", "mode", "reason"],
            Response = Examples.Erasure,
        },
        new("GET", "/ops/v1/recoveries", "Operators: payments", "List what was put right")
        {
            Description = "Who did it, why, and how it stood before and after. Kinds: attempt_resolved, authorization_cancelled, contradiction_settled, orphaned_hold, refund_retried and others.",
            Query = ["payment", "kind@recovery", .. Paging],
            Response = DocumentedOperation.List("""
                {"id": "rcv_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "recovery", "kind": "attempt_resolved", "subject": "att_01k0x5w3n8e2v9y7t4r6q1m5za", "actor": "resolver",
                 "reason": "found at the provider", "merchant_id": "mer_01k0x5w3n8e2v9y7t4r6q1m5za", "mode": "test", "payment_id": "pay_01k0x5w3n8e2v9y7t4r6q1m5za",
                 "attempt_id": "att_01k0x5w3n8e2v9y7t4r6q1m5za", "before": {"status": "processing"}, "after": {"status": "captured"}, "at": "2026-01-31T12:00:00Z"}
                """),
        },

        new("GET", "/ops/v1/ledger/accounts", "Operators: ledger", "List ledger accounts") { Query = ["mode", "owner", "kind", "currency", .. Paging], Response = DocumentedOperation.List(Examples.Account) },
        new("GET", "/ops/v1/ledger/accounts/{id}", "Operators: ledger", "Read a ledger account") { Response = Examples.Account },
        new("GET", "/ops/v1/ledger/accounts/{id}/movements", "Operators: ledger", "List an account's movements")
        {
            Query = Paging,
            Response = DocumentedOperation.List("""
                {"id": "mov_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "movement", "journal": "jrn_01k0x5w3n8e2v9y7t4r6q1m5za", "line": 2, "kind": "capture", "direction": "credit", "amount": 5000,
                 "currency": "USD", "counter_account": "acc_01k0x5w3n8e2v9y7t4r6q1m5za", "version": 1, "balance": 5000, "effective_at": "2026-01-31T12:00:01Z", "posted_at": "2026-01-31T12:00:02Z"}
                """),
        },
        new("GET", "/ops/v1/ledger/journals", "Operators: ledger", "List journals") { Query = ["payment", "event", "merchant", "mode", .. Paging], Response = DocumentedOperation.List(Examples.Journal) },
        new("GET", "/ops/v1/ledger/journals/{id}", "Operators: ledger", "Read a journal") { Response = Examples.Journal },
        new("GET", "/ops/v1/ledger/trial_balance", "Operators: ledger", "Read the trial balance")
        {
            Query = ["mode", "at"],
            Response = """{"object": "trial_balance", "at": null, "data": [{"mode": "test", "currency": "USD", "debits": 10350, "credits": 10350, "difference": 0}]}""",
        },
        new("GET", "/ops/v1/ledger/balance", "Operators: ledger", "Read an account's balance at a time")
        {
            Query = ["account", "at", "basis"],
            RequiredQuery = ["account"],
            Response = """{"object": "account_balance", "account": "acc_01k0x5w3n8e2v9y7t4r6q1m5za", "at": "2026-01-31T12:00:00Z", "basis": "posted", "currency": "USD", "balance": 4825, "movements": 2}""",
        },
        new("GET", "/ops/v1/ledger/months", "Operators: ledger", "List closed and retired months")
        {
            Description = "A closed month is summed and signed; a retired one has left the books, and its closing is their opening balance. Before horizon_at nothing can be asked any more.",
            Response = """
                {"object": "ledger_months", "retention_months": 84, "horizon_at": "2019-02-01T00:00:00Z", "data": [{"month": "2019-01", "object": "closed_month", "cut_at": "2019-02-01T00:00:00Z",
                 "closed_at": "2019-02-02T00:00:12Z", "journals": 1204, "movements": 3391, "pending_transfers": 1633, "hash": "9f86d081…", "key_id": "5c0d31aa", "audited_at": "2026-02-01T06:00:00Z",
                 "retired": {"at": "2026-02-02T00:00:20Z", "journals": 1204, "movements": 3391, "pending_transfers": 1633, "carried_journals": 0, "archive": null}}]}
                """,
        },
        new("GET", "/ops/v1/ledger/completeness", "Operators: ledger", "Compare payments with postings")
        {
            Response = """{"object": "completeness", "complete": true, "last_round_at": "2026-01-31T12:00:00Z", "partitions": [{"partition": 0, "published": 12, "applied": 12, "examined": 12}], "findings": []}""",
        },
        new("POST", "/ops/v1/ledger/findings/{id}/close", "Operators: ledger", "Close a posting conflict")
        {
            Description = "A conflict is seen once, when it is posted: a person closes it and says why. All other findings resolve themselves and cannot be closed. Closing again changes nothing.",
            Request = """{"reason": "Compared with the provider: the books stand"}""",
            Required = ["reason"],
            Status = 204,
        },
        .. SettlementOperations.All,
        new("GET", "/ops/v1/ledger/chain/verify", "Operators: ledger", "Verify the hash chain")
        {
            Response = """{"object": "chain_verification", "intact": true, "journals": 12, "breaks": [], "changed_accounts": [], "broken_closings": [], "anchors": null, "heads": [{"partition": 0, "seq": 12, "hash": "60303ae2…"}]}""",
        },
        new("POST", "/ops/v1/ledger/chain/anchor", "Operators: ledger", "Anchor the hash chain's heads now") { Request = "{}", Response = """{"object": "chain_anchor", "at": "2026-01-31T12:00:00Z", "previous": "9f86d081…", "heads": [{"partition": 0, "seq": 12, "hash": "60303ae2…"}]}""" },

        .. ReconciliationOperations.All,

        new("GET", "/ops/v1/dead_letters", "Operators: events", "List events that a service could not apply") { Query = ["service", .. Paging], RequiredQuery = ["service"], Response = DocumentedOperation.List(Examples.DeadLetter) },
        new("POST", "/ops/v1/dead_letters/{service}/{id}/replay", "Operators: events", "Apply a dead letter again") { Request = "{}", Response = """{"applied": 1}""" },
        new("GET", "/ops/v1/consumers", "Operators: events", "Read how far a service's consumers have come") { Query = ["service"], RequiredQuery = ["service"], Response = DocumentedOperation.List(Examples.Consumer) },
        new("POST", "/ops/v1/consumers/{service}/{consumer}/resume", "Operators: events", "Let a halted consumer go on")
        {
            Description = "After the publisher's log, or the consumer's database, has been put right. A consumer that still meets another log halts again.",
            Request = "{}",
            Status = 204,
        },

        new("GET", "/ops/v1/risk/metrics", "Operators: fraud", "Read the risk metrics of a period")
        {
            Description = "Of payments created in the period; live ones unless a mode is given. Every figure with what it was divided by, its target and its definition. Frauds and chargebacks become known weeks later.",
            Query = ["from", "to", "mode", "merchant_id"],
            Response = Examples.RiskMetrics,
        },

        new("POST", "/ops/v1/event_log/reinstate", "Operators: events", "Put back what a restored database has lost of the event log")
        {
            Description = "For a database of payments that was restored to an earlier moment and whose log was closed. Fetches lost events from those who applied them, brings payments up to them, and opens the log in a new epoch.",
            Request = """{"reason": "Bad migration 0042 undone"}""",
            Required = ["reason"],
            Response = """
                {"object": "event_log", "epoch": "0b0f5a52-6a0e-4f0e-9d52-6e0c3f4c2a10", "former_epoch": "6f1d3a0c-52fb-4c0c-8f0b-3f1f0a9b7d21", "events": 118, "payments": 41}
                """,
        },

        .. RiskOperations.Of("/ops/v1", "Operators: fraud", ofOperators: true),
        new("GET", "/ops/v1/risk/models", "Operators: fraud", "List fraud models")
        {
            Description = "Newest first. A champion decides, a challenger scores beside it, a candidate was trained, a retired one was champion.",
            Query = ["mode", "state", .. Paging],
            Response = DocumentedOperation.List(Examples.Model),
        },
        new("GET", "/ops/v1/risk/models/{id}", "Operators: fraud", "Read a fraud model and how it does")
        {
            Description = "`live`: how champion and challenger rank payments that they scored and whose outcome is known by now.",
            Response = $$"""{"object": "model_report", "model": {{Examples.Model}}, "live": [{"model": "champion", "payments": 51044, "frauds": 61, "area_under_roc": 0.93, "average_precision": 0.69}]}""",
        },
        new("POST", "/ops/v1/risk/models/{id}/promote", "Operators: fraud", "Promote a fraud model")
        {
            Description = "To champion or challenger; the one whose place it takes makes room at once. Promoting the retired champion is the way back. A challenger may become a candidate again.",
            Request = """{"to": "challenger"}""",
            Required = ["to"],
            Response = Examples.Model,
        },
        new("GET", "/ops/v1/risk/payments/{id}/reasons", "Operators: fraud", "Read why a payment has its score")
        {
            Description = "Exact Shapley values of the model that scored it, summed up to risk factors: `base` and the contributions add up to `raw`.",
            Response = Examples.ModelReasons,
        },
    ];
}
