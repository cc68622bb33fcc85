using System.Collections.Immutable;

namespace Payments.Core;

/// <summary>Where a dispute stands. <c>docs/disputes.md</c> repeats the table of <see cref="DisputeTransitions"/>.</summary>
public enum DisputeStatus
{
    /// <summary>An inquiry: the customer's bank asks, and nothing was taken. A refund ends it best.</summary>
    Warning,

    /// <summary>The merchant may answer with evidence, or accept.</summary>
    NeedsResponse,

    /// <summary>The evidence is with the bank.</summary>
    UnderReview,

    /// <summary>Decided for the merchant.</summary>
    Won,

    /// <summary>Decided against the merchant.</summary>
    Lost,

    /// <summary>The merchant gave it up.</summary>
    Accepted,

    /// <summary>The time for evidence is over, and none was sent; the provider's word is still to come.</summary>
    Expired,

    /// <summary>An inquiry that came to nothing.</summary>
    Withdrawn,
}

/// <summary>What the customer says, in the words of all providers.</summary>
public enum DisputeReason
{
    General,
    Fraudulent,
    ProductNotReceived,
    ProductUnacceptable,
    Duplicate,
    CreditNotProcessed,
    SubscriptionCanceled,
    Unrecognized,
}

/// <summary>Money that a provider took for a dispute, or gave back. Numbered: odd ones took, even ones gave back.</summary>
/// <param name="SuspenseMinor">The part beyond what the payment had left in our books.</param>
/// <param name="FeeMinor">What the provider took for its work, or gave back of it.</param>
public sealed record DisputeMovement(int Number, long AmountMinor, long SuspenseMinor, long FeeMinor)
{
    public bool IsWithdrawal => Number % 2 == 1;

    public long BookedMinor => AmountMinor - SuspenseMinor;
}

/// <summary>How a dispute is answered.</summary>
public enum DisputeAnswer
{
    Evidence,
    Acceptance,
}

/// <summary>Our answer to a dispute: durable before the provider is called; its id is the provider's idempotency key.</summary>
public sealed record DisputeSubmission(AttemptId Id, DisputeAnswer Answer, OperationState State, DateTimeOffset At)
{
    /// <summary>Why the provider refused it, for operators and the merchant.</summary>
    public string? Detail { get; init; }

    public bool IsUnsettled => State is OperationState.Open or OperationState.Unknown;
}

/// <summary>A dispute of a payment, as the provider told it and we answered it.</summary>
/// <param name="Reference">The provider's name of it.</param>
public sealed record Dispute(DisputeId Id, Provider Provider, string Reference, DisputeStatus Status, long AmountMinor, DisputeReason Reason)
{
    public string? ProviderReason { get; init; }

    /// <summary>A fraud dispute of a payment whose authentication shifted liability: the issuer should bear it.</summary>
    public bool LiabilityShifted { get; init; }

    public DateTimeOffset? EvidenceDueBy { get; init; }

    public ImmutableArray<DisputeMovement> Movements { get; init; } = [];

    public DisputeSubmission? Submission { get; init; }

    public required DateTimeOffset OpenedAt { get; init; }

    public required DateTimeOffset ChangedAt { get; init; }

    /// <summary>When the provider says that the newest fact happened.</summary>
    public DateTimeOffset? ProviderTime { get; init; }

    public bool IsWithheld => Movements.Length % 2 == 1;

    /// <summary>What is withheld now, the part in suspense included.</summary>
    public long WithheldMinor => IsWithheld ? Movements[^1].AmountMinor : 0;

    public long BookedMinor => IsWithheld ? Movements[^1].BookedMinor : 0;

    /// <summary>What the provider took for its work and did not give back.</summary>
    public long FeeMinor => Movements.Sum(m => m.IsWithdrawal ? m.FeeMinor : -m.FeeMinor);

    public bool IsClosed => Status is DisputeStatus.Won or DisputeStatus.Lost or DisputeStatus.Accepted or DisputeStatus.Withdrawn;

