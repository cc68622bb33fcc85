using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Payments.Connectors.Wire;
using Payments.Core;

namespace Payments.Connectors.Adyen;

/// <summary>Adyen's Disputes API and dispute notifications. It takes documents, not texts.</summary>
internal sealed class AdyenDisputes(AdyenClient client)
{
    // What the codes of reasons that tell of an authentication have in common, without what is neither letter nor digit.
    private static readonly string[] OfAuthentication = ["3DS", "3DSECURE", "LIABILITYSHIFT"];

    /// <summary>Asks which reasons there are to defend, lays the documents down for one of them, and defends: the authentication where liability shifted, otherwise the first.</summary>
    public async Task<Outcome> AnswerAsync(DisputeCall call, CancellationToken cancellationToken)
    {
        if (call.Answer == DisputeAnswer.Acceptance)
        {
            return OutcomeOf(await client.DisputeAsync("acceptDispute", Body(call), call.AttemptId.ToString(), cancellationToken));
        }

        var asked = await ReasonAsync(call, cancellationToken);
        if (asked.Reason is not { } reason)
        {
            return asked.Answer is { IsSuccess: true } ? new Outcome(OutcomeKind.Declined) { Decline = AdyenDeclines.OfError("dispute_not_defendable"), Detail = "no reason to defend is applicable" } : AdyenOutcomes.OfFailure(asked.Answer);
        }

        var types = TypesOf(reason);
        var documents = new JsonArray();
        foreach (var (piece, n) in call.Evidence.Select((piece, n) => (piece, n)))
        {
            documents.Add(new JsonObject
            {
                ["content"] = Convert.ToBase64String(piece.Content.Span),
                ["contentType"] = piece.Type,
                ["defenseDocumentTypeCode"] = types[Math.Min(n, types.Count - 1)],
            });
        }

        var supply = Body(call);
        supply["defenseDocuments"] = documents;
        var supplied = OutcomeOf(await client.DisputeAsync("supplyDefenseDocument", supply, $"{call.AttemptId}-documents", cancellationToken));
        if (supplied.Kind != OutcomeKind.Approved)
        {
            return supplied;
        }

        var defend = Body(call);
        defend["defenseReasonCode"] = reason.Text("defenseReasonCode");
        return OutcomeOf(await client.DisputeAsync("defendDispute", defend, call.AttemptId.ToString(), cancellationToken));
    }

    /// <summary>A dispute that was defended or accepted has no reason left to defend it.</summary>
    public async Task<ReadBack> ReadAsync(DisputeCall call, CancellationToken cancellationToken)
    {
        var (reason, answer) = await ReasonAsync(call, cancellationToken);
        return !answer.IsSuccess ? new ReadBack(ReadBackKind.Unanswered)
            : reason is null ? new ReadBack(ReadBackKind.Found, new Outcome(OutcomeKind.Approved))
            : new ReadBack(ReadBackKind.NotFound);
    }

