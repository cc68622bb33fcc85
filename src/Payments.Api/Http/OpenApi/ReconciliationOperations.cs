namespace Payments.Api.Http.OpenApi;

/// <summary>What operators call of reconciliation.</summary>
internal static class ReconciliationOperations
{
    private static readonly string[] Paging = ["limit", "cursor"];

    public static DocumentedOperation[] All { get; } =
    [
        new("GET", "/ops/v1/reconciliation/reports", "Operators: reconciliation", "List days of reconciliation")
        {
            Description = "One per book and day, newest first: ours - theirs = difference = the sum of the classes.",
            Query = ["mode", "leg", "provider@book", .. Paging],
            Response = DocumentedOperation.List("""
                {"id": "live.provider.stripe.20260130", "object": "reconciliation_report", "mode": "live", "leg": "provider", "provider": "stripe", "day": "2026-01-30", "closed": false, "compared": true, "healthy": true,
                 "currencies": [{"currency": "USD", "ours_count": 1204, "ours": 1000000, "theirs_count": 1204, "theirs": 999850, "difference": 150,
                 "classes": [{"class": "timing", "items": 1, "amount": 150}], "share": 0, "healthy": true}], "closing": null}
                """),
        },
        new("GET", "/ops/v1/reconciliation/reports/{id}", "Operators: reconciliation", "Read a day of reconciliation")
        {
            Description = "With `format=csv` as text/csv with amounts in major units, with `format=html` as a page to print.",
            Query = ["format"],
            Response = """
                {"id": "live.provider.stripe.20260130", "object": "reconciliation_report", "mode": "live", "leg": "provider", "provider": "stripe", "day": "2026-01-30", "closed": false, "compared": true, "healthy": true,
                 "currencies": [{"currency": "USD", "ours_count": 1204, "ours": 1000000, "theirs_count": 1204, "theirs": 999850, "difference": 150,
                 "classes": [{"class": "timing", "items": 1, "amount": 150}], "share": 0, "healthy": true}], "closing": null}
                """,
        },
        new("POST", "/ops/v1/reconciliation/reports/{id}/close", "Operators: reconciliation", "Close a day of reconciliation")
        {
            Description = "And every day before it. It never changes again: what comes late belongs to the next open day. 409 `statement_missing` while no statement speaks of it. What it came to is signed. Closing again changes nothing.",
            Request = "{}",
            Response = """
                {"id": "live.provider.stripe.20260130", "object": "reconciliation_report", "mode": "live", "leg": "provider", "provider": "stripe", "day": "2026-01-30", "closed": true, "compared": true, "healthy": true,
                 "currencies": [{"currency": "USD", "ours_count": 1204, "ours": 1000000, "theirs_count": 1204, "theirs": 999850, "difference": 150,
                 "classes": [{"class": "timing", "items": 1, "amount": 150}], "share": 0, "healthy": true}],
                 "closing": {"through": "2026-01-30", "hash": "9f86d081…", "key_id": "5e884898", "signature": "2c26b46b…", "closed_at": "2026-02-02T08:00:00Z"}}
                """,
        },
        new("GET", "/ops/v1/reconciliation/imports", "Operators: reconciliation", "List imported statements")
        {
            Query = ["mode", .. Paging],
            Response = DocumentedOperation.List("""
                {"number": 7, "object": "reconciliation_import", "mode": "live", "format": "adyen_settlement_detail", "identity": "Shop batch 3", "file": "settlement_detail_report_batch_3.csv", "hash": "9f86d081…",
                 "state": "complete", "accepted": 1204, "quarantined": 0, "superseded_by": null, "refused_line": null, "refused_because": null, "began_at": "2026-01-31T12:00:00Z", "ended_at": "2026-01-31T12:00:05Z"}
                """),
        },
        new("GET", "/ops/v1/reconciliation/imports/{id}/quarantine", "Operators: reconciliation", "List lines of a statement that could not be read")
        {
            Description = "In the order of the file. The id is the import's number. The text of a line stays in the file: it may hold personal data.",
            Query = [.. Paging],
            Response = DocumentedOperation.List("""{"object": "quarantined_line", "import": 7, "line": 12, "column": "gross", "reason": "is no amount"}"""),
        },
        new("GET", "/ops/v1/reconciliation/unnoted_payouts", "Operators: reconciliation", "List payouts that could not be noted")
        {
            Description = "A provider announced them, and the ledger is not asked to book them. See docs/reconciliation.md for the reasons.",
            Query = ["mode", .. Paging],
            Response = DocumentedOperation.List("""
                {"object": "unnoted_payout", "mode": "live", "provider": "adyen", "reference": "batch 3", "currency": "USD", "amount": 9900, "day": "2026-01-30", "reason": "parts_differ", "difference": -70,
                 "since": "2026-01-31T12:00:00Z"}
                """),
        },
        new("POST", "/ops/v1/reconciliation/match", "Operators: reconciliation", "Compare what changed now") { Request = "{}", Response = """{"object": "reconciliation_match", "books": 4, "days": 2}""" },
        new("GET", "/ops/v1/reconciliation/payments/{id}", "Operators: reconciliation", "Explain a payment over all records")
        {
            Response = """
                {"id": "pay_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "explanation", "mode": "live", "merchant": "mer_01k0x5w3n8e2v9y7t4r6q1m5za", "items": [{"event": "payment.captured", "provider": "adyen",
                 "kind": "capture", "reference": "8835…", "day": "2026-01-30", "currency": "EUR", "gross": 5000, "fee": 70, "occurred_at": "2026-01-30T12:00:00Z", "class": "matched", "difference": 0, "break": null,
                 "lines": [{"leg": "provider", "provider": "adyen", "kind": "capture", "reference": "8835…", "day": "2026-01-30", "currency": "EUR", "gross": 5000, "net_currency": "EUR", "fee": 70, "net": 4930,
                 "batch": "batch 3", "file": "settlement_detail_report_batch_3.csv", "line": 12, "bank_class": "matched", "bank": {"leg": "bank", "provider": "adyen", "kind": "payout", "reference": "batch 3",
                 "day": "2026-02-01", "currency": "EUR", "gross": 493000, "net_currency": "EUR", "fee": 0, "net": 493000, "batch": "batch 3", "file": "statement.xml", "line": 8, "bank_class": null, "bank": null, "booked": null}, "booked": {"journal": "jrn_01k0x5w3n8e2v9y7t4r6q1m5zc", "at": "2026-02-01T08:00:00Z"}}]}],
                 "breaks": [{"id": "rbk_01k0x5w3n8e2v9y7t4r6q1m5za", "leg": "provider", "reference": "8835…", "class": "amount_mismatch", "currency": "EUR", "difference": -7, "state": "resolved", "correction": "merchant",
                 "reason": "The merchant agreed", "proposed_by": "ada", "resolved_by": "ben", "journal": "jrn_01k0x5w3n8e2v9y7t4r6q1m5zd", "at": "2026-02-01T09:00:00Z",
                 "steps": [{"kind": "refund_missing_at_provider", "currency": "EUR", "amount": 7, "journal": "jrn_01k0x5w3n8e2v9y7t4r6q1m5zd"}]}],
                 "ledger": {"payment": "pay_01k0x5w3n8e2v9y7t4r6q1m5za", "mode": "live", "merchant": "mer_01k0x5w3n8e2v9y7t4r6q1m5za", "journals_retired": false,
                 "journals": [{"id": "jrn_01k0x5w3n8e2v9y7t4r6q1m5ze", "type": "payment.captured", "at": "2026-01-30T12:00:00Z", "lines": [{"action": "post", "kind": "capture", "debit": "provider_receivable", "debit_owner": "adyen",
                 "credit": "merchant_pending", "credit_owner": "mer_01k0x5w3n8e2v9y7t4r6q1m5za", "amount": 5000, "currency": "EUR"}]}],
                 "settlements": [{"id": "stl_01k0x5w3n8e2v9y7t4r6q1m5za", "cut_at": "2026-01-31T00:00:00Z", "currency": "EUR", "amount": 4850, "paid_currency": "EUR", "pay_on": "2026-02-02", "payouts": ["po_01k0x5w3n8e2v9y7t4r6q1m5za"]}],
                 "payouts": [{"id": "po_01k0x5w3n8e2v9y7t4r6q1m5za", "currency": "EUR", "amount": 485000, "due_on": "2026-02-02", "status": "paid", "at": "2026-02-03T08:00:00Z", "file": "pof_01k0x5w3n8e2v9y7t4r6q1m5za"}]},
                 "payouts": [{"payout": {"id": "po_01k0x5w3n8e2v9y7t4r6q1m5za", "currency": "EUR", "amount": 485000, "due_on": "2026-02-02", "status": "paid", "at": "2026-02-03T08:00:00Z", "file": "pof_01k0x5w3n8e2v9y7t4r6q1m5za"},
                 "statement": {"day": "2026-02-03", "class": "matched"}}],
                 "story": ["2026-01-30 12:00:00 The ledger has payment.captured as jrn_…: …", "Settlement stl_… (48.50 EUR): paid by payout po_….", "No difference is open."]}
                """,
        },
        new("GET", "/ops/v1/reconciliation/breaks", "Operators: reconciliation", "List breaks of reconciliation")
        {
            Query = ["state@break", .. Paging],
            Response = DocumentedOperation.List("""
                {"id": "rbk_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "reconciliation_break", "mode": "live", "leg": "provider", "provider": "stripe", "day": "2026-01-30", "class": "missing_here", "currency": "USD",
                 "difference": -1250, "priority": "high", "state": "open", "owner": null, "payment": null, "journal": null, "reason": null, "proposed_by": null, "resolved_by": null, "correction": null, "merchant": null, "version": 1, "age_days": 1,
                 "opened_at": "2026-01-31T12:00:00Z", "resolved_at": null}
                """),
        },
        new("GET", "/ops/v1/reconciliation/breaks/{id}", "Operators: reconciliation", "Read a break of reconciliation")
        {
            Response = """
                {"id": "rbk_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "reconciliation_break", "mode": "live", "leg": "provider", "provider": "stripe", "day": "2026-01-30", "class": "missing_here", "currency": "USD",
                 "difference": -1250, "priority": "high", "state": "open", "owner": null, "payment": null, "journal": null, "reason": null, "proposed_by": null, "resolved_by": null, "correction": null, "merchant": null, "version": 1, "age_days": 1,
                 "opened_at": "2026-01-31T12:00:00Z", "resolved_at": null, "notes": [], "steps": []}
                """,
        },
        new("POST", "/ops/v1/reconciliation/breaks/{id}/assign", "Operators: reconciliation", "Give a break of reconciliation to somebody")
        {
            Request = """{"owner": "Ada"}""",
            Required = ["owner"],
            Response = """
                {"id": "rbk_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "reconciliation_break", "mode": "live", "leg": "provider", "provider": "stripe", "day": "2026-01-30", "class": "missing_here", "currency": "USD",
                 "difference": -1250, "priority": "high", "state": "open", "owner": null, "payment": null, "journal": null, "reason": null, "proposed_by": null, "resolved_by": null, "correction": null, "merchant": null, "version": 1, "age_days": 1,
                 "opened_at": "2026-01-31T12:00:00Z", "resolved_at": null, "notes": [], "steps": []}
                """,
        },
        new("POST", "/ops/v1/reconciliation/breaks/{id}/notes", "Operators: reconciliation", "Write a note on a break of reconciliation")
        {
            Request = """{"note": "Asked the provider."}""",
            Required = ["note"],
            Response = """
                {"id": "rbk_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "reconciliation_break", "mode": "live", "leg": "provider", "provider": "stripe", "day": "2026-01-30", "class": "missing_here", "currency": "USD",
                 "difference": -1250, "priority": "high", "state": "open", "owner": null, "payment": null, "journal": null, "reason": null, "proposed_by": null, "resolved_by": null, "correction": null, "merchant": null, "version": 1, "age_days": 1,
                 "opened_at": "2026-01-31T12:00:00Z", "resolved_at": null, "notes": [], "steps": []}
                """,
        },
        new("POST", "/ops/v1/reconciliation/breaks/{id}/resolve", "Operators: reconciliation", "Say what closes a break of reconciliation")
        {
            Description = "A journal that the ledger has (409 `journal_unknown` otherwise, `journal_of_other_books` when it is of the other mode or moves nothing in the break's currency, 503 while the ledger does not answer), or a reason; or who bears the difference (`correction`), with a reason and the `version` that was seen: then the ledger is asked to book it, and the break is `booking` until it has. Beyond the limit of its currency that is a proposal, and another person approves it. 409 `break_state_conflict` when it is resolved, `break_changed` when it has another version, `nothing_to_book` when a correction would move nothing.",
            Request = """{"reason": "The provider corrected it."}""",
            Response = """
                {"id": "rbk_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "reconciliation_break", "mode": "live", "leg": "provider", "provider": "stripe", "day": "2026-01-30", "class": "missing_here", "currency": "USD",
                 "difference": -1250, "priority": "high", "state": "resolved", "owner": null, "payment": null, "journal": null, "reason": "The provider corrected it.", "proposed_by": "opk_…", "resolved_by": "opk_…", "correction": null, "merchant": null, "version": 2, "age_days": 1,
                 "opened_at": "2026-01-31T12:00:00Z", "resolved_at": "2026-02-01T09:00:00Z", "notes": [], "steps": []}
                """,
        },
        new("POST", "/ops/v1/reconciliation/breaks/{id}/approve", "Operators: reconciliation", "Agree to what closes a break of reconciliation")
        {
            Description = "As another person than proposed it: 409 `second_person_needed` otherwise, 409 `break_changed` when the break has another version than was seen, and 409 `break_state_conflict` when nothing is proposed.",
            Request = """{"version": 2}""",
            Required = ["version"],
            Response = """
                {"id": "rbk_01k0x5w3n8e2v9y7t4r6q1m5za", "object": "reconciliation_break", "mode": "live", "leg": "provider", "provider": "stripe", "day": "2026-01-30", "class": "missing_here", "currency": "USD",
                 "difference": -500000, "priority": "high", "state": "resolved", "owner": null, "payment": null, "journal": null, "reason": "The provider corrected it.", "proposed_by": "opk_…", "resolved_by": "opk_…", "correction": null, "merchant": null, "version": 2, "age_days": 1,
                 "opened_at": "2026-01-31T12:00:00Z", "resolved_at": "2026-02-01T09:00:00Z", "notes": [], "steps": []}
                """,
        },
    ];
}
