using System.Collections.Frozen;
using Payments.Api.Merchants;
using Payments.Core;
using Payments.Core.Events;
using Payments.Core.Seams;
using Payments.Platform.Http;

namespace Payments.Api.Http.OpenApi;

/// <summary>What members and parameters mean wherever they occur.</summary>
internal static class Glossary
{
    public sealed record Term(string Meaning, string[]? Values = null);

    // Of another service: its words, not its types.
    private static readonly string[] PayoutStates = ["awaiting_approval", "ready", "sent", "paid", "failed", "returned", "canceled"];
    private static readonly string[] PayoutStandings = ["kyc_pending", "cleared", "sanctions_hold", "risk_hold"];

    public static FrozenDictionary<string, Term> Members { get; } = new Dictionary<string, Term>
    {
        ["amount"] = new("Minor units of the currency: 5000 is 50.00 USD and 5000 JPY. At least 1; at most the currency's limit, which the head of this document lists."),
        ["currency"] = new("ISO 4217, upper case. How many digits stand after the decimal sign and how much a payment may be differs: see docs/api.md.", [.. Currency.All.Select(c => c.Code)]),
        ["capture_method"] = Words<CaptureMethod>("Automatic takes the money with the authorization, manual by a later capture."),
        ["status"] = new("Where it stands."),
        ["provider"] = Words<Provider>("Who processes it."),
        ["preferred_provider"] = Words<Provider>("Gets all of the merchant's payments while its circuit is closed; null leaves it to the router."),
        ["version"] = new("Grows with every change: the higher one is the later one."),
        ["final"] = new("No capture follows: what is left is released."),
        ["metadata"] = new("Up to the merchant; texts by name."),
        ["order_id"] = new("The merchant's own number, for searching."),
        ["receipt_email"] = new("Where receipts go."),
        ["return_url"] = new("Where the shopper's browser comes back to after a challenge (3-D Secure)."),
        ["statement_descriptor"] = new("What the card statement says: up to 22 letters, digits and signs."),
        ["event_types"] = new("Only these; null: all.", null),
        ["mode"] = Words<Mode>("Test and live never meet."),
        ["class"] = Words<KeyClass>("Publishable keys make tokens; secret keys do everything else."),
        ["scopes"] = new($"What a secret key may do ({string.Join(", ", KeyScopes.All)}); absent: all."),
        ["signing"] = Words<KeySigningPolicy>("Whether requests of this key are signed."),
        ["risk_tier"] = Words<RiskTier>("How closely the merchant is watched."),
        ["schedule"] = Words<SettlementSchedule>("When captured money is paid out."),
        ["settlement_terms.schedule"] = new("When the merchant is settled and paid.", ["daily_t1", "daily_t2", "weekly"]),
        ["payout_limit.currency"] = new("A currency, or * for every one without a limit of its own.", ["*", .. Currency.All.Select(c => c.Code)]),
        ["payout_limit_request.currency"] = new("A currency, or * for every one without a limit of its own.", ["*", .. Currency.All.Select(c => c.Code)]),
        ["settlement_terms.currency"] = new("What the merchant is paid in; null: each currency as it is.", ["USD", "EUR"]),
        ["expected_version"] = new("The version that was read; 0 where there was none."),
        ["person"] = new("Whose key it is; absent: the maker's own."),
        ["minimum"] = new("The least that is paid, in minor units of every currency without a minimum of its own."),
        ["minimums"] = new("The least that is paid, by currency, in its minor units."),
        ["standing"] = new("Whether the merchant may be paid; only cleared is.", PayoutStandings),
        ["payout.status"] = new("Where it stands: see docs/payouts.md.", PayoutStates),
        ["settlement.paid"] = new("What became payable: net less the reserve held plus the reserve released, exchanged at the rate."),
        ["settlement.rate"] = new("Null: it is paid in its own currency."),
        ["rate_per_million"] = new("Hundredths of a basis point: 29000 is 2.9 %."),
        ["fixed_us_cents"] = new("Once per payment, in US cents or their equivalent."),
        ["most_us_cents"] = new("Never more than this, in US cents."),
        ["capture_window_days"] = new("Authorizations that are not captured within so many days are released: 1 to 31. The provider's own limit counts where it is shorter."),
        ["overlap_seconds"] = new("How long the old key works on: 0 to 604800."),
        ["condition"] = new("What must be true of a payment: see docs/fraud-rules.md."),
        ["type"] = new($"Which kind. Events: {string.Join(", ", PaymentEventTypes.All)}."),
        ["payment_method.type"] = new("card, or ach: the debit of a bank account in the United States, in USD. Wallets (apple_pay, google_pay), bank_transfer and bnpl come later and are refused as payment_method_not_supported."),
        ["routing_number"] = new("The bank: nine digits, the last a check digit."),
        ["account_number"] = new("4 to 17 digits."),
        ["account_type"] = Words<BankAccountType>("What kind of account it is."),
        ["holder_type"] = Words<BankHolderType>("Whose account it is."),
        ["mandate"] = new("The holder's authorization of debits, as Nacha wants it proved."),
        ["user_agent"] = new("The customer's browser."),
        ["customer_reference"] = new("The merchant's own name of its customer, 1 to 100 characters. Kept apart from the payment, sealed, and shown to operators in reviews only."),
        ["risk_context"] = new("The circumstances of the payment, for fraud decisions: each member optional. Personal data: kept apart from the payment, sealed, never shown to merchants or in events, and erasable."),
        ["ip"] = new("Of the customer: IPv4 or IPv6."),
        ["session_seconds"] = new("How long the customer had been in the shop: 0 to 2592000."),
        ["account_created_at"] = new("When the customer's account at the merchant was made."),
        ["three_d_secure"] = Words<Flow.CreatePayment.ThreeDSecureWish>("Asks for authentication beyond what the tables of docs/three-d-secure.md ask for by themselves."),
        ["initiated_by"] = Words<Initiator>("The merchant: with a card that the customer left for it, without anybody who could be challenged."),
        ["requested"] = Words<ThreeDSecureRequest>("What was asked of the provider in 3-D Secure."),
        ["exemption"] = Words<ScaExemption>("Why the customer need not be authenticated, as claimed."),
        ["authentication.result"] = Words<AuthenticationResult>("How the authentication ended; null where nobody tried, or as long as it is not known."),
        ["flow"] = Words<AuthenticationFlow>("How the customer was authenticated."),
        ["eci"] = new("The scheme's electronic commerce indicator."),
        ["liability_shift"] = new("The issuer bears a fraudulent chargeback."),
        ["automatic"] = new("Nobody had decided when the time was over."),
        ["matches"] = new("By what it is like this one: card, customer, email, ip, device."),
        ["reconciliation_report.provider"] = new("Whose books; other: bank entries of nobody we know."),
        ["reconciliation_break.provider"] = new("Whose books; other: bank entries of nobody we know."),
        ["reconciliation_break.class"] = new("What kind of difference it is."),
        ["classes.class"] = new("What kind of difference it is: see docs/reconciliation.md."),
        ["classes.amount"] = new("What the class explains of the difference, less what it takes back of earlier days."),
        ["items.class"] = new("What became of it."),
        ["items.provider"] = new("Where it is expected."),
        ["lines.provider"] = new("Whose statement."),
        ["dispute.status"] = Words<DisputeStatus>("Where it stands: see docs/disputes.md."),
        ["dispute.reason"] = Words<DisputeReason>("What the customer says."),
        ["amount_withheld"] = new("What the provider holds back now."),
        ["dispute.fee"] = new("What the provider took for its work and did not give back."),
        ["dispute.liability_shift"] = new("A fraud dispute of a payment whose 3-D Secure authentication shifted liability: the issuer should bear it."),
        ["proposed_evidence"] = new("What is known here; sent along with the merchant's evidence, where the provider takes texts."),
        ["evidence_due_by"] = new("Until when evidence is taken."),
        ["submission.answer"] = Words<DisputeAnswer>("How the dispute was answered."),
        ["submission.state"] = new("open and unknown: it is found out; failed: it may be answered again."),
        ["next_cursor"] = new("Pass it as cursor for the next page; null on the last."),
    }.ToFrozenDictionary();

