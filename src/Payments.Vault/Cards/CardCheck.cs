using Payments.Connectors;
using Payments.Platform.Http;

namespace Payments.Vault.Cards;

/// <summary>A card as the request carries it. Lives as long as the request, prints as nothing.</summary>
internal sealed record CardRequest(string Number, int ExpMonth, int ExpYear, string Cvc, string? Name = null)
{
    public override string ToString() => "CardRequest";
}

/// <summary>Checks a card without telling anybody what it is: no refusal repeats a digit of it.</summary>
internal static class CardCheck
{
    private const int LongestName = 100;
    private const int FurthestYears = 20;

    private static readonly Problem Number = new(400, "invalid_card_number", "The number is not a card number: 12 to 19 digits without spaces, of which the last is a check digit.", "card.number");
    private static readonly Problem Brand = new(400, "card_brand_not_supported", "Cards of this brand are not accepted.", "card.number");
    private static readonly Problem Month = new(400, "invalid_expiry_month", "A month from 1 to 12 is expected.", "card.exp_month");
    private static readonly Problem Year = new(400, "invalid_expiry_year", "A year of four digits, not more than 20 years ahead, is expected.", "card.exp_year");
    private static readonly Problem Expired = new(400, "card_expired", "The card has expired.", "card.exp_year");
    private static readonly Problem Name = new(400, "invalid_card_name", "A name of 1 to 100 characters, without digits of a card number and control characters, is expected.", "card.name");

    public static Problem? Refuse(CardRequest card, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(card);
        if (card.Number.Length is < 12 or > 19 || !card.Number.All(char.IsAsciiDigit) || !PassesLuhn(card.Number))
        {
            return Number;
        }

        if (CardBrands.Of(card.Number) is not { } brand)
        {
            return Brand;
        }

        if (!brand.Lengths.Contains(card.Number.Length))
        {
            return Number;
        }

        if (card.ExpMonth is < 1 or > 12)
        {
            return Month;
        }

        // A card is good until its last month is over everywhere on earth.
        var somewhere = now.ToUniversalTime().AddHours(-12);
        if (card.ExpYear is < 2000 or > 9999 || card.ExpYear > somewhere.Year + FurthestYears)
        {
            return Year;
        }

        if (card.ExpYear < somewhere.Year || (card.ExpYear == somewhere.Year && card.ExpMonth < somewhere.Month))
        {
            return Expired;
        }

        if (card.Cvc.Length != brand.CvcLength || !card.Cvc.All(char.IsAsciiDigit))
        {
            return new Problem(400, "invalid_cvc", $"A security code of {brand.CvcLength} digits is expected for this brand.", "card.cvc");
        }

        return card.Name is { } name && (name.Length is 0 or > LongestName || name.Any(char.IsControl) || name.Count(char.IsAsciiDigit) >= 12) ? Name : null;
    }

    /// <summary>ISO/IEC 7812-1 annex B.</summary>
    public static bool PassesLuhn(string digits)
    {
        var sum = 0;
        for (var i = 0; i < digits.Length; i++)
        {
            var digit = digits[^(i + 1)] - '0';
            sum += i % 2 == 0 ? digit : digit < 5 ? digit * 2 : (digit * 2) - 9;
        }

        return sum % 10 == 0;
    }

    public static CardData ToData(CardRequest card) => new(card.Number, card.ExpMonth, card.ExpYear, card.Cvc, card.Name);
}
