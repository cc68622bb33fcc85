using System.Globalization;
using System.Text.Json.Serialization;
using Payments.Core.Seams;
using Payments.Fraud.Velocity;

namespace Payments.Fraud.Rules;

/// <summary>
/// What rules may ask about a payment, and what its decision keeps: nothing here names a person. What is not known is null.
/// </summary>
internal sealed record PaymentFacts
{
    /// <summary>Minor units.</summary>
    public required long Amount { get; init; }

    public required string Currency { get; init; }

    public required string Method { get; init; }

    public required string CardBrand { get; init; }

    public required string CardBin { get; init; }

    public string? CardCountry { get; init; }

    public string? CardFunding { get; init; }

    public string? IpCountry { get; init; }

    public string? BillingCountry { get; init; }

    public string? ShippingCountry { get; init; }

    /// <summary>The keyed hash of the domain.</summary>
    public string? EmailDomain { get; init; }

    public long? SessionSeconds { get; init; }

    public double? AccountAgeDays { get; init; }

    /// <summary>0 to 23, UTC.</summary>
    public required int Hour { get; init; }

    /// <summary>Whether the card has never been approved at this merchant; known where a rule may depend on it.</summary>
    public bool? FirstPurchase { get; init; }

    /// <summary>How many standard deviations the amount lies above the merchant's mean in this currency; null below thirty payments.</summary>
    public double? AmountSigmas { get; init; }

    /// <summary>Whether the merchant named its customer.</summary>
    public required bool HasCustomer { get; init; }

    public required bool HasIp { get; init; }

    public required bool HasDevice { get; init; }

    public required bool HasEmail { get; init; }

    [JsonIgnore]
    public VelocityReading Velocity { get; init; } = VelocityReading.Empty;

    public static PaymentFacts Of(FraudRequest request, EntityKeys keys, Observed observed, string? ipCountry, double? amountSigmas)
    {
        var context = request.Context;
        return new PaymentFacts
        {
            Amount = request.AmountMinor,
            Currency = request.Currency,
            Method = request.Method,
            CardBrand = request.CardBrand,
            CardBin = request.CardBin,
            CardCountry = request.CardCountry,
            CardFunding = request.CardFunding,
            IpCountry = ipCountry,
            BillingCountry = context?.BillingAddress?.Country,
            ShippingCountry = context?.ShippingAddress?.Country,
            EmailDomain = keys.EmailDomain?.ToString("N", CultureInfo.InvariantCulture),
            SessionSeconds = context?.SessionSeconds,
            AccountAgeDays = context?.AccountCreatedAt is { } created ? Math.Max(0, (observed.At - created).TotalDays) : null,
            Hour = observed.At.UtcDateTime.Hour,
            AmountSigmas = amountSigmas,
            HasCustomer = keys.Customer is not null,
            HasIp = keys.Ip is not null,
            HasDevice = keys.Device is not null,
            HasEmail = keys.Email is not null,
            Velocity = observed.Reading,
        };
    }
}
