using System.Text;
using System.Text.Json;
using Payments.Connectors.Wire;
using Payments.Core;

namespace Payments.Connectors.Stripe;

/// <summary>Stripe's disputes: what their object says, and how they are answered.</summary>
internal sealed class StripeDisputes(StripeClient client)
{
    /// <summary>
    /// Files first, each under a key of its own; then all evidence in one call that also submits it. Nothing is submitted before that
    /// last call, so that repeating the whole is safe.
    /// </summary>
    public async Task<Outcome> AnswerAsync(DisputeCall call, CancellationToken cancellationToken)
    {
        var path = $"v1/disputes/{Uri.EscapeDataString(call.Reference)}";
        if (call.Answer == DisputeAnswer.Acceptance)
        {
            return OutcomeOf(await client.PostAsync(path + "/close", new StripeForm(), call.AttemptId.ToString(), cancellationToken), call);
        }

        var form = new StripeForm();
        foreach (var piece in call.Evidence)
        {
            if (piece.Type == DisputeEvidence.Text)
            {
                form.Add($"evidence[{piece.Kind}]", Encoding.UTF8.GetString(piece.Content.Span));
                continue;
            }

            var answer = await client.UploadAsync(piece, $"{call.AttemptId}-{piece.Kind}", cancellationToken);
            if (answer is not { IsSuccess: true, Body: { } file } || file.Text("id") is not { } id)
            {
                return StripeOutcomes.OfFailure(answer);
            }

            form.Add($"evidence[{piece.Kind}]", id);
        }

        form.Add("submit", "true").Add($"metadata[{StripeOutcomes.AttemptKey}]", call.AttemptId.ToString());
        return OutcomeOf(await client.PostAsync(path, form, call.AttemptId.ToString(), cancellationToken), call);
    }

    /// <summary>Found: it was answered so.</summary>
    public async Task<ReadBack> ReadAsync(DisputeCall call, CancellationToken cancellationToken)
    {
        var answer = await client.GetAsync($"v1/disputes/{Uri.EscapeDataString(call.Reference)}", new StripeForm(), cancellationToken);
        return answer is not { IsSuccess: true, Body: { } dispute } ? new ReadBack(ReadBackKind.Unanswered)
            : IsAnswered(dispute, call.Answer) ? new ReadBack(ReadBackKind.Found, new Outcome(OutcomeKind.Approved))
            : new ReadBack(ReadBackKind.NotFound);
    }

    public static DisputeFact? FactOf(string type, JsonElement dispute, DateTimeOffset? at)
    {
        if (dispute.Text("id") is not { } id || dispute.Number("amount") is not { } amount || !Currency.TryFind(dispute.Text("currency")?.ToUpperInvariant(), out var currency))
        {
            return null;
        }

        JsonElement? whole = dispute;
        var movements = MovementsOf(dispute, amount, currency.Code);
        // The word of the event, where its object does not show the movement yet.
        movements = type switch
        {
            "charge.dispute.funds_withdrawn" when movements.Count == 0 => [new ToldMovement(1, amount, null)],
            "charge.dispute.funds_reinstated" when movements.Count < 2 => [.. movements, new ToldMovement(2, amount, null)],
            _ => movements,
        };
        return new DisputeFact(Provider.Stripe, id, amount, currency.Code)
        {
            Status = StatusOf(dispute.Text("status")),
            Movements = movements,
            Reason = ReasonOf(dispute.Text("reason")),
            ProviderReason = Short(dispute.Text("reason")),
            EvidenceDueBy = whole.Object("evidence_details").UnixTime("due_by"),
            ProviderTime = at,
        };
    }

    private static Outcome OutcomeOf(WireAnswer answer, DisputeCall call) =>
        answer is { IsSuccess: true, Body: { } dispute }
            ? IsAnswered(dispute, call.Answer) ? new Outcome(OutcomeKind.Approved) : new Outcome(OutcomeKind.Unknown) { Detail = $"status {dispute.Text("status") ?? "missing"} after the answer" }
            : StripeOutcomes.OfFailure(answer);

    private static bool IsAnswered(JsonElement dispute, DisputeAnswer answer) => answer == DisputeAnswer.Acceptance
        ? dispute.Text("status") is "lost" or "charge_refunded"
        : dispute.Object("evidence_details").Number("submission_count") is > 0 || dispute.Text("status") is "under_review" or "warning_under_review" or "won";

    private static List<ToldMovement> MovementsOf(JsonElement dispute, long amount, string currency)
    {
        var told = new List<ToldMovement>();
        foreach (var transaction in dispute.Items("balance_transactions") ?? [])
        {
            // What was paid in another currency tells its amount there, not what it was in the payment's.
            var isSame = string.Equals(transaction.Text("currency"), currency, StringComparison.OrdinalIgnoreCase);
            told.Add(new ToldMovement(
                told.Count + 1, isSame && transaction.Number("amount") is { } moved ? Math.Abs(moved) : amount, isSame && transaction.Number("fee") is { } fee ? Math.Abs(fee) : null));
        }

        return told;
    }

    private static DisputeStatus? StatusOf(string? status) => status switch
    {
        "warning_needs_response" => DisputeStatus.Warning,
        "warning_under_review" or "under_review" => DisputeStatus.UnderReview,
        "warning_closed" or "prevented" => DisputeStatus.Withdrawn,
        "needs_response" => DisputeStatus.NeedsResponse,
        "won" => DisputeStatus.Won,
        "lost" or "charge_refunded" => DisputeStatus.Lost,
        _ => null,
    };

    private static DisputeReason ReasonOf(string? reason) => reason switch
    {
        "fraudulent" => DisputeReason.Fraudulent,
        "product_not_received" => DisputeReason.ProductNotReceived,
        "product_unacceptable" => DisputeReason.ProductUnacceptable,
        "duplicate" => DisputeReason.Duplicate,
        "credit_not_processed" => DisputeReason.CreditNotProcessed,
        // A returned debit whose holder says that he never allowed it.
        "debit_not_authorized" => DisputeReason.Fraudulent,
        "subscription_canceled" => DisputeReason.SubscriptionCanceled,
        "unrecognized" => DisputeReason.Unrecognized,
        _ => DisputeReason.General,
    };

    private static string? Short(string? text) => text is { Length: > 60 } ? text[..60] : text;
}
