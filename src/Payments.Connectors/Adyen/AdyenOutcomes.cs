using System.Globalization;
using System.Text.Json;
using Payments.Connectors.Wire;
using Payments.Core;

namespace Payments.Connectors.Adyen;

/// <summary>What Adyen's answers mean: pure.</summary>
internal static class AdyenOutcomes
{
    /// <summary>
    /// Everything but a 2xx with a body. A 704 says that another request with this key runs: unknown. Other 4xx answers refuse for
    /// good. The header transient-error invites a repeat with the same key, which proves nothing about the first.
    /// </summary>
    public static Outcome OfFailure(WireAnswer answer)
    {
        if (answer.Result == WireResult.NotSent)
        {
            return new Outcome(OutcomeKind.NotProcessed) { Detail = answer.Detail };
        }

        if (answer.Result == WireResult.Unanswered)
        {
            return new Outcome(OutcomeKind.Unknown) { Detail = answer.Detail };
        }

        var code = answer.Body?.Text("errorCode");
        var detail = code is null ? answer.Detail : $"{answer.Detail} errorCode {code}";
        return answer.Status switch
        {
            401 or 403 or 429 => new Outcome(OutcomeKind.NotProcessed) { Detail = detail },
            409 => new Outcome(OutcomeKind.Unknown) { Detail = detail, ProviderIsWell = true },
            400 or 404 or 422 when code == "704" => new Outcome(OutcomeKind.Unknown) { Detail = detail, ProviderIsWell = true },
            400 or 404 or 422 when code is not null => new Outcome(OutcomeKind.Declined) { Decline = AdyenDeclines.OfError(code), Detail = detail },
            _ => new Outcome(OutcomeKind.Unknown) { Detail = detail },
        };
    }

    /// <summary>The result of <c>/payments</c> or <c>/payments/details</c>.</summary>
    public static Outcome OfPayment(JsonElement body, Money asked, bool captureNow)
    {
        var additional = body.Object("additionalData");
        var outcome = new Outcome(OutcomeKind.Unknown)
        {
            PaymentReference = body.Text("pspReference"),
            AvsResult = Avs(additional.Text("avsResult")),
            CvcResult = Cvc(additional.Text("cvcResult")),
            Authentication = AdyenAuthentication.Of(additional),
        };
        if (body.Object("amount") is { } amount && (amount.Number("value") != asked.Minor || amount.Text("currency") != asked.Currency.Code))
        {
            return outcome with { Detail = "the payment's amount or currency is not what was asked" };
        }

        return body.Text("resultCode") switch
        {
            "Authorised" when outcome.PaymentReference is null => outcome with { Detail = "authorised without a reference" },
            "Authorised" => outcome with { Kind = OutcomeKind.Approved, Captured = captureNow },
            "Refused" or "Error" or "Cancelled" => Declined(outcome, AdyenDeclines.OfRefusal(body.Text("refusalReasonCode"), body.Text("refusalReason") ?? body.Text("resultCode"))),
            "Pending" or "Received" => outcome with { Kind = OutcomeKind.Pending },
            "RedirectShopper" => body.Object("action") is { } action && action.Text("url") is { } url && action.Text("method") is "GET" or null
                ? outcome with { Kind = OutcomeKind.NeedsAction, ActionUrl = url }
                : outcome with { Detail = "a redirect without a URL to go to" },

            // Asked for nowhere here, and no money is held unless somebody submits the details of such a challenge.
            "IdentifyShopper" or "ChallengeShopper" or "PresentToShopper" => outcome with
            {
                Kind = OutcomeKind.Declined,
                Decline = AdyenDeclines.OfRefusal("38", null),
                Detail = $"resultCode {body.Text("resultCode")} cannot be served",
            },

            // Among them PartiallyAuthorised, which holds money: somebody has to look.
            var result => outcome with { Detail = $"resultCode {result ?? "missing"}" },
        };
    }

    private static Outcome Declined(Outcome outcome, Decline decline) => outcome with
    {
        Kind = OutcomeKind.Declined,
        Decline = decline,
        Authentication = AuthenticationReading.OfDecline(outcome.Authentication, decline),
    };

    /// <summary>A modification is only received; its outcome comes by webhook.</summary>
    public static Outcome OfModification(WireAnswer answer)
    {
        if (answer is not { IsSuccess: true, Body: { } body })
        {
            return OfFailure(answer);
        }

        return body.Text("status") == "received" && body.Text("pspReference") is { } reference
            ? new Outcome(OutcomeKind.Pending) { PaymentReference = body.Text("paymentPspReference"), ModificationReference = reference }
            : new Outcome(OutcomeKind.Unknown) { Detail = "a modification that was neither received nor refused" };
    }

    /// <summary>A number, a space and words.</summary>
    public static string? Cvc(string? result) => Leading(result) switch
    {
        null => null,
        1 => "match",
        2 => "no_match",
        0 or 3 or 4 => "unchecked",
        _ => "unavailable",
    };

    public static string? Avs(string? result) => Leading(result) switch
    {
        null => null,
        7 or 20 or 21 or 22 or 23 or 24 or 25 => "match",
        1 or 6 or 8 or 9 or 10 or 11 or 12 or 14 or 15 or 16 or 17 => "partial_match",
        2 => "no_match",
        0 or 5 or 18 => "unchecked",
        _ => "unavailable",
    };

    private static int? Leading(string? text) =>
        text is not null && int.TryParse(text.Split(' ')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
