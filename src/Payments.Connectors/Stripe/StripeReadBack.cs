using System.Text.Json;
using Payments.Connectors.Wire;
using Payments.Core;

namespace Payments.Connectors.Stripe;

/// <summary>Asks Stripe what became of an attempt: by reference where one is known, else by walking a list and matching metadata.</summary>
internal sealed class StripeReadBack(StripeClient client)
{
    /// <summary>How far Stripe's clock may be behind the database's.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);

    public Task<ReadBack> ReadAsync(ReadCall call, CancellationToken cancellationToken) => call.Kind switch
    {
        OperationKind.Authorize => AuthorizationAsync(call, cancellationToken),
        OperationKind.Capture => FromIntentAsync(call, i => StripeOutcomes.WasCapturedBy(i, call.AttemptId), cancellationToken),
        OperationKind.Void => FromIntentAsync(call, i => i.Text("status") == "canceled", cancellationToken),
        _ => RefundAsync(call, cancellationToken),
    };

    private async Task<ReadBack> AuthorizationAsync(ReadCall call, CancellationToken cancellationToken)
    {
        if (call.PaymentReference is { } reference)
        {
            var answer = await IntentAsync(reference, cancellationToken);
            return answer is { IsSuccess: true, Body: { } intent } ? Found(StripeOutcomes.OfIntent(intent, call.Amount)) : Missing(answer);
        }

        // No upper bound: a repeat under the same key may have been executed long after the attempt was opened.
        var customer = StripeTokens.TryRead(call.ProviderToken, out var owner, out _) ? owner : null;
        var (found, broken) = await client.FindAsync(
            "v1/payment_intents",
            () => new StripeForm().Add("created[gte]", (call.OpenedAt - Skew).ToUnixTimeSeconds()).Add("customer", customer).Add("expand[0]", "data.latest_charge"),
            i => i.Object("metadata").Text(StripeOutcomes.AttemptKey) == call.AttemptId.ToString(),
            cancellationToken);
        return found is { } match ? Found(StripeOutcomes.OfIntent(match, call.Amount))
            : broken is null ? new ReadBack(ReadBackKind.NotFound)
            : new ReadBack(ReadBackKind.Unanswered);
    }

    private async Task<ReadBack> FromIntentAsync(ReadCall call, Func<JsonElement, bool> done, CancellationToken cancellationToken)
    {
        if (call.PaymentReference is not { } reference)
        {
            return new ReadBack(ReadBackKind.CannotAsk);
        }

        var answer = await IntentAsync(reference, cancellationToken);
        return answer is not { IsSuccess: true, Body: { } intent } ? Missing(answer)
            : done(intent) ? Found(new Outcome(OutcomeKind.Approved) { PaymentReference = reference })
            : new ReadBack(ReadBackKind.NotFound);
    }

    private async Task<ReadBack> RefundAsync(ReadCall call, CancellationToken cancellationToken)
    {
        if (call.ModificationReference is { } id)
        {
            var answer = await client.GetAsync($"v1/refunds/{Uri.EscapeDataString(id)}", new StripeForm(), cancellationToken);
            return answer is { IsSuccess: true, Body: { } refund } ? Found(StripeOutcomes.OfRefund(refund)) : Missing(answer);
        }

        if (call.PaymentReference is not { } reference)
        {
            return new ReadBack(ReadBackKind.CannotAsk);
        }

        var (found, broken) = await client.FindAsync(
            "v1/refunds",
            () => new StripeForm().Add("payment_intent", reference),
            r => r.Object("metadata").Text(StripeOutcomes.AttemptKey) == call.AttemptId.ToString(),
            cancellationToken);
        return found is { } match ? Found(StripeOutcomes.OfRefund(match))
            : broken is null ? new ReadBack(ReadBackKind.NotFound)
            : new ReadBack(ReadBackKind.Unanswered);
    }

    private Task<WireAnswer> IntentAsync(string reference, CancellationToken cancellationToken) =>
        client.GetAsync($"v1/payment_intents/{Uri.EscapeDataString(reference)}", new StripeForm().Add("expand[0]", "latest_charge"), cancellationToken);

    private static ReadBack Found(Outcome outcome) => new(ReadBackKind.Found, outcome);

    private static ReadBack Missing(WireAnswer answer) =>
        new(answer is { Result: WireResult.Answered, Status: 404 } && answer.Body?.Object("error").Text("code") == "resource_missing" ? ReadBackKind.NotFound : ReadBackKind.Unanswered);
}