    /// <summary>Null for what is no event of a dispute.</summary>
    public static DisputeFact? FactOf(string code, bool success, JsonElement item, string psp, DateTimeOffset? at)
    {
        if (!success || Meaning(code) is not { } meaning || psp.Length == 0)
        {
            return null;
        }

        var (additional, amount) = (item.Object("additionalData"), item.Object("amount"));
        if (amount.Number("value") is not { } minor || !Currency.TryFind(amount.Text("currency"), out var currency))
        {
            return null;
        }

        var reason = additional.Text("chargebackReasonCode") ?? additional.Text("rfiReasonCode");
        return new DisputeFact(Provider.Adyen, psp, minor, currency.Code)
        {
            Status = code == "REQUEST_FOR_INFORMATION" && additional.Text("disputeStatus") is null or "Unresponded" ? DisputeStatus.Warning : StatusOf(additional.Text("disputeStatus")) ?? meaning.Status,
            Movements = meaning.Movement is { } number ? [new ToldMovement(number, minor, null)] : [],
            Reason = ReasonOf(reason),
            ProviderReason = reason is { Length: <= 60 } ? reason : null,
            EvidenceDueBy = DateTimeOffset.TryParse(additional.Text("defensePeriodEndsAt"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var due) ? due.ToUniversalTime() : null,
            ProviderTime = at,
        };
    }

    // event → what it says where disputeStatus does not, and which movement of money it is
    private static (DisputeStatus? Status, int? Movement)? Meaning(string code) => code switch
    {
        "REQUEST_FOR_INFORMATION" => (DisputeStatus.Warning, null),
        "NOTIFICATION_OF_CHARGEBACK" => (DisputeStatus.NeedsResponse, null),
        "CHARGEBACK" => (null, 1),
        "INFORMATION_SUPPLIED" => (DisputeStatus.UnderReview, null),
        "CHARGEBACK_REVERSED" => (DisputeStatus.UnderReview, 2),
        "SECOND_CHARGEBACK" => (DisputeStatus.Lost, 3),
        "PREARBITRATION_WON" or "ISSUER_RESPONSE_TIMEFRAME_EXPIRED" => (DisputeStatus.Won, null),
        "PREARBITRATION_LOST" => (DisputeStatus.Lost, null),
        "DISPUTE_DEFENSE_PERIOD_ENDED" => (DisputeStatus.Expired, null),
        _ => null,
    };

    private static DisputeStatus? StatusOf(string? status) => status switch
    {
        "Undefended" or "Unresponded" => DisputeStatus.NeedsResponse,
        "Pending" or "Responded" => DisputeStatus.UnderReview,
        "Expired" => DisputeStatus.Expired,
        "Accepted" => DisputeStatus.Accepted,
        "Won" => DisputeStatus.Won,
        "Lost" => DisputeStatus.Lost,
        _ => null,
    };

    // The schemes' codes, by their beginnings: Visa's conditions, Mastercard's numbers.
    private static DisputeReason ReasonOf(string? code) => code switch
    {
        null => DisputeReason.General,
        _ when code.StartsWith("10.", StringComparison.Ordinal) || code is "4837" or "4849" or "4870" or "4871" or "F24" or "F29" or "UA02" => DisputeReason.Fraudulent,
        "13.1" or "C08" => DisputeReason.ProductNotReceived,
        "13.2" or "C28" => DisputeReason.SubscriptionCanceled,
        "13.3" or "13.4" or "13.5" or "4853" or "C31" or "C32" => DisputeReason.ProductUnacceptable,
        "13.6" or "13.7" or "4860" or "C02" or "C05" => DisputeReason.CreditNotProcessed,
        _ when code.StartsWith("12.6", StringComparison.Ordinal) || code is "4834" or "P08" => DisputeReason.Duplicate,
        "4863" => DisputeReason.Unrecognized,
        _ => DisputeReason.General,
    };

    private async Task<(JsonElement? Reason, WireAnswer Answer)> ReasonAsync(DisputeCall call, CancellationToken cancellationToken)
    {
        var answer = await client.DisputeAsync("retrieveApplicableDefenseReasons", Body(call), null, cancellationToken);
        var reasons = answer.Body?.Items("defenseReasons")?.Where(r => r.Text("defenseReasonCode") is not null && TypesOf(r).Count > 0).ToList() ?? [];
        var shifted = call.LiabilityShifted ? reasons.FindIndex(r => IsOfAuthentication(r.Text("defenseReasonCode")!)) : 0;
        return (reasons.Count > 0 ? reasons[Math.Max(shifted, 0)] : null, answer);
    }

    private static bool IsOfAuthentication(string code)
    {
        var letters = string.Concat(code.Where(char.IsAsciiLetterOrDigit));
        return OfAuthentication.Any(o => letters.Contains(o, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>What is required first, then what may be.</summary>
    private static IReadOnlyList<string> TypesOf(JsonElement reason) =>
    [
        .. (reason.Items("defenseDocumentTypes") ?? []).OrderByDescending(t => t.Text("requirementLevel") == "Required").Select(t => t.Text("defenseDocumentTypeCode")).OfType<string>(),
    ];

    private JsonObject Body(DisputeCall call) => new() { ["disputePspReference"] = call.Reference, ["merchantAccountCode"] = client.MerchantAccount };

    private static Outcome OutcomeOf(WireAnswer answer) => answer is not { IsSuccess: true, Body: { } body } ? AdyenOutcomes.OfFailure(answer) : body.Object("disputeServiceResult").Flag() switch
    {
        true => new Outcome(OutcomeKind.Approved),
        false => new Outcome(OutcomeKind.Declined) { Decline = AdyenDeclines.OfError("dispute_refused"), Detail = "the disputes service refused it" },
        null => new Outcome(OutcomeKind.Unknown) { Detail = "an answer without a result" },
    };
}

internal static class DisputeServiceResult
{
    public static bool? Flag(this JsonElement? result) => result is { } e ? e.Flag("success") : null;
}
