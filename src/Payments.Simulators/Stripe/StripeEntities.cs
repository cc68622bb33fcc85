using System.Text.Json.Serialization;
using Payments.Simulators.Books;

namespace Payments.Simulators.Stripe;

/// <summary>Stripe's payment intent: the merchant's wish, of which charges are the attempts.</summary>
public sealed record PaymentIntent : Entity
{
    /// <summary>The provider has lost it.</summary>
    public bool Lost { get; init; }

    public override bool IsGone => Lost;

    public required string ClientSecret { get; init; }

    public required long Amount { get; init; }

    public required string Currency { get; init; }

    public required string Status { get; init; }

    public required string CaptureMethod { get; init; }

    public required DateTimeOffset Created { get; init; }

    public string? Customer { get; init; }

    public string? Description { get; init; }

    public IReadOnlyDictionary<string, string> Metadata { get; init; } = Movement.NoMetadata;

    public string? PaymentMethod { get; init; }

    public bool AutomaticPaymentMethods { get; init; }

    public string? LatestCharge { get; init; }

    public long AmountCapturable { get; init; }

    public long AmountReceived { get; init; }

    public DateTimeOffset? CanceledAt { get; init; }

    public string? CancellationReason { get; init; }

    public Failure? LastPaymentError { get; init; }

    /// <summary>The card of the last attempt, which a declined intent no longer names.</summary>
    public string? LastPaymentErrorMethod { get; init; }

    /// <summary>The issuer's page, while the shopper is awaited there.</summary>
    public string? ActionUrl { get; init; }

    public string? ReturnUrl { get; init; }

    public string? SetupFutureUsage { get; init; }

    public string? StatementDescriptor { get; init; }

    public string? StatementDescriptorSuffix { get; init; }

    public string? ReceiptEmail { get; init; }

    public string? TransferGroup { get; init; }

    public string RequestThreeDSecure { get; init; } = "automatic";

    public bool RequestMulticapture { get; init; }

    /// <summary>It debits a bank account instead of a card.</summary>
    public bool IsDebit { get; init; }

    /// <summary>The key of the request that confirmed it last.</summary>
    public string? IdempotencyKey { get; init; }

    [JsonIgnore]
    public bool IsCapturedByMerchant => CaptureMethod == "manual";
}

public sealed record StripeCustomer : Entity
{
    public required DateTimeOffset Created { get; init; }

    public string? Name { get; init; }

    public string? Email { get; init; }

    public string? Description { get; init; }

    public IReadOnlyDictionary<string, string> Metadata { get; init; } = Movement.NoMetadata;
}

public sealed record BalanceTransaction : Entity
{
    public required long Amount { get; init; }

    public required long Fee { get; init; }

    public required string Currency { get; init; }

    public required string Type { get; init; }

    public required string Source { get; init; }

    public required DateTimeOffset Created { get; init; }
}

/// <summary>Something that happened, told by webhook and kept for reading.</summary>
public sealed record StripeEvent : Entity
{
    public required string Type { get; init; }

    /// <summary>The payment intent or charge it is about.</summary>
    public required string About { get; init; }

    /// <summary>The refund within the charge, for events of refunds.</summary>
    public string? Part { get; init; }

    public required DateTimeOffset Created { get; init; }

    public string? RequestId { get; init; }

    public string? IdempotencyKey { get; init; }

    [JsonIgnore]
    public Entity? Snapshot { get; init; }
}
