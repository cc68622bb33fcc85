namespace Payments.Vault.Cards;

/// <summary>A card scheme, told from the public prefix ranges of ISO/IEC 7812 as the schemes publish them.</summary>
internal sealed record CardBrand(string Name, int CvcLength, params int[] Lengths);

internal static class CardBrands
{
    private const int PrefixDigits = 6;

    private static readonly CardBrand Visa = new("visa", 3, 13, 16, 19);
    private static readonly CardBrand Mastercard = new("mastercard", 3, 16);
    private static readonly CardBrand Amex = new("amex", 4, 15);
    private static readonly CardBrand Discover = new("discover", 3, 16, 17, 18, 19);
    private static readonly CardBrand Diners = new("diners", 3, 14, 15, 16, 17, 18, 19);
    private static readonly CardBrand Jcb = new("jcb", 3, 16, 17, 18, 19);
    private static readonly CardBrand UnionPay = new("unionpay", 3, 16, 17, 18, 19);

    // First and last prefix of six digits; no range meets another.
    private static readonly (int From, int To, CardBrand Brand)[] Ranges =
    [
        (222100, 272099, Mastercard),
        (300000, 305999, Diners),
        (309500, 309599, Diners),
        (340000, 349999, Amex),
        (352800, 358999, Jcb),
        (360000, 369999, Diners),
        (370000, 379999, Amex),
        (380000, 399999, Diners),
        (400000, 499999, Visa),
        (510000, 559999, Mastercard),
        (601100, 601199, Discover),
        (620000, 629999, UnionPay),
        (644000, 649999, Discover),
        (650000, 659999, Discover),
        (810000, 817199, UnionPay),
    ];

    public static IEnumerable<(int From, int To, string Brand)> All => Ranges.Select(r => (r.From, r.To, r.Brand.Name));

    /// <param name="number">Digits only.</param>
    public static CardBrand? Of(string number)
    {
        if (number.Length < PrefixDigits)
        {
            return null;
        }

        var prefix = 0;
        for (var i = 0; i < PrefixDigits; i++)
        {
            prefix = (prefix * 10) + (number[i] - '0');
        }

        return Array.Find(Ranges, r => prefix >= r.From && prefix <= r.To).Brand;
    }
}
