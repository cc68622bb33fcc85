using Payments.TrafficGenerator.Population;

namespace Payments.TrafficGenerator;

/// <summary>One attempt to pay, what the merchant sees of it, what the issuer would say, and what it really is.</summary>
public sealed record TrafficPayment
{
    /// <summary>From 0, in the order of time.</summary>
    public long Number { get; init; }

    /// <summary>In whole milliseconds.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Whose customer number is used; null where a thief shops under no customer's name.</summary>
    public long? Customer { get; init; }

    public required Merchant Merchant { get; init; }

    /// <summary>Minor units of <see cref="Currency"/>.</summary>
    public required long AmountMinor { get; init; }

    public string Currency => Merchant.Country.Currency;

    public decimal AmountUsd => Merchant.Country.InUsDollars(AmountMinor);

    public required Card Card { get; init; }

    /// <summary>The merchant's name for the customer; null for guests.</summary>
    public string? CustomerReference { get; init; }

    public string? Ip { get; init; }

    public Device? Device { get; init; }

    public string? Email { get; init; }

    public PostalAddress? BillingAddress { get; init; }

    public PostalAddress? ShippingAddress { get; init; }

    public long? SessionSeconds { get; init; }

    public DateTimeOffset? AccountCreatedAt { get; init; }

    /// <summary>1, or more for another try after the issuer's refusal.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>The issuer's refusal in the normalised words of the product, null where it would approve.</summary>
    public string? Decline { get; init; }

    /// <summary>Whether whoever pays would pass the issuer's challenge.</summary>
    public required bool PassesChallenge { get; init; }

    public FraudKind Fraud { get; init; }

    /// <summary>When the chargeback arrives if the payment goes through; null where none ever does.</summary>
    public DateTimeOffset? KnownAt { get; init; }

    /// <summary>Which attack it belongs to, from 1; 0 for none.</summary>
    public long Campaign { get; init; }

    public bool IsFraud => Fraud != FraudKind.None;

    /// <summary>What is left of it where a merchant tells less.</summary>
    internal TrafficPayment AsTold() => Merchant.Tells switch
    {
        Telling.Everything => this,
        Telling.Little => this with { Device = null, BillingAddress = null, ShippingAddress = null, SessionSeconds = null, AccountCreatedAt = null },
        _ => this with { Ip = null, Email = null, Device = null, BillingAddress = null, ShippingAddress = null, SessionSeconds = null, AccountCreatedAt = null },
    };
}
