namespace Payments.Core;

// To run it elsewhere: Resolving.Next(payment, attempt, seen, limits) gives the one next step of the attempt. Call it with seen = null
// first; where it answers Read, ask the provider and call it again with what was seen. Everything that it needs is in its arguments.

/// <summary>What asking the provider about an attempt brought.</summary>
public enum Reading
{
    /// <summary>The provider has it and says how it stands.</summary>
    Found,

    /// <summary>The provider answered, and does not have it at this time.</summary>
    Missing,

    /// <summary>The provider offers no way to ask.</summary>
    CannotAsk,

    /// <summary>The provider did not answer.</summary>
    Unanswered,
}

/// <summary>All that is known of an unsettled attempt beside the payment. Spans are database time.</summary>
/// <param name="Outcome">How the provider says that it stands, where it was found.</param>
/// <param name="Age">Since the attempt was opened.</param>
/// <param name="MissingFor">Since the provider first said that it does not have it; absent: it did not say so yet.</param>
public sealed record Sighting(Reading Reading, FactOutcome? Outcome, TimeSpan Age, TimeSpan? MissingFor)
{
    /// <summary>False once nobody wants the payment any more (its order was cancelled): what never arrived must not be sent again.</summary>
    public bool IsWanted { get; init; } = true;

    /// <summary>A customer came back from the challenge, and its result may have been handed to the provider.</summary>
    public bool IsHandedOver { get; init; }
}

/// <param name="MissingSpacing">Two readings that do not find an attempt lie further apart than a provider takes to process a request.</param>
/// <param name="AuthorizationWanted">How long an authorization that may never have arrived is still wanted.</param>
/// <param name="ReplayLimit">How old an attempt may be to be sent again under its own key: providers forget keys after a day.</param>
/// <param name="RefundWatch">How long a refund that succeeded is looked at again: issuers send some of them back.</param>
public sealed record ResolvingLimits(TimeSpan MissingSpacing, TimeSpan AuthorizationWanted, TimeSpan ReplayLimit, TimeSpan RefundWatch);

/// <summary>What to do next about an attempt.</summary>
public enum ResolvingStep
{
    /// <summary>Nothing any more: it is settled.</summary>
    Forget,

    /// <summary>Ask the provider, then decide again.</summary>
    Read,

    /// <summary>Make the call that was put off.</summary>
    Begin,

    /// <summary>Apply what was found.</summary>
    Tell,

    /// <summary>Note since when the provider does not have it, and look again after the spacing.</summary>
    NoteMissing,

    /// <summary>Proven unexecuted: close it as that.</summary>
    CloseAsUnexecuted,

    /// <summary>Make the same call again under the same key.</summary>
    Replay,

    /// <summary>Cancel the authorization at the provider, by our reference where its own is not known, and await that outcome.</summary>
    Cancel,

    /// <summary>Look again later; only the provider can tell now.</summary>
    Wait,
}

/// <summary>
/// What the resolver does about an attempt whose outcome nobody knows: reads first, then decides; sends again only while that is safe
/// and wanted; otherwise cancels and awaits the outcome of that. Never guesses, and never gives up after a number of tries.
/// </summary>
public static class Resolving
{
    /// <summary>A cancellation by our reference came back with this code: the provider has no such payment.</summary>
    public const string NotFoundCode = "payment_not_found";

    /// <summary>A cancellation by our reference came back with this code: the provider has the payment, in a state that cannot be cancelled.</summary>
    public const string NotCancellableCode = "payment_not_cancellable";

    /// <summary>Reason of the cancellation of an authorization that can be neither read nor sent again.</summary>
    public const string UnresolvedReason = "outcome_unknown";

    /// <param name="seen">Absent: nobody asked the provider yet.</param>
    public static ResolvingStep Next(PaymentState payment, AttemptId attemptId, Sighting? seen, ResolvingLimits limits)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(limits);
        var operation = payment.OperationOf(attemptId) ?? throw new InvariantException("an attempt belongs to an operation");
        var attempt = operation.Attempts.First(a => a.Id == attemptId);
        if (attempt.Id != operation.Current!.Id)
        {
            return ResolvingStep.Forget;
        }

        if (!attempt.IsUnsettled)
        {
            return operation is { Kind: OperationKind.Refund, State: OperationState.Succeeded } ? Watched(seen, limits) : ResolvingStep.Forget;
        }

        if (attempt.State == AttemptState.Scheduled)
        {
            return ResolvingStep.Begin;
        }

        if (seen is null)
        {
            return ResolvingStep.Read;
        }

        if (attempt.State == AttemptState.NeedsAction)
        {
            return Challenged(payment, seen);
        }

