using Microsoft.Extensions.Options;
using Payments.Connectors;
using Payments.Core;
using Payments.Core.Seams;

namespace Payments.Api.Flow;

/// <param name="Payment">The payment as it stands after the calls.</param>
/// <param name="Answer">What the last commit stored for the merchant's request, if it was this request that settled it.</param>
public sealed record Ran(PaymentState Payment, StoredAnswer? Answer);

/// <summary>Carries an open operation to its provider and writes down what came of it; to the next provider where that is safe.</summary>
public sealed class Execution(ProviderCalls calls, Learning learning, IdSource ids, TimeProvider time, IOptions<FlowOptions> options)
{
    /// <param name="token">The card, for authorizations.</param>
    /// <param name="others">Providers to go on to, in order.</param>
    public async Task<Ran> RunAsync(PaymentState payment, OperationId operationId, CardToken? token, IEnumerable<Provider> others)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(others);
        var began = time.GetTimestamp();
        var next = new Queue<Provider>(others);
        StoredAnswer? answer = null;
        while (OpenAttempt(payment, operationId) is var (operation, attempt))
        {
            var outcome = await calls.MakeAsync(payment, operation, attempt, token);
            var fact = Facts.Of(operation.Kind, attempt, outcome, ids.New<OperationId>(), time.GetUtcNow(), Instead(payment, outcome, next, began));
            (payment, _, answer) = await learning.LearnAsync(payment, fact);
            if (fact.Instead is null)
            {
                break;
            }
        }

        return new Ran(payment, answer);
    }

    private static (Operation, Attempt)? OpenAttempt(PaymentState payment, OperationId operationId) =>
        payment.Operations.FirstOrDefault(o => o.Id == operationId) is { State: OperationState.Open, Current: { State: AttemptState.Open } attempt } operation
            ? (operation, attempt)
            : null;

    /// <summary>Elsewhere only what certainly did not happen here, and while the customer still waits.</summary>
    private NewAttempt? Instead(PaymentState payment, Outcome outcome, Queue<Provider> next, long began)
    {
        var isSafe = outcome.Kind == OutcomeKind.NotProcessed || outcome is { Kind: OutcomeKind.Declined, Decline.MayCascade: true };
        if (!isSafe || time.GetElapsedTime(began).TotalMilliseconds > options.Value.CascadeWithinMilliseconds || !next.TryDequeue(out var provider))
        {
            return null;
        }

        return NewAttempt(payment, provider);
    }

    private NewAttempt NewAttempt(PaymentState payment, Provider provider)
    {
        var card = payment.Details.PaymentMethod;
        return new NewAttempt(ids.New<AttemptId>(), provider, ProviderCosts.PriceOf(provider, card.Brand, card.Country, card.Funding, payment.Amount.Currency));
    }
}
