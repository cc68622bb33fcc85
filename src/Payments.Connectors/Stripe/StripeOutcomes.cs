using System.Text.Json;
using Payments.Connectors.Wire;
using Payments.Core;

namespace Payments.Connectors.Stripe;

/// <summary>What Stripe's answers mean: pure.</summary>
internal static class StripeOutcomes
{
    public const string AttemptKey = "attempt_id";
    public const string PaymentKey = "payment_id";
    public const string MerchantKey = "merchant_id";

    /// <summary>Prefix of the metadata key that a capture leaves behind: an intent has no list of its captures.</summary>
    public const string CaptureKey = "capture_";

    /// <summary>
    /// Everything but a success with a body. Not processed is only what certainly was not; a 402 is a decline; 400 and 404 refuse
    /// for good; a conflict and an idempotency error say that another request of this key exists, whose outcome is unknown.
    /// </summary>
    public static Outcome OfFailure(WireAnswer answer, bool isDebit = false)
    {
        if (answer.Result == WireResult.NotSent)
        {
            return new Outcome(OutcomeKind.NotProcessed) { Detail = answer.Detail };
        }

        if (answer.Result == WireResult.Unanswered)
        {
            return new Outcome(OutcomeKind.Unknown) { Detail = answer.Detail };
        }

        var error = answer.Body?.Object("error");
        var type = error.Text("type");
        var code = error.Text("code");
        var detail = $"{answer.Detail} {type} {code}".TrimEnd();
        return answer.Status switch
        {
            401 or 403 or 429 => new Outcome(OutcomeKind.NotProcessed) { Detail = detail },
            409 => new Outcome(OutcomeKind.Unknown) { Detail = detail, ProviderIsWell = true },
            400 or 402 when type == "idempotency_error" =>
                new Outcome(OutcomeKind.Unknown) { Detail = $"bug: this key was used with other parameters; {detail}", ProviderIsWell = true },
            400 or 402 or 404 when error is { } refusal => new Outcome(OutcomeKind.Declined)
            {
                PaymentReference = refusal.Object("payment_intent").Text("id"),
                Decline = isDebit ? StripeDebits.DeclineOf(code) : StripeDeclines.Of(code, error.Text("decline_code")),
                Detail = detail,
            },
            _ => new Outcome(OutcomeKind.Unknown) { Detail = detail },
        };
    }

    /// <summary>An intent as the outcome of its authorization. An amount or currency other than asked is nobody's success.</summary>
    public static Outcome OfIntent(JsonElement intent, Money asked)
    {
        var id = intent.Text("id");
        if (id is null || intent.Number("amount") != asked.Minor || !string.Equals(intent.Text("currency"), asked.Currency.Code, StringComparison.OrdinalIgnoreCase))
        {
            return new Outcome(OutcomeKind.Unknown) { PaymentReference = id, Detail = "the intent's amount or currency is not what was asked" };
        }

        var charge = intent.Object("latest_charge");
        var card = charge.Object("payment_method_details").Object("card");
        var checks = card.Object("checks");
        var outcome = new Outcome(OutcomeKind.Unknown)
        {
            PaymentReference = id,
            CaptureBefore = card.UnixTime("capture_before"),
            AvsResult = Check(checks.Text("address_postal_code_check") ?? checks.Text("address_line1_check")),
            CvcResult = Check(checks.Text("cvc_check")),
            Authentication = StripeAuthentication.Of(card.Object("three_d_secure")),
        };
        return intent.Text("status") switch
        {
            "succeeded" => outcome with { Kind = OutcomeKind.Approved, Captured = true, CaptureBefore = null },
            "requires_capture" => outcome with { Kind = OutcomeKind.Approved },
            "processing" => outcome with { Kind = OutcomeKind.Pending },
            // Stripe asks the holder itself to confirm the account, and tells what came of it.
            "requires_action" when StripeDebits.IsDebit(intent) => outcome with { Kind = OutcomeKind.Pending, Detail = "waits for the account's verification" },
            "requires_action" => intent.Object("next_action").Object("redirect_to_url").Text("url") is { } url
                ? outcome with { Kind = OutcomeKind.NeedsAction, ActionUrl = url }
                : outcome with { Detail = "requires_action without a redirect" },
            "requires_payment_method" => Declined(outcome, DeclineOf(intent)),
            "canceled" => outcome with { Kind = OutcomeKind.Declined, Decline = StripeDeclines.Table.Of("payment_intent_unexpected_state"), Detail = "the intent was cancelled" },
            var status => outcome with { Detail = $"status {status ?? "missing"}" },
        };
    }

    private static Outcome Declined(Outcome outcome, Decline decline) => outcome with
    {
        Kind = OutcomeKind.Declined,
        Decline = decline,
        Authentication = AuthenticationReading.OfDecline(outcome.Authentication, decline),
    };

    public static Decline DeclineOf(JsonElement intent)
    {
        var error = intent.Object("last_payment_error");
        return StripeDebits.IsDebit(intent) ? StripeDebits.DeclineOf(error.Text("code")) : StripeDeclines.Of(error.Text("code"), error.Text("decline_code"));
    }

    public static Outcome OfRefund(JsonElement refund)
    {
        var outcome = new Outcome(OutcomeKind.Unknown) { PaymentReference = refund.TextOrId("payment_intent"), ModificationReference = refund.Text("id") };
        return refund.Text("status") switch
        {
            "succeeded" => outcome with { Kind = OutcomeKind.Approved },
            "pending" or "requires_action" => outcome with { Kind = OutcomeKind.Pending },
            "failed" or "canceled" => outcome with { Kind = OutcomeKind.Declined, Decline = StripeDeclines.Of(refund.Text("failure_reason") ?? "unknown", null) },
            var status => outcome with { Detail = $"refund status {status ?? "missing"}" },
        };
    }

    /// <summary>Whether this intent was captured by this attempt.</summary>
    public static bool WasCapturedBy(JsonElement intent, AttemptId attempt) => intent.Object("metadata").Text(CaptureKey + attempt) is not null;

    private static string? Check(string? stripe) => stripe switch
    {
        "pass" => "match",
        "fail" => "no_match",
        "unavailable" => "unavailable",
        "unchecked" => "unchecked",
        _ => null,
    };
}
