namespace Payments.Api.Http.OpenApi;

/// <summary>What operators set and do about settlement and payouts, which the ledger owns.</summary>
internal static class SettlementOperations
{
    private static readonly string[] Paging = ["limit", "cursor"];

    public static DocumentedOperation[] All { get; } =
    [
        new("GET", "/ops/v1/ledger/settlement_terms", "Operators: ledger", "Read when and how a merchant is settled")
        {
            Description = "The newest version; version 0, with the defaults, where nobody set any.",
            Query = ["merchant", "mode"],
            RequiredQuery = ["merchant", "mode"],
            Response = Examples.SettlementTerms,
        },
        new("POST", "/ops/v1/ledger/settlement_terms", "Operators: ledger", "Set when and how a merchant is settled")
        {
            Description = "A new version, from the next cut-off on. 409 settlement_terms_changed when expected_version is not the newest any more. See docs/settlement.md.",
            Request = """
                {"merchant_id": "mer_01k0x5w3n8e2v9y7t4r6q1m5za", "mode": "test", "expected_version": 0, "schedule": "weekly", "time_zone": "Europe/Berlin", "calendar": "target", "weekday": 5, "currency": "EUR",
                 "reserve_basis_points": 1000, "reserve_days": 90}
                """,
            Required = ["merchant_id", "mode", "expected_version", "schedule", "time_zone", "calendar"],
            Response = Examples.SettlementTerms,
        },
        new("POST", "/ops/v1/ledger/rates", "Operators: ledger", "Give an exchange rate")
        {
            Description = "Never changed: of several that are valid at a time the newest counts.",
            Request = """
                {"base": "EUR", "quote": "USD", "rate": "1.0842", "source": "ECB", "observed_at": "2026-01-31T15:00:00Z", "valid_from": "2026-01-31T15:00:00Z", "valid_until": "2026-02-03T15:00:00Z"}
                """,
            Required = ["base", "quote", "rate", "source", "observed_at", "valid_from", "valid_until"],
            Response = """
                {"object": "exchange_rate", "version": 1, "base": "EUR", "quote": "USD", "rate": "1.0842", "source": "ECB", "observed_at": "2026-01-31T15:00:00Z", "valid_from": "2026-01-31T15:00:00Z", "valid_until": "2026-02-03T15:00:00Z"}
                """,
        },
        new("GET", "/ops/v1/ledger/exchanges", "Operators: ledger", "List what the house exchanged") { Query = ["mode", .. Paging], Response = DocumentedOperation.List(Examples.Exchange) },
        new("POST", "/ops/v1/ledger/exchanges", "Operators: ledger", "Record what the house exchanged at its bank")
        {
            Description = "Each reference of the bank is booked once. Above the limit of corrections it is booked when another person approves it. 422 exchange_off_our_rate when it is more than a tenth away from our rate. See docs/settlement.md.",
            Request = """
                {"mode": "test", "sold": {"amount": 108600, "currency": "USD"}, "bought": {"amount": 100000, "currency": "EUR"}, "exchanged_at": "2026-02-02T10:00:00Z", "reference": "FX-2026-0042", "reason": "Euros for the week's payouts"}
                """,
            Required = ["mode", "sold", "bought", "exchanged_at", "reference", "reason"],
            Response = Examples.Exchange,
        },
        new("POST", "/ops/v1/ledger/exchanges/{id}/approve", "Operators: ledger", "Approve an exchange above the limit") { Request = "{}", Response = Examples.Exchange },
        new("POST", "/ops/v1/ledger/exchanges/{id}/refuse", "Operators: ledger", "Refuse an exchange that waits")
        {
            Description = "It is not booked, and its reference may be recorded again. 409 exchange_state_conflict when it is booked.",
            Request = """{"reason": "The amount is another one"}""",
            Required = ["reason"],
            Response = Examples.Exchange,
        },
        new("GET", "/ops/v1/ledger/revaluations", "Operators: ledger", "List what open exchanges were worth") { Query = ["mode", .. Paging], Response = DocumentedOperation.List(Examples.Revaluation) },
        new("POST", "/ops/v1/ledger/revaluations", "Operators: ledger", "Value open exchanges now")
        {
            Description = "Done once a day by itself. What rates have moved by since the last time is booked as gain or loss. 409 rate_missing, no_open_exchanges.",
            Request = """{"mode": "test"}""",
            Required = ["mode"],
            Response = Examples.Revaluation,
        },
        new("POST", "/ops/v1/ledger/payout_settings", "Operators: ledger", "Set whether and where a merchant is paid")
        {
            Description = "A new version. The account is kept sealed; only its last four characters are ever shown. One that replaces another is paid when another person has given the same (account_confirmed), and payouts that were approved to the one before wait for their approval again. See docs/payouts.md.",
            Request = """
                {"merchant_id": "mer_01k0x5w3n8e2v9y7t4r6q1m5za", "mode": "test", "standing": "cleared", "name": "Ada's Mugs", "iban": "DE89370400440532013000", "bic": "COBADEFFXXX", "reason": "Documents checked", "minimum": 1000, "minimums": {"JPY": 1500}}
                """,
            Required = ["merchant_id", "mode", "standing", "name", "iban", "bic", "reason"],
            Response = """
                {"object": "payout_settings", "merchant_id": "mer_01k0x5w3n8e2v9y7t4r6q1m5za", "mode": "test", "version": 1, "standing": "cleared", "minimum": 1000, "minimums": {"JPY": 1500}, "iban_last4": "3000", "account_version": 1, "account_confirmed": true}
                """,
        },
        new("POST", "/ops/v1/ledger/payout_switch", "Operators: ledger", "Stop all payouts, or let them go on")
        {
            Request = """{"stopped": false, "reason": "The bank answers again"}""",
            Required = ["stopped", "reason"],
            Response = """{"object": "payout_switch", "stopped": false, "reason": "The bank answers again"}""",
        },
        new("GET", "/ops/v1/ledger/payout_limits", "Operators: ledger", "List from which amount on a payout needs two people")
        {
            Response = DocumentedOperation.List("""{"object": "payout_limit", "currency": "*", "above": 1000000}"""),
        },
        new("POST", "/ops/v1/ledger/payout_limits", "Operators: ledger", "Set from which amount on a payout needs two people")
        {
            Description = "Of a currency, or of every other (*). A lower limit counts at once; one that lets more go out counts when another person asks for the same.",
            Request = """{"currency": "EUR", "above": 500000, "reason": "The bank's own limit"}""",
            Required = ["currency", "above", "reason"],
            Response = """{"object": "payout_limit_request", "currency": "EUR", "above": 500000, "reason": "The bank's own limit", "counts": true}""",
        },
        new("GET", "/ops/v1/ledger/payouts", "Operators: ledger", "List payouts") { Query = ["mode", "merchant", "status@payout", .. Paging], Response = DocumentedOperation.List(Examples.Payout) },
        new("POST", "/ops/v1/ledger/payouts/{id}/approve", "Operators: ledger", "Approve a payout above the limit")
        {
            Description = "Two people are needed; one of them twice is refused. The approval is for the bank account that the payout shows: 409 payout_account_changed when it has another one by now.",
            Request = """{"account_version": 1}""",
            Required = ["account_version"],
            Response = Examples.Payout,
        },
        new("POST", "/ops/v1/ledger/payouts/{id}/report", "Operators: ledger", "Tell what became of a payout")
        {
            Description = "paid, failed or returned as the bank says, or canceled. What one person says of failed or returned is noted, and counts when another person says it too; the bank's own report or statement needs nobody. Told again it changes nothing.",
            Request = """{"status": "canceled", "reference": "", "reason": "The merchant asked for it", "at": "2026-02-03T09:00:00Z"}""",
            Required = ["status", "reference", "reason", "at"],
            Response = Examples.Payout,
        },
        new("POST", "/ops/v1/ledger/payout_files", "Operators: ledger", "Make a bank file")
        {
            Description = "Of all payouts of a mode and currency that are ready, up to 10000: ISO 20022 pain.001.001.09. Repeated under its key it is answered with the same file; under another one it takes what became ready since, and never a payout twice. A payout to a bank account that one person changed waits for another person (payout_account_unconfirmed where nothing else is ready). execute_on is today, or up to 30 days ahead.",
            Request = """{"mode": "test", "currency": "EUR"}""",
            Required = ["mode", "currency"],
            Response = Examples.PayoutFile,
        },
        new("GET", "/ops/v1/ledger/payout_files", "Operators: ledger", "List bank files") { Query = ["mode", "currency", .. Paging], Response = DocumentedOperation.List(Examples.PayoutFile) },
        new("GET", "/ops/v1/ledger/payout_files/{id}", "Operators: ledger", "Read a bank file")
        {
            Description = "With Accept: application/xml the file itself, the same to the byte each time.",
            Response = Examples.PayoutFile,
        },
        new("PUT", "/ops/v1/ledger/payout_files/{id}/status_report", "Operators: ledger", "Tell what the bank answers to a file")
        {
            Description = "The body is the bank's pain.002 itself, of any version, as application/xml, up to 16 MiB. Told again it changes nothing. What the bank refused is failed, and payable again, when another person uploads or reports the same; until then it is counted in second_person_needed.",
            Response = """{"object": "payout_status_report", "file": "pof_01k0x5w3n8e2v9y7t4r6q1m5za", "changed": 11, "unchanged": 0, "second_person_needed": 1}""",
        },
    ];
}
