using System.Collections.Immutable;
using Payments.Core.Events;

namespace Payments.Core;

/// <summary>How a review ends.</summary>
public enum ReviewOutcome
{
    Approved,
    Rejected,

    /// <summary>The hold is released, and the customer is to pay again with a challenge.</summary>
    ChallengeRequested,
}

/// <summary>What was decided about a payment that waited for a person.</summary>
/// <param name="Automatic">Nobody had decided when the time was over.</param>
public sealed record ReviewDecision(ReviewOutcome Outcome, bool Automatic, DateTimeOffset At);

public enum ReviewStatus
{
    Open,
    Approved,
    Rejected,
    ChallengeRequested,

    /// <summary>The hold ended before anybody decided: voided by the merchant, or run out.</summary>
    Lapsed,
}

/// <summary>A payment's review as others read it. Who decided and why is for operators.</summary>
public sealed record ReviewView(ReviewStatus Status, bool? Automatic, DateTimeOffset? DecidedAt)
{
    public static ReviewView? Of(PaymentState payment, PaymentStatus status)
    {
        ArgumentNullException.ThrowIfNull(payment);
        return payment switch
        {
            { Review: { } decided } => new ReviewView(
                decided.Outcome switch
                {
                    ReviewOutcome.Approved => ReviewStatus.Approved,
                    ReviewOutcome.Rejected => ReviewStatus.Rejected,
                    _ => ReviewStatus.ChallengeRequested,
                },
                decided.Automatic, decided.At),
            { HeldForReview: true, AuthorizedAt: not null } => new ReviewView(status is PaymentStatus.InReview or PaymentStatus.Voiding ? ReviewStatus.Open : ReviewStatus.Lapsed, null, null),
            _ => null,
        };
    }

    /// <summary>What a payment can be given back of it.</summary>
    public ReviewDecision? Read() => (Status, DecidedAt) switch
    {
        (ReviewStatus.Approved, { } at) => new ReviewDecision(ReviewOutcome.Approved, Automatic ?? false, at),
        (ReviewStatus.Rejected, { } at) => new ReviewDecision(ReviewOutcome.Rejected, Automatic ?? false, at),
        (ReviewStatus.ChallengeRequested, { } at) => new ReviewDecision(ReviewOutcome.ChallengeRequested, Automatic ?? false, at),
        _ => null,
    };
}

/// <summary>Either a refusal, or the decided payment, with the operation that carries the decision out, if there is one.</summary>
public sealed record Reviewed(PaymentState? Payment, ImmutableArray<Happening> Happenings, Operation? Operation, Refusal? Refusal);

/// <summary>Decisions about payments that wait for a person, and what follows from them in the same commit.</summary>
public static class Reviewing
{
    /// <summary>The longest that a payment waits for a person.</summary>
    public static readonly TimeSpan Sla = TimeSpan.FromHours(2);

    /// <summary>Below this score a payment that nobody decided about is approved.</summary>
    public const int ApprovedBelow = 75;

    /// <summary>Decided, and the capture or the void opened that follows: one change, so that neither is without the other.</summary>
    /// <param name="opened">Numbers for the operation, with its reason.</param>
    public static Reviewed Decide(PaymentState payment, ReviewOutcome outcome, bool automatic, ProviderLimits limits, NewOperation opened)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(limits);
        ArgumentNullException.ThrowIfNull(opened);
        if (payment is not { Status: PaymentStatus.InReview, Review: null })
        {
            return new Reviewed(null, [], null, WrongState("payment_not_in_review", $"A payment that is {Words.Of(payment.Status)} waits for no review."));
        }

        var decided = payment with
        {
            Version = payment.Version + 1,
            Review = new ReviewDecision(outcome, automatic, opened.At),
            // What was not approved stays closed to captures, whatever becomes of its void.
            HeldForReview = outcome != ReviewOutcome.Approved,
        };
        var happening = new Happening(PaymentEventTypes.ReviewDecided, decided, null, null);
        return Effect(decided, limits, opened) is { Payment: { } effected } effect
            ? new Reviewed(effected, [happening], effect.Operation, null)
            : new Reviewed(decided, [happening], null, null);
    }

    /// <summary>
    /// Opens what a decision still wants: the capture of what was approved (where the merchant asked for automatic capture), else the
    /// void. Null where nothing is to be done, or nothing more: what the provider refused stays refused.
    /// </summary>
    public static Decision? Effect(PaymentState payment, ProviderLimits limits, NewOperation opened)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(limits);
        ArgumentNullException.ThrowIfNull(opened);
        if (payment is not { Review: { } review, Authorization.State: OperationState.Succeeded } || payment.Amounts.CapturableMinor <= 0)
        {
            return null;
        }

        var kind = review.Outcome == ReviewOutcome.Approved ? OperationKind.Capture : OperationKind.Void;
        if (payment.Operations.Any(o => o.Kind == kind && !o.IsExtra && o is not { State: OperationState.Failed, Current.State: AttemptState.NotProcessed })
            || (kind == OperationKind.Capture && payment.Details.CaptureMethod == CaptureMethod.Manual))
        {
            return null;
        }

        var decision = kind == OperationKind.Capture
            ? Opening.Capture(payment, null, null, limits, opened)
            : Opening.Void(payment, limits, opened with { Reason = ReasonOf(review.Outcome) }, OperationOrigin.Review);
        return decision.Payment is null ? null : decision;
    }

    /// <summary>What decides when nobody has decided in time.</summary>
    public static ReviewOutcome AutomaticOutcome(int? score) => score < ApprovedBelow ? ReviewOutcome.Approved : ReviewOutcome.Rejected;

    /// <summary>How long a payment may wait: the service level, or what is left of its hold, less the time that acting on the decision takes.</summary>
    /// <param name="holds">How long the provider holds it from now.</param>
    public static TimeSpan DueIn(TimeSpan sla, TimeSpan? holds, TimeSpan margin)
    {
        var left = holds is { } hold && hold - margin < sla ? hold - margin : sla;
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    private static Refusal WrongState(string code, string detail) => new(RefusalKind.WrongState, code, detail);

    private static string ReasonOf(ReviewOutcome outcome) => outcome == ReviewOutcome.ChallengeRequested ? "authentication_requested" : "review_rejected";
}
