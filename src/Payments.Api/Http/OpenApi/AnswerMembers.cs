using System.Collections.Frozen;

namespace Payments.Api.Http.OpenApi;

/// <summary>What one example of an answer cannot show: which members may be null, and what stands where it has null or an empty list.</summary>
internal static class AnswerMembers
{
    private const string Time = "\"2026-01-31T12:00:00Z\"";
    private const string Word = "\"…\"";
    private const string Decline = """{"code": "insufficient_funds", "kind": "soft", "provider_code": "51", "message": "The card has insufficient funds."}""";
    private const string Address = """{"line1": "1 Main St", "line2": null, "city": "Berlin", "postal_code": "10115", "state": null, "country": "DE"}""";
    private const string Amount = """{"currency": "USD", "amount": 4825}""";

    // By the object's name, or by the member that holds it where it has none.
    private static readonly FrozenSet<string> MayBeNull = new (string Holder, string Members)[]
    {
        ("list", "next_cursor"),
        ("payment", "provider provider_reference risk authentication review next_action decline order_id description statement_descriptor receipt_email authorized_at captured_at card_fingerprint"),
        ("authentication", "exemption result flow eci version"),
        ("review", "automatic decided_at score due_at claimed_by claimed_until decided_by reason card_fingerprint customer_reference risk_context"),
        ("risk_context", "ip user_agent device_id email billing_address shipping_address session_seconds account_created_at"),
        ("billing_address", "line1 line2 city postal_code state country"),
        ("shipping_address", "line1 line2 city postal_code state country"),
        ("similar_payments", "score decision review"),
        ("payment_method", "brand last4 country funding token"),
        ("decline", "provider_code"),
        ("failure", "provider_code"),
        ("refund", "reason failure provider provider_reference"),
        ("attempts", "provider_reference modification_reference decline closed_at status_code error response"),
        ("timeline", "reason"),
        ("recoveries", "reason attempt_id"),
        ("payments", "released_after"),
        ("card", "country funding"),
        ("webhook_endpoint", "description event_types disabled_reason failing_since"),
        ("webhook_delivery", "delivered_at next_attempt_at"),
        ("event", "operation"),
        ("operation", "reason"),
        ("merchant", "statement_descriptor"),
        ("monthly_limits", "test live"),
        ("routing", "preferred_provider"),
        ("rate_limit", "requests_per_second"),
        ("api_key", "name scopes rolled_to expires_at revoked_at"),
        ("new_api_key", "signing_secret"),
        ("operator_key", "revoked_at"),
        ("risk_metrics", "merchant_id"),
        ("risk_metric", "value numerator target within_target"),
        ("incident", "runbook action merchant_id payment_id attempt_id assignee closed_at closed_by close_reason"),
        ("break", "owner merchant_id closed_at closed_by close_reason"),
        ("attempt", "provider_reference detail missing_since next_look_at incident_id"),
        ("recovery", "merchant_id mode payment_id attempt_id before after"),
        ("ledger_account", "partition"),
        ("trial_balance", "at"),
        ("ledger_months", "horizon_at"),
        ("closed_month", "audited_at retired"),
        ("retired", "archive"),
        ("completeness", "last_round_at"),
        ("findings", "reference"),
        ("chain_verification", "anchors"),
        ("anchors", "last_at"),
        ("breaks", "journal"),
        ("data", "error halted_at halted_because p99_milliseconds opened_at opened_because next_probe_at"),
        ("risk_list_entry", "merchant_id reason"),
        ("risk_rule", "merchant_id active_version"),
        ("versions", "dry_run"),
        ("risk_change", "merchant_id before after"),
    }.SelectMany(h => h.Members.Split(' ').Select(m => $"{h.Holder}.{m}")).ToFrozenSet(StringComparer.Ordinal);

