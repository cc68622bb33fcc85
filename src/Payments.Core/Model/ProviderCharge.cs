using System.Text.Json.Serialization;

namespace Payments.Core;

/// <summary>Where a charge stands at its provider.</summary>
public enum ChargeState
{
    /// <summary>Failed, or nobody has confirmed it: it holds and moved nothing.</summary>
    Nothing,

    /// <summary>Authorized; what was not captured may still be.</summary>
    Held,

    /// <summary>Captured, and nothing is held any more.</summary>
    Taken,

    /// <summary>Cancelled or expired before anything was captured.</summary>
    Released,
}

/// <summary>
/// A charge as its provider has it: what recovery works from. What it echoes of ours (attempt, payment, merchant) was sent along by
/// whoever made the charge, and proves nothing by itself.
/// </summary>
/// <param name="Reference">The provider's name of the payment (PaymentIntent, pspReference).</param>
/// <param name="Currency">ISO code of a currency that we accept.</param>
public sealed record ProviderCharge(
    Provider Provider, Mode Mode, string Reference, long AmountMinor, string Currency, ChargeState State, DateTimeOffset CreatedAt)
{
    public long CapturedMinor { get; init; }

    public CaptureMethod CaptureMethod { get; init; }

    public AttemptId? AttemptId { get; init; }

    public PaymentId? PaymentId { get; init; }

    public MerchantId? MerchantId { get; init; }

    public required PaymentMethodView Card { get; init; }

    public string? Description { get; init; }

    public DateTimeOffset? CaptureBefore { get; init; }

    /// <summary>Refunds that succeeded.</summary>
    public IReadOnlyList<ProviderRefund> Refunds { get; init; } = [];

    [JsonIgnore]
    public Money Amount => new(AmountMinor, Core.Currency.Of(Currency));

    /// <summary>It holds or took money.</summary>
    [JsonIgnore]
    public bool Counts => State is ChargeState.Held or ChargeState.Taken;
}

/// <summary>A refund as its provider has it.</summary>
public sealed record ProviderRefund(string Reference, long AmountMinor, DateTimeOffset? At);