        return seen.Reading switch
        {
            Reading.Found => ResolvingStep.Tell,
            Reading.Missing when attempt.State == AttemptState.Pending => ResolvingStep.Wait,
            Reading.Missing => Missing(seen, limits, isProven: true, otherwise: ResolvingStep.Wait),
            Reading.CannotAsk => Unreadable(payment, operation, attempt, seen, limits),
            _ => ResolvingStep.Wait,
        };
    }

    /// <summary>The newest cancellation of the authorization that nobody asked for: of a challenge, or of an unknown outcome.</summary>
    public static Operation? CancellationOf(PaymentState payment)
    {
        ArgumentNullException.ThrowIfNull(payment);
        return payment.Operations.LastOrDefault(o => o is { Kind: OperationKind.Void, Origin: OperationOrigin.Expiry });
    }

    private static ResolvingStep Unreadable(PaymentState payment, Operation operation, Attempt attempt, Sighting seen, ResolvingLimits limits)
    {
        var isReplayable = seen.Age < limits.ReplayLimit;
        if (attempt.State == AttemptState.Pending)
        {
            // Accepted, so there is nothing to send: the webhook or the report tells.
            return ResolvingStep.Wait;
        }

        if (operation.Kind != OperationKind.Authorize)
        {
            return isReplayable ? ResolvingStep.Replay : ResolvingStep.Wait;
        }

        return CancellationOf(payment) switch
        {
            null => seen.IsWanted && seen.Age < limits.AuthorizationWanted && isReplayable ? ResolvingStep.Replay : ResolvingStep.Cancel,
            { IsUnsettled: true } => ResolvingStep.Wait,
            { Current.State: AttemptState.NotProcessed } => ResolvingStep.Cancel,
            { Current.Decline.Code: NotFoundCode } => Missing(seen, limits, NotFoundTwice(payment), otherwise: ResolvingStep.Cancel),
            // The first call is proven to have arrived. So the same call again gives its stored answer and moves nothing.
            { Current.Decline.Code: NotCancellableCode } when isReplayable => ResolvingStep.Replay,
            _ => ResolvingStep.Wait,
        };
    }

    private static ResolvingStep Missing(Sighting seen, ResolvingLimits limits, bool isProven, ResolvingStep otherwise)
    {
        if (seen.MissingFor is not { } missing)
        {
            return ResolvingStep.NoteMissing;
        }

        return missing < limits.MissingSpacing ? ResolvingStep.Wait : isProven ? ResolvingStep.CloseAsUnexecuted : otherwise;
    }

    private static bool NotFoundTwice(PaymentState payment) =>
        payment.Operations.Count(o => o is { Kind: OperationKind.Void, Origin: OperationOrigin.Expiry, Current.Decline.Code: NotFoundCode }) >= 2;

    /// <summary>
    /// A challenge that nobody finished in time: the truth first, then a cancellation, whose outcome decides.
    /// </summary>
    private static ResolvingStep Challenged(PaymentState payment, Sighting seen)
    {
        if (seen is { Reading: Reading.Found, Outcome: FactOutcome.Succeeded or FactOutcome.Declined })
        {
            return ResolvingStep.Tell;
        }

        return seen.Reading == Reading.Unanswered ? ResolvingStep.Wait : CancellationOf(payment) switch
        {
            null or { Current.State: AttemptState.NotProcessed } => ResolvingStep.Cancel,
            { IsUnsettled: true } => ResolvingStep.Wait,
            // It still waits for the customer there.
            _ when seen.Reading == Reading.Found => ResolvingStep.Cancel,
            // A result was handed over whose answer never came: only a notice can tell what came of it, or that nothing did.
            _ when seen.IsHandedOver => ResolvingStep.Wait,
            // The provider had nothing to cancel, and only we could still have finished the challenge (MayBeFinished).
            _ => ResolvingStep.CloseAsUnexecuted,
        };
    }

    /// <summary>Whether a customer who comes back may still finish the challenge: not once it is being cancelled.</summary>
    public static bool MayBeFinished(PaymentState payment)
    {
        ArgumentNullException.ThrowIfNull(payment);
        return payment.Status == PaymentStatus.Pending3ds && CancellationOf(payment) is null;
    }

    /// <summary>A refund that succeeded may still come back from the issuer, and the notice of that may be lost.</summary>
    private static ResolvingStep Watched(Sighting? seen, ResolvingLimits limits) => seen switch
    {
        null => ResolvingStep.Read,
        { Reading: Reading.Found, Outcome: FactOutcome.Declined } => ResolvingStep.Tell,
        { Reading: Reading.CannotAsk } => ResolvingStep.Forget,
        _ => seen.Age < limits.RefundWatch ? ResolvingStep.Wait : ResolvingStep.Forget,
    };
}
