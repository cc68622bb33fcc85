using System.Collections.Frozen;
using Payments.Core.Seams;
using Payments.Fraud.Velocity;

namespace Payments.Fraud.Rules;

internal enum ValueType
{
    Number,
    Text,
    Flag,
}

/// <summary>A value in an expression; what is not known has none of them.</summary>
internal readonly record struct RuleValue(decimal? Number, string? Text, bool? Flag)
{
    public bool IsKnown => Number is not null || Text is not null || Flag is not null;
}

/// <summary>A name that an expression may use.</summary>
/// <param name="Hashed">The fact is a keyed hash: a text is hashed before it is compared, and only equality has a meaning.</param>
/// <param name="Most">The largest number that it can have; null where there is none.</param>
internal sealed record RuleAttribute(string Name, ValueType Type, Func<PaymentFacts, RuleValue> Of, string Meaning, bool Hashed = false, int? Most = null)
{
    public const string FirstPurchase = "first_purchase";

    // name, type, value, meaning
    private static readonly RuleAttribute[] Facts =
    [
        Number("amount", f => f.Amount, "minor units of the payment's currency"),
        Number("amount_usd", f => InUsDollars(f), "US dollars, by the fixed table of risk amounts"),
        Number("amount_sigmas", f => Finite(f.AmountSigmas), "standard deviations above the merchant's mean in this currency; unknown below 30 payments"),
        Text("currency", f => f.Currency, "ISO 4217"),
        Text("method", f => f.Method, "card, or bank_transfer for a debit of a bank account"),
        Text("card.brand", f => f.CardBrand, "visa, mastercard, …"),
        Text("card.bin", f => f.CardBin, "first six digits"),
        Text("card.country", f => f.CardCountry, "country of the issuer (ISO 3166 alpha-2)"),
        Text("card.funding", f => f.CardFunding, "credit, debit, prepaid, unknown"),
        Text("ip.country", f => f.IpCountry, "country of the address, where a table of networks is configured"),
        Text("billing.country", f => f.BillingCountry, "of the billing address"),
        Text("shipping.country", f => f.ShippingCountry, "of the shipping address"),
        new("email.domain", ValueType.Text, f => new(null, f.EmailDomain, null), "what follows the @", Hashed: true),
        Number("session.seconds", f => f.SessionSeconds, "how long the customer had been in the shop"),
        Number("account.age_days", f => Finite(f.AccountAgeDays), "age of the customer's account at the merchant"),
        Number("hour", f => f.Hour, "0 to 23, UTC"),
        Flag(FirstPurchase, f => f.FirstPurchase, "the card has never been approved at this merchant"),
        Flag("customer.given", f => f.HasCustomer, "the merchant named its customer"),
        Flag("ip.given", f => f.HasIp, "risk_context.ip was given"),
        Flag("device.given", f => f.HasDevice, "risk_context.device_id was given"),
        Flag("email.given", f => f.HasEmail, "risk_context.email was given"),
    ];

    private static readonly FrozenDictionary<string, RuleAttribute> ByName =
        Facts.Concat(VelocityCounter.All.Select(Counter)).ToFrozenDictionary(a => a.Name, StringComparer.Ordinal);

    public static IReadOnlyList<RuleAttribute> OfPayment => Facts;

    public static RuleAttribute? Find(string name) => ByName.GetValueOrDefault(name);

    private static RuleAttribute Counter(VelocityCounter counter) => new(
        counter.Name, ValueType.Number, f => new(f.Velocity[counter.Place], null, null), "counter", Most: counter.Most);

    private static RuleAttribute Number(string name, Func<PaymentFacts, decimal?> of, string meaning) => new(name, ValueType.Number, f => new(of(f), null, null), meaning);

    private static RuleAttribute Text(string name, Func<PaymentFacts, string?> of, string meaning) => new(name, ValueType.Text, f => new(null, of(f), null), meaning);

    private static RuleAttribute Flag(string name, Func<PaymentFacts, bool?> of, string meaning) => new(name, ValueType.Flag, f => new(null, null, of(f)), meaning);

    private static decimal? Finite(double? value) => value is { } known && double.IsFinite(known) ? (decimal)Math.Clamp(known, -1e12, 1e12) : null;

    private static decimal? InUsDollars(PaymentFacts facts) => RiskAmounts.Knows(facts.Currency) ? RiskAmounts.InUsCents(facts.Amount, facts.Currency) / 100 : null;
}