    public static FrozenDictionary<string, Term> Parameters { get; } = new Dictionary<string, Term>
    {
        ["limit"] = new("Rows per page: 1 to 100, 20 by default."),
        ["cursor"] = new("next_cursor of the page before."),
        ["status"] = Words<PaymentStatus>("Only payments that stand so."),
        ["order_id"] = new("Only payments of this order."),
        ["created[gte]"] = new("Created at or after: RFC 3339, or unix seconds."),
        ["created[gt]"] = new("Created after."),
        ["created[lt]"] = new("Created before."),
        ["created[lte]"] = new("Created at or before."),
        ["type@event"] = new("Only of this type.", [.. PaymentEventTypes.All, "webhook_endpoint.disabled"]),
        ["type@transaction"] = new("Only of this type.", ["charge", "charge_failure", "refund", "refund_failure", "dispute", "dispute_reversal"]),
        ["status@dispute"] = Words<DisputeStatus>("Only disputes that stand so."),
        ["payment"] = new("Only of this payment."),
        ["currency"] = new("Only in this currency.", [.. Currency.All.Select(c => c.Code)]),
        ["active"] = new("Only active, or only suspended merchants.", ["true", "false"]),
        ["target"] = new("Only what was done to this id."),
        ["merchant_id"] = new("Only of this merchant."),
        ["merchant"] = new("Only of this merchant."),
        ["event"] = new("Only of this event."),
        ["mode"] = Words<Mode>("Only in this mode."),
        ["status@open"] = new("Only open, or only closed ones.", ["open", "closed"]),
        ["unresolved"] = new("Only calls whose outcome is not known, or only the others.", ["true", "false"]),
        ["provider"] = Words<Provider>("Only of this provider."),
        ["status@payout"] = new("Only payouts that stand so.", PayoutStates),
        ["status@delivery"] = new("Only deliveries that stand so.", ["pending", "delivered", "failed", "canceled"]),
        ["service"] = new("The service that consumes the events.", ["ledger", "webhooks", "fraud", "reconciliation"]),
        ["leg"] = new("Events against providers' reports, or payouts against the bank.", ["provider", "bank"]),
        ["provider@book"] = new("Only of this provider.", ["stripe", "adyen", "other", "merchants"]),
        ["state@break"] = new("Only breaks that stand so.", ["open", "proposed", "booking", "resolved"]),
        ["format"] = new("What the report is answered as; json by default.", ["json", "csv", "html"]),
        ["account"] = new("The account."),
        ["from"] = new("Of payments created at or after: RFC 3339, or unix seconds; 30 days before the end by default."),
        ["to"] = new("Of payments created before; now by default. A period has at most 400 days."),
        ["at"] = new("As of this time: RFC 3339, or unix seconds."),
        ["basis"] = new("By which time a movement counts.", ["posted", "effective"]),
        ["owner"] = new("Only accounts of this owner."),
        ["kind"] = new("Only of this kind."),
        ["status@review"] = Words<ReviewStatus>("Only reviews that stand so."),
        ["state"] = new("Only models that stand so.", ["candidate", "challenger", "champion", "retired"]),
        ["claimed"] = new("Only those that an operator has at the moment, or only the others.", ["true", "false"]),
        ["kind@recovery"] = new("Only of this kind.", [.. Recovery.RecoveryKinds.All]),
        ["kind@incident"] = new("Only of this kind.", [.. Recovery.IncidentKinds.All.Select(k => k.Name)]),
    }.ToFrozenDictionary();

    private static Term Words<TEnum>(string meaning)
        where TEnum : struct, Enum => new(meaning, [.. Enum.GetValues<TEnum>().Select(v => Core.Words.Of(v))]);
}
