using Payments.Connectors;
using Payments.Core;

namespace Payments.Api.Flow;

/// <summary>Which attempt is to be carried to its provider, and whether another provider may be tried after it.</summary>
internal static class Cascade
{
    /// <summary>The attempt of an operation that was never answered; null once there is nothing to call.</summary>
    public static (Operation Operation, Attempt Attempt)? OpenAttempt(PaymentState payment, OperationId operationId) =>
        payment.Operations.FirstOrDefault(o => o.Id == operationId) is { State: OperationState.Open, Current: { State: AttemptState.Open } attempt } operation
            ? (operation, attempt)
            : null;

    /// <summary>Elsewhere only what certainly did not happen here, and while the customer still waits.</summary>
    public static bool MayGoOn(Outcome outcome, TimeSpan sinceBegin, FlowOptions options) =>
        (outcome.Kind == OutcomeKind.NotProcessed || outcome is { Kind: OutcomeKind.Declined, Decline.MayCascade: true })
        && sinceBegin.TotalMilliseconds <= options.CascadeWithinMilliseconds;
}
