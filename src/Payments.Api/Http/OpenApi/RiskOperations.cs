namespace Payments.Api.Http.OpenApi;

/// <summary>Rules and lists of fraud decisions, which merchants keep for themselves and operators for everybody.</summary>
internal static class RiskOperations
{
    private static readonly string[] Paging = ["limit", "cursor"];

    public static DocumentedOperation[] Of(string prefix, string tag, bool ofOperators)
    {
        var whose = ofOperators ? "\"mode\": \"test\", \"merchant_id\": \"mer_01k0x5w3n8e2v9y7t4r6q1m5za\", " : "";
        string[] owner = ofOperators ? ["mode", "merchant_id", .. Paging] : Paging;
        string[] mode = ofOperators ? ["mode"] : [];
        return
        [
            new("POST", prefix + "/risk/lists", tag, "Allow or block a card, BIN, person or place")
            {
                Description = "In one mode. Kinds: fingerprint (of a card, as operators read it with a payment), bin, email, email_domain, ip, ip_range, country (of the card), customer. "
                    + "Blocking beats everything, allowing everything but blocking and rules that reject." + (ofOperators ? " Without merchant_id it counts for every merchant." : ""),
                Request = $$"""{ {{whose}}"action": "block", "kind": "bin", "value": "499998", "reason": "Carding attack"}""",
                Required = [.. mode, "action", "kind", "value"],
                Status = 201,
                Response = Examples.RiskListEntry,
            },
            new("GET", prefix + "/risk/lists", tag, "List what is allowed and blocked") { Query = owner, Response = DocumentedOperation.List(Examples.RiskListEntry) },
            new("DELETE", prefix + "/risk/lists/{id}", tag, "Take a value from a list") { Status = 204 },
            new("POST", prefix + "/risk/rules", tag, "Draft a rule")
            {
                Description = "The language of conditions is described in docs/fraud-rules.md. A draft decides nothing: dry-run it, then activate it.",
                Request = $$"""{ {{whose}}"name": "{{(ofOperators ? "many_cards_from_afar" : "many_cards_from_abroad")}}", "condition": "ip.cards_1h > 5 and card.country != 'US'", "action": "review", "reason": "many_foreign_cards"}""",
                Required = [.. mode, "name", "condition", "action"],
                Status = 201,
                Response = Examples.RiskRule,
            },
            new("GET", prefix + "/risk/rules", tag, "List rules") { Query = owner, Response = DocumentedOperation.List(Examples.RiskRule) },
            new("GET", prefix + "/risk/rules/{id}", tag, "Read a rule with its versions") { Response = Examples.RiskRule },
            new("POST", prefix + "/risk/rules/{id}/versions", tag, "Draft another version of a rule")
            {
                Description = "A version never changes. The active one stays active until another is activated.",
                Request = """{"condition": "ip.cards_1h > 8 and card.country != 'US'", "action": "review", "reason": "many_foreign_cards"}""",
                Required = ["condition", "action"],
                Status = 201,
                Response = Examples.RiskRule,
            },
            new("POST", prefix + "/risk/rules/{id}/dry_run", tag, "Try a version against past payments")
            {
                Description = "By what their decisions were made of. The newest version and 30 days unless given.",
                Request = """{"version": 1, "days": 30}""",
                Response = Examples.DryRun,
            },
            new("POST", prefix + "/risk/rules/{id}/activate", tag, "Let a version decide")
            {
                Description = "It must have been dry-run.",
                Request = """{"version": 1}""",
                Required = ["version"],
                Response = Examples.RiskRule,
            },
            new("POST", prefix + "/risk/rules/{id}/deactivate", tag, "Let a rule decide no more") { Request = "{}", Response = Examples.RiskRule },
            new("GET", prefix + "/risk/changes", tag, "List who changed which rule or list")
            {
                Query = owner,
                Response = DocumentedOperation.List("""
                    {"number": 7, "object": "risk_change", "mode": "test", "merchant_id": "mer_01k0x5w3n8e2v9y7t4r6q1m5za", "at": "2026-01-31T12:00:00Z", "actor": "key_01k0x5w3n8e2v9y7t4r6q1m5za",
                     "action": "rule.activate", "subject": "rul_01k0x5w3n8e2v9y7t4r6q1m5za", "before": {"active_version": null}, "after": {"active_version": 1}}
                    """),
            },
        ];
    }
}
