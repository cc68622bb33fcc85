using System.Collections.Immutable;
using Payments.Core.Events;

namespace Payments.Core;

/// <summary>How a provider says that something ended; the same words for a call's answer, a webhook and a reading back.</summary>
public enum FactOutcome
{
    Succeeded,

    /// <summary>Refused; of what had succeeded: taken back.</summary>
    Declined,
    NeedsAction,
    Pending,

    /// <summary>Proven unexecuted.</summary>
    NotProcessed,
    Unknown,
}

/// <summary>Something learned about a payment, from whichever side it came.</summary>
/// <param name="NewOperation">Number for an operation that the fact brings into being (a capture with the authorization, a refund of the provider's dashboard).</param>
/// <param name="LearnedAt">When we learned it.</param>
public sealed record Fact(OperationKind Kind, FactOutcome Outcome, Provider Provider, OperationId NewOperation, DateTimeOffset LearnedAt)
{
    /// <summary>The attempt it is about, where the source knows.</summary>
    public AttemptId? AttemptId { get; init; }

    public string? PaymentReference { get; init; }

    public string? ModificationReference { get; init; }

    public long? AmountMinor { get; init; }

    /// <summary>ISO code of the amount's currency, where the source tells it.</summary>
    public string? Currency { get; init; }

    /// <summary>The authorization was captured with it. Of a capture that is declined: it had been captured, and was taken back.</summary>
    public bool Captured { get; init; }

    /// <summary>What was taken of a charge and not given back, where the source has the whole charge.</summary>
    public long? TakenMinor { get; init; }

    public DeclineView? Decline { get; init; }

    public string? ActionUrl { get; init; }

    public DateTimeOffset? CaptureBefore { get; init; }

    public string? AvsResult { get; init; }

    public string? CvcResult { get; init; }

    public AuthenticationOutcome? Authentication { get; init; }

    public string? Detail { get; init; }

    /// <summary>When the provider says that it happened.</summary>
    public DateTimeOffset? ProviderTime { get; init; }

    /// <summary>Where the authorization goes next if this attempt is closed unexecuted or declined, and how a refund is tried again; absent: not at all.</summary>
    public NewAttempt? Instead { get; init; }
}

/// <summary>An event to be: what became true, and the payment as of then.</summary>
public sealed record Happening(string Type, PaymentState AsOf, OperationFact? Operation, CaptureFees? Fees)
{
    /// <summary>Of a capture: the authorization that came about with it.</summary>
    public OperationFact? Authorization { get; init; }

    public DisputeView? Dispute { get; init; }

    public DisputeMovementFact? Moved { get; init; }
}

/// <summary>What a fact does to a payment.</summary>
public abstract record Application
{
    private Application()
    {
    }

    /// <summary>The payment changed.</summary>
    public sealed record Applied(PaymentState Payment, ImmutableArray<Happening> Happenings) : Application;

    /// <summary>It was known already, or is older than what is known.</summary>
    public sealed record NoOp : Application;

    /// <summary>It cannot be true together with what is known: to be recorded, and looked at by a person.</summary>
    public sealed record Contradiction(string Why) : Application;
}