    // Whatever happened: another form for each action.
    private static readonly FrozenSet<string> Free = new[] { "recovery.before", "recovery.after", "audit_entry.detail", "risk_change.before", "risk_change.after" }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, string> Shapes = new Dictionary<string, string>
    {
        ["list.next_cursor"] = "\"AQGcFmk7K3…\"",
        ["payment.decline"] = Decline,
        ["attempts.decline"] = Decline,
        ["refund.failure"] = Decline,
        ["payment.next_action"] = """{"type": "redirect", "url": "https://issuer.example/3ds"}""",
        ["payment.review"] = """{"status": "approved", "automatic": false, "decided_at": "2026-01-31T12:40:00Z"}""",
        ["authentication.exemption"] = "\"low_value\"",
        ["risk_context.billing_address"] = Address,
        ["risk_context.shipping_address"] = Address,
        ["billing_address.line2"] = Word,
        ["billing_address.state"] = Word,
        ["shipping_address.line2"] = Word,
        ["shipping_address.state"] = Word,
        ["similar_payments.review"] = "\"approved\"",
        ["review.claimed_by"] = "\"Ada\"",
        ["review.claimed_until"] = Time,
        ["review.automatic"] = "false",
        ["review.decided_by"] = "\"Ada\"",
        ["review.reason"] = Word,
        ["review.decided_at"] = Time,
        ["risk.factors"] = "[\"bin_blocked\"]",
        ["attempts.modification_reference"] = Word,
        ["attempts.error"] = "\"timeout\"",
        ["timeline.reason"] = Word,
        ["operation.reason"] = Word,
        ["webhook_endpoint.disabled_reason"] = "\"failing\"",
        ["webhook_endpoint.failing_since"] = Time,
        ["webhook_delivery.next_attempt_at"] = Time,
        ["monthly_limits.test"] = "50000000",
        ["routing.preferred_provider"] = "\"adyen\"",
        ["rate_limit.requests_per_second"] = "100",
        ["api_key.rolled_to"] = "\"key_01k0x5w3n8e2v9y7t4r6q1m5zb\"",
        ["api_key.expires_at"] = Time,
        ["api_key.revoked_at"] = Time,
        ["operator_key.revoked_at"] = Time,
        ["risk_metrics.merchant_id"] = "\"mer_01k0x5w3n8e2v9y7t4r6q1m5za\"",
        ["data.opened_at"] = Time,
        ["data.opened_because"] = Word,
        ["data.next_probe_at"] = Time,
        ["incident.attempt_id"] = "\"att_01k0x5w3n8e2v9y7t4r6q1m5za\"",
        ["incident.assignee"] = "\"Ada\"",
        ["incident.closed_at"] = Time,
        ["incident.closed_by"] = "\"Ada\"",
        ["incident.close_reason"] = Word,
        ["break.owner"] = "\"Ada\"",
        ["break.merchant_id"] = "\"mer_01k0x5w3n8e2v9y7t4r6q1m5za\"",
        ["break.closed_at"] = Time,
        ["break.closed_by"] = "\"Ada\"",
        ["break.close_reason"] = Word,
        ["attempt.provider_reference"] = Word,
        ["attempt.missing_since"] = Time,
        ["ledger_account.partition"] = "3",
        ["trial_balance.at"] = Time,
        ["retired.archive"] = Word,
        ["completeness.partitions"] = """[{"partition": 0, "published": 12, "applied": 12, "examined": 12}]""",
        ["completeness.findings"] = """[{"id": 1, "kind": "journal_missing", "subject": "evt_…", "detail": "…", "reference": "…", "first_seen_at": "2026-01-31T12:00:00Z", "last_seen_at": "2026-01-31T12:00:00Z"}]""",
        ["chain_verification.breaks"] = """[{"partition": 0, "seq": 12, "journal": "jrn_01k0x5w3n8e2v9y7t4r6q1m5za", "problem": "…"}]""",
        ["chain_verification.changed_accounts"] = "[\"…\"]",
        ["chain_verification.broken_closings"] = "[\"…\"]",
        ["chain_verification.anchors"] = """{"checked": 3, "last_at": "2026-01-31T12:00:00Z", "breaks": []}""",
        ["chain_verification.heads"] = """[{"partition": 0, "seq": 12, "hash": "60303ae2…"}]""",
        ["anchors.breaks"] = "[\"…\"]",
        ["balance.available"] = $"[{Amount}]",
        ["balance.reserved"] = $"[{Amount}]",
        ["balance.authorized"] = $"[{Amount}]",
        ["data.error"] = Word,
        ["data.halted_at"] = Time,
        ["data.halted_because"] = Word,
        ["risk_list_entry.merchant_id"] = "\"mer_01k0x5w3n8e2v9y7t4r6q1m5za\"",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static bool IsNullable(string member) => MayBeNull.Contains(member);

    public static bool IsFree(string member) => Free.Contains(member);

    /// <summary>Null where the example itself shows it.</summary>
    public static string? ShapeOf(string member) => Shapes.GetValueOrDefault(member);
}