    /// <summary>A refund now could pay the customer twice.</summary>
    public bool ForbidsRefunds => Status is DisputeStatus.NeedsResponse or DisputeStatus.UnderReview or DisputeStatus.Expired || IsWithheld;

    /// <summary>Evidence may be laid down, changed and sent.</summary>
    public bool TakesEvidence => Status is DisputeStatus.Warning or DisputeStatus.NeedsResponse && Submission is null or { State: OperationState.Failed };

    /// <summary>Evidence that we have ourselves: what the authentication of the payment proves.</summary>
    public static string? ProposedEvidence(Dispute dispute, PaymentState payment)
    {
        ArgumentNullException.ThrowIfNull(dispute);
        ArgumentNullException.ThrowIfNull(payment);
        return dispute.LiabilityShifted && payment.Authentication is { } proof
            ? $"The customer was authenticated by 3-D Secure{(proof.Version is null ? "" : " " + proof.Version)}: result {Words.Of(proof.Result)}{(proof.Eci is null ? "" : $", ECI {proof.Eci}")}. Liability shifted to the issuer."
            : null;
    }
}

/// <summary>The one table of legal steps of a dispute.</summary>
public static class DisputeTransitions
{
    private static readonly Dictionary<DisputeStatus, DisputeStatus[]> Table = new()
    {
        [DisputeStatus.Warning] = [DisputeStatus.NeedsResponse, DisputeStatus.UnderReview, DisputeStatus.Won, DisputeStatus.Lost, DisputeStatus.Accepted, DisputeStatus.Expired, DisputeStatus.Withdrawn],
        [DisputeStatus.NeedsResponse] = [DisputeStatus.UnderReview, DisputeStatus.Won, DisputeStatus.Lost, DisputeStatus.Accepted, DisputeStatus.Expired, DisputeStatus.Withdrawn],
        [DisputeStatus.UnderReview] = [DisputeStatus.Won, DisputeStatus.Lost, DisputeStatus.Accepted, DisputeStatus.Withdrawn],
        [DisputeStatus.Expired] = [DisputeStatus.UnderReview, DisputeStatus.Won, DisputeStatus.Lost, DisputeStatus.Accepted, DisputeStatus.Withdrawn],
        // A bank may come back, and so may the money: only by what the provider dates later.
        [DisputeStatus.Won] = [DisputeStatus.Lost],
        [DisputeStatus.Lost] = [DisputeStatus.Won],
        [DisputeStatus.Accepted] = [DisputeStatus.Won],
        [DisputeStatus.Withdrawn] = [DisputeStatus.NeedsResponse],
    };

    public static bool IsLegal(DisputeStatus from, DisputeStatus to) => Table[from].Contains(to);

    /// <summary>What is over only begins again by a fact that the provider dates later than what ended it.</summary>
    public static bool NeedsNewer(DisputeStatus from) => from is DisputeStatus.Won or DisputeStatus.Lost or DisputeStatus.Accepted or DisputeStatus.Withdrawn;

    /// <summary>What was said on the way to where it stands, and comes late.</summary>
    public static bool IsPast(DisputeStatus now, DisputeStatus told) => (now, told) switch
    {
        (_, DisputeStatus.Warning) => true,
        (not DisputeStatus.Warning, DisputeStatus.NeedsResponse) => true,
        (DisputeStatus.Won or DisputeStatus.Lost or DisputeStatus.Accepted or DisputeStatus.Withdrawn, DisputeStatus.UnderReview or DisputeStatus.Expired) => true,
        (DisputeStatus.UnderReview, DisputeStatus.Expired) => true,
        // What was given up is lost; there is no more to learn from it.
        (DisputeStatus.Accepted, DisputeStatus.Lost) => true,
        (DisputeStatus.Lost, DisputeStatus.Accepted) => true,
        _ => false,
    };
}
