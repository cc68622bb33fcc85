using System.Text.Json.Serialization;
using Payments.Simulators.Books;

namespace Payments.Simulators.Adyen;

/// <summary>One webhook item as it will be told; the signature is made at delivery.</summary>
public sealed record AdyenNotification : Entity
{
    public required string EventCode { get; init; }

    public required bool Success { get; init; }

    public required string PspReference { get; init; }

    public string? OriginalReference { get; init; }

    public string? MerchantReference { get; init; }

    public required long Value { get; init; }

    public required string Currency { get; init; }

    public string? PaymentMethod { get; init; }

    public string? Reason { get; init; }

    public required DateTimeOffset Created { get; init; }

    public IReadOnlyDictionary<string, string> AdditionalData { get; init; } = Movement.NoMetadata;

    public bool Delivered { get; init; }

    [JsonIgnore]
    public override bool IsGone => Delivered;
}

/// <summary>A hosted checkout session.</summary>
public sealed record AdyenSession : Entity
{
    public required string SessionData { get; init; }

    public required string Reference { get; init; }

    public required long Amount { get; init; }

    public required string Currency { get; init; }

    public required string ReturnUrl { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }
}
