using Payments.Simulators.Cards;

namespace Payments.Simulators.Books;

public enum ChargeStatus
{
    Authorized,
    Captured,
    Canceled,
    Failed,
    RequiresAction,

    /// <summary>A debit that its bank has not paid yet.</summary>
    Pending,
}

public enum MovementStatus
{
    Pending,
    Succeeded,
    Failed,
}

/// <summary>A capture, refund or void of a charge.</summary>
public sealed record Movement
{
    public required string Id { get; init; }

    public required long Amount { get; init; }

    public string? IdempotencyKey { get; init; }

    public required MovementStatus Status { get; init; }

    public required DateTimeOffset Created { get; init; }

    /// <summary>The merchant's reference of this modification, where the provider takes one.</summary>
    public string? Reference { get; init; }

    public string? Reason { get; init; }

    public string? FailureReason { get; init; }

    public string? BalanceTransaction { get; init; }

    public string? FailureBalanceTransaction { get; init; }

    public IReadOnlyDictionary<string, string> Metadata { get; init; } = NoMetadata;

    public static IReadOnlyDictionary<string, string> NoMetadata { get; } = new Dictionary<string, string>();
}

/// <summary>What went wrong at authorization, in the vendor's own words.</summary>
public sealed record Failure(string Code, string? DeclineCode, string Message, bool Blocked = false);

/// <summary>One authorization at a provider and everything that became of it: a line of the books.</summary>
public sealed record Charge : Entity
{
    public required string Provider { get; init; }

    public string? PaymentIntent { get; init; }

    /// <summary>The provider has lost it, with all that became of it.</summary>
    public bool Lost { get; init; }

    public override bool IsGone => Lost;

    /// <summary>The merchant's reference: Adyen's <c>reference</c>, at Stripe a metadata entry.</summary>
    public string? Reference { get; init; }

    public string? IdempotencyKey { get; init; }

    public required long Amount { get; init; }

    public required string Currency { get; init; }

    public required ChargeStatus Status { get; init; }

    public required DateTimeOffset Created { get; init; }

    public required CardFacts Card { get; init; }

    public Failure? Failure { get; init; }

    /// <summary>Until when it may be captured.</summary>
    public DateTimeOffset? CaptureBefore { get; init; }

    /// <summary>What remains authorized was given back (a final partial capture, or a cancellation).</summary>
    public bool RemainderReleased { get; init; }

    public bool Multicapture { get; init; }

    /// <summary>How its authentication ended, in Stripe's words; null where nobody tried.</summary>
    public string? ThreeDSecure { get; init; }

    /// <summary>frictionless or challenge.</summary>
    public string? ThreeDSecureFlow { get; init; }

    /// <summary>Adyen: the exemption from authentication that was asked for.</summary>
    public string? Exemption { get; init; }

    public string? PaymentMethod { get; init; }

    public string? Customer { get; init; }

    public string? Description { get; init; }

    public string? StatementDescriptor { get; init; }

    public string? ReceiptEmail { get; init; }

    public string? AuthorisationCode { get; init; }

    public string? BalanceTransaction { get; init; }

    public IReadOnlyDictionary<string, string> Metadata { get; init; } = Movement.NoMetadata;

    /// <summary>Adyen: what the shopper's return needs (the page's secret and where to go).</summary>
    public PendingChallenge? Challenge { get; init; }

    public bool ManualCapture { get; init; }

    /// <summary>Adyen: hours until an automatic capture; null captures at once.</summary>
    public long? CaptureDelayHours { get; init; }

    public IReadOnlyList<Movement> Captures { get; init; } = [];

    public IReadOnlyList<Movement> Refunds { get; init; } = [];

    public IReadOnlyList<Movement> Voids { get; init; } = [];

    /// <summary>Its holder's bank disputes it, or did.</summary>
    public bool Disputed { get; init; }

    /// <summary>Captured for good, or so reported.</summary>
    public long AmountCaptured => Captures.Where(c => c.Status == MovementStatus.Succeeded).Sum(c => c.Amount);

    public long AmountRefunded => Refunds.Where(r => r.Status == MovementStatus.Succeeded).Sum(r => r.Amount);

    public long AmountVoided => Voids.Where(v => v.Status == MovementStatus.Succeeded).Sum(v => v.Amount);

    /// <summary>Refunded or about to be.</summary>
    public long AmountRefundReserved => Refunds.Where(r => r.Status != MovementStatus.Failed).Sum(r => r.Amount);

    /// <summary>Captured or about to be.</summary>
    public long AmountCaptureReserved => Captures.Where(c => c.Status != MovementStatus.Failed).Sum(c => c.Amount);
}

/// <summary>A 3-D Secure challenge that waits for the shopper.</summary>
public sealed record PendingChallenge(string ReturnUrl, string? Result, bool StoreCard, string? ShopperReference);
