using System.Text.Json.Serialization;
using Payments.Simulators.Cards;

namespace Payments.Simulators.Books;

/// <summary>A card kept at a provider: a Stripe payment method or an Adyen stored payment method.</summary>
public sealed record StoredCard : Entity
{
    public required string Provider { get; init; }

    public required CardFacts Card { get; init; }

    /// <summary>Stripe's customer or Adyen's shopper reference.</summary>
    public string? Owner { get; init; }

    /// <summary>A Stripe payment method without a customer may be used once.</summary>
    public bool Consumed { get; init; }

    /// <summary>Authenticated once for later use without the shopper.</summary>
    public bool SetUp { get; init; }

    public string? HolderName { get; init; }

    public required DateTimeOffset Created { get; init; }

    public IReadOnlyDictionary<string, string> BillingDetails { get; init; } = Movement.NoMetadata;

    public IReadOnlyDictionary<string, string> Metadata { get; init; } = Movement.NoMetadata;

    public bool Deleted { get; init; }

    [JsonIgnore]
    public override bool IsGone => Deleted;
}
