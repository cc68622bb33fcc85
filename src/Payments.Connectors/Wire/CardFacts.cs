using Payments.Core;

namespace Payments.Connectors.Wire;

/// <summary>What a provider tells of a card, as far as it has the shape that our books expect.</summary>
internal static class CardFacts
{
    public static PaymentMethodView View(string? brand, string? last4, string? country, string? funding) => new(
        "card",
        brand is { Length: > 0 and <= 40 } ? brand : null,
        last4 is { Length: 4 } && last4.All(char.IsAsciiDigit) ? last4 : null,
        country is { Length: 2 } && country.All(char.IsAsciiLetterUpper) ? country : null,
        funding is "credit" or "debit" or "prepaid" or "unknown" ? funding : null,
        null);
}
