using Payments.Connectors;
using Payments.Core;

namespace Payments.Api.Flow;

/// <summary>How long things may take before the resolver looks at them. Compared with database time only.</summary>
public sealed class Deadlines
{
    /// <summary>A call whose answer is still out: beyond every time limit of a request.</summary>
    public TimeSpan Open { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>A call that ended without a readable answer.</summary>
    public TimeSpan Unknown { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>An accepted call whose outcome comes by webhook.</summary>
    public TimeSpan Pending { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>A provider's notice that a process has taken, and neither applied nor postponed.</summary>
    public TimeSpan Notice { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>A challenge that the customer does not finish.</summary>
    public TimeSpan Challenge { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>Two readings that do not find an attempt must lie further apart than a provider takes to process a request.</summary>
    public TimeSpan MissingSpacing { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long an authorization that may never have arrived is still wanted: a customer is not charged hours later.</summary>
    public TimeSpan AuthorizationWanted { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Providers forget keys after a day: no replay beyond this age.</summary>
    public TimeSpan ReplayLimit { get; set; } = TimeSpan.FromHours(20);

    /// <summary>
    /// Longest pause between two looks at an attempt that may or may not have happened. After a provider's outage everything must be
    /// settled within five minutes: two looks, the spacing, and the time until a circuit lets calls through again.
    /// </summary>
    public TimeSpan LongestPause { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Longest pause between two looks at what the provider has accepted: its webhook is what is waited for.</summary>
    public TimeSpan LongestPendingPause { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>The same for a debit of a bank account: banks take days, and tell Stripe once a day.</summary>
    public TimeSpan LongestDebitPause { get; set; } = TimeSpan.FromHours(6);

    /// <summary>After this a person is told that the outcome of an attempt is not known.</summary>
    public TimeSpan Alert { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>The same for captures, voids and refunds that the provider has accepted and tells about by webhook.</summary>
    public TimeSpan PendingAlert { get; set; } = TimeSpan.FromHours(6);

    /// <summary>
    /// The same for debits of bank accounts. Banks have two banking days for most returns, the provider some more: what is not told after
    /// ten days will not be told by itself.
    /// </summary>
    public TimeSpan DebitAlert { get; set; } = TimeSpan.FromDays(10);

    /// <summary>First look at a refund that succeeded; each pause is twice the one before.</summary>
    public TimeSpan RefundCheck { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long refunds that succeeded are looked at: issuers send some of them back weeks later.</summary>
    public TimeSpan RefundWatch { get; set; } = TimeSpan.FromDays(30);

    /// <summary>
    /// Pause before a refund that came back is tried again; each further pause is five times as long. One that certainly never reached the
    /// provider is tried again after twice <see cref="Unknown"/>, then at five times the pause, up to this one, for as long as it takes.
    /// </summary>
    public TimeSpan RefundRetry { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long a payment waits for a person; then the clock decides.</summary>
    public TimeSpan Review { get; set; } = Reviewing.Sla;

    /// <summary>So long before its hold ends a payment in review is decided at the latest: what follows must reach the provider in time.</summary>
    public TimeSpan ReviewMargin { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>After a decision it is looked whether what follows from it was done, and done again where it certainly was not.</summary>
    public TimeSpan ReviewEffect { get; set; } = TimeSpan.FromSeconds(60);

    internal ResolvingLimits Limits => new(MissingSpacing, AuthorizationWanted, ReplayLimit, RefundWatch);

    /// <param name="position">How many attempts of the operation came before.</param>
    internal TimeSpan? DueIn(Operation operation, Attempt attempt, int position) => attempt.State switch
    {
        AttemptState.Scheduled when operation.IsExtra => TimeSpan.Zero,
        AttemptState.Scheduled => Again(operation, position),
        AttemptState.Open => Open,
        AttemptState.Unknown => Unknown,
        AttemptState.Pending => Pending,
        AttemptState.NeedsAction => Challenge,
        AttemptState.Succeeded when operation is { Kind: OperationKind.Refund, State: OperationState.Succeeded } => RefundCheck,
        _ => null,
    };

    /// <summary>Counted from the authorization, which is written with it.</summary>
    internal TimeSpan ReviewDueIn(PaymentState payment)
    {
        var told = payment is { CaptureBefore: { } limit, AuthorizedAt: { } since } ? limit - since : (TimeSpan?)null;
        return Reviewing.DueIn(Review, told ?? CaptureLimits.Of(payment), ReviewMargin);
    }

    /// <summary>What the provider refused needs time; what certainly never reached it needs the provider to be back.</summary>
    private TimeSpan Again(Operation refund, int position)
    {
        if (position == 0 || refund.Attempts[position - 1].State != AttemptState.NotProcessed)
        {
            return RefundRetry * Math.Pow(5, Math.Max(0, RefundRetrying.Reached(refund, position) - 1));
        }

        var turnedAway = refund.Attempts.Take(position).Reverse().TakeWhile(a => a.State == AttemptState.NotProcessed).Count();
        var pause = Unknown * 2 * Math.Pow(5, Math.Min(turnedAway - 1, 10));
        return pause < RefundRetry ? pause : RefundRetry;
    }

    /// <summary>Back-off between looks at one attempt.</summary>
    /// <param name="isDebit">It authorizes a debit of a bank account.</param>
    internal TimeSpan Pause(AttemptState state, int readings, bool isDebit = false)
    {
        var (first, longest) = state switch
        {
            AttemptState.Pending => (Pending, isDebit ? LongestDebitPause : LongestPendingPause),
            AttemptState.Succeeded => (RefundCheck, RefundWatch),
            _ => (Unknown, LongestPause),
        };
        var doubled = first * Math.Pow(2, Math.Min(readings, 10));
        return doubled < longest ? doubled : longest > first ? longest : first;
    }
}
