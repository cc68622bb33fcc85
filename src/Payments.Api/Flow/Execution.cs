using Microsoft.Extensions.Options;
using Payments.Connectors;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform;
using Payments.Platform.Http;

namespace Payments.Api.Flow;

/// <param name="Payment">The payment as it stands after the calls.</param>
/// <param name="Answer">What the last commit stored for the merchant's request, if it was this request that settled it.</param>
public sealed record Ran(PaymentState Payment, StoredAnswer? Answer);

/// <summary>Carries an open operation to its provider and writes down what came of it; to the next provider where that is safe.</summary>
public sealed class Execution(ProviderCalls calls, Learning learning, Admission admission, IdSource ids, TimeProvider time, IOptions<FlowOptions> options)
{
    /// <param name="token">The card, for authorizations.</param>
    /// <param name="others">Providers to go on to, in order.</param>
    /// <param name="held">The attempt as a worker took it; absent: nobody has taken it yet.</param>
    /// <param name="admitted">For a merchant's request, which was admitted at the door: it does not count while it waits for a provider.</param>
    public async Task<Ran> RunAsync(PaymentState payment, OperationId operationId, CardToken? token, IEnumerable<Provider> others, HeldAttempt? held = null, bool admitted = false)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(others);
        var began = time.GetTimestamp();
        var next = new Queue<Provider>(others);
        StoredAnswer? answer = null;
        while (Cascade.OpenAttempt(payment, operationId) is var (operation, attempt))
        {
            Steps.Reached(Steps.CallBefore);
            var outcome = await CallAsync(payment, operation, attempt, token, admitted);
            Steps.Reached(Steps.CallAfter);
            var fact = Facts.Of(operation.Kind, attempt, outcome, ids.New<OperationId>(), time.GetUtcNow(), Instead(payment, outcome, next, began));

            // That this call certainly did not arrive says nothing of one that a worker made under the same key, once this one was overdue.
            var alone = outcome.Kind == OutcomeKind.NotProcessed ? held is { } taken && taken.Id == attempt.Id ? taken : new HeldAttempt(attempt.Id, 0) : null;
            (payment, var learned, answer) = await learning.LearnAsync(payment, fact, held: alone);
            if (fact.Instead is null || learned == LearnedAs.Overtaken)
            {
                break;
            }
        }

        return new Ran(payment, answer);
    }

    private async Task<Outcome> CallAsync(PaymentState payment, Operation operation, Attempt attempt, CardToken? token, bool admitted)
    {
        using var away = admitted ? admission.Away() : default;
        return await calls.MakeAsync(payment, operation, attempt, token);
    }

    private NewAttempt? Instead(PaymentState payment, Outcome outcome, Queue<Provider> next, long began) =>
        // The issuer refused to go without authentication: the same provider once more, with a challenge.
        outcome.Kind == OutcomeKind.Declined && payment is { Authorization.State: OperationState.Open, AuthorizingAttempt: { } attempt } && Authenticating.MayStepUp(payment, attempt.Id, outcome.Decline?.Code)
            ? NewAttempt(payment, attempt.Provider)
            : Cascade.MayGoOn(outcome, time.GetElapsedTime(began), options.Value) && next.TryDequeue(out var provider) ? NewAttempt(payment, provider) : null;

    private NewAttempt NewAttempt(PaymentState payment, Provider provider) =>
        new(ids.New<AttemptId>(), provider, ProviderCosts.PriceOf(provider, payment.Details.PaymentMethod, payment.Amount));
}
