using Payments.Api.Privacy;
using Payments.Api.Recovery;
using Payments.Core;

namespace Payments.Api.Flow;

/// <summary>One change of one payment, to be written as a whole or not at all.</summary>
/// <param name="Before">The version that must still stand; 0 for a new payment.</param>
/// <param name="After">The payment as it is to be.</param>
/// <param name="Touched">Operations that are new or changed.</param>
public sealed record Change(long Before, PaymentState After, IReadOnlyList<Operation> Touched, IReadOnlyList<Happening> Happenings)
{
    /// <summary>Claims the merchant's key for this request.</summary>
    public Claim? Claim { get; init; }

    /// <summary>The answer that the key now has.</summary>
    public StoredAnswer? Answer { get; init; }

    /// <summary>The request came to nothing: its key is free again.</summary>
    public RequestKey? Release { get; init; }

    public VolumeChange? Volume { get; init; }

    /// <summary>A provider's name that must still be nobody's: of a payment made of the provider's record.</summary>
    public ProviderName? Reserve { get; init; }

    /// <summary>The break that this payment was; it must still be open.</summary>
    public Attribution? Attribution { get; init; }

    public IReadOnlyList<NoticeMark> Notices { get; init; } = [];

    public IReadOnlyList<Incident> Incidents { get; init; } = [];

    /// <summary>The attempt that the writer has taken: the change is nobody's any more once another one took it.</summary>
    public HeldAttempt? Held { get; init; }

    /// <summary>What the merchant told of the customer, kept beside the payment.</summary>
    public SealedTold? Context { get; init; }

    /// <summary>Who decides about a payment in review by this change; it loses where the review is another's, or decided.</summary>
    public DecisionMark? Decision { get; init; }

    /// <summary>Disputes that are new or changed.</summary>
    public IReadOnlyList<Dispute> Disputes { get; init; } = [];

    /// <summary>What this change puts right.</summary>
    public IReadOnlyList<Recovered> Recoveries { get; init; } = [];
}

/// <param name="By">A name, for operators.</param>
/// <param name="Operator">The key of who has claimed it; absent: the clock.</param>
public sealed record DecisionMark(ReviewOutcome Outcome, string By, string? Reason, OperatorKeyId? Operator);

/// <param name="Fence">As of when it was taken.</param>
public sealed record HeldAttempt(AttemptId Id, long Fence);

/// <summary>What a provider calls a payment.</summary>
public sealed record ProviderName(Provider Provider, string Reference);

/// <summary>Who gave a charge in suspense to its merchant, and why.</summary>
public sealed record Attribution(BreakId Break, string By, string Reason);

/// <param name="Fingerprint">Keyed hash of the request.</param>
public sealed record Claim(RequestKey Key, byte[] Fingerprint, OperationId? OperationId);

/// <param name="Status">HTTP status; null together with <paramref name="Body"/> while the outcome is unknown.</param>
public sealed record StoredAnswer(RequestKey Key, int? Status, byte[]? Body);

/// <param name="Month">The first day of the month that it counts in.</param>
/// <param name="MostMinor">The limit to keep; absent: none.</param>
public sealed record VolumeChange(string Currency, DateOnly Month, long AmountMinor, long? MostMinor);

/// <summary>A provider's notice that this change settles.</summary>
public sealed record NoticeMark(Provider Provider, string NoticeId, string Verdict);

/// <summary>Something that a person must look at.</summary>
/// <param name="Kind">One of <see cref="Recovery.IncidentKinds"/>.</param>
public sealed record Incident(IncidentId Id, string Kind, AttemptId? AttemptId, string Detail)
{
    /// <summary>What it is about: one open incident per kind and subject. Absent: its payment, attempt and words.</summary>
    public string? Subject { get; init; }
}

/// <summary>What became of a change.</summary>
public enum Verdict
{
    Committed,

    /// <summary>Another change came first: read the payment again and decide again.</summary>
    Conflict,

    /// <summary>The merchant's key belongs to another request.</summary>
    KeyTaken,

    /// <summary>The merchant's monthly volume would be exceeded.</summary>
    OverLimit,

    /// <summary>Another worker took the attempt that this one held: whoever has it now decides.</summary>
    Fenced,
}
