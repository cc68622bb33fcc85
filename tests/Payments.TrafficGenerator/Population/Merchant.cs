namespace Payments.TrafficGenerator.Population;

/// <summary>What a shop sells.</summary>
/// <param name="Median">Of a basket in US dollars.</param>
/// <param name="Spread">Standard deviation of the logarithm of baskets.</param>
/// <param name="Digital">Nothing is shipped.</param>
/// <param name="Resale">How much thieves like it.</param>
public sealed record Category(string Name, double Share, double Median, double Spread, bool Digital, double Resale)
{
    private static readonly Category[] Rows =
    [
        new("groceries", 18, 38, .5, false, 0),
        new("fashion", 16, 38, .6, false, 2),
        new("food_delivery", 14, 22, .45, false, 1),
        new("digital_goods", 14, 9, .7, true, 2),
        new("subscriptions", 12, 10, .4, true, 0),
        new("electronics", 8, 70, .8, false, 6),
        new("home", 7, 42, .8, false, 1),
        new("travel", 5, 110, .8, true, 3),
        new("gift_cards", 3, 30, .6, true, 6),
        new("donations", 3, 15, .8, true, 0),
    ];

    public static IReadOnlyList<Category> All => Rows;

    public static Category Named(string name) => Rows.First(c => c.Name == name);
}

/// <summary>How much of <c>risk_context</c> a merchant sends.</summary>
public enum Telling
{
    Everything,

    /// <summary>The address and the e-mail alone.</summary>
    Little,

    Nothing,
}

/// <param name="OpenedAt">Takes no payments earlier.</param>
/// <param name="Growth">By how much its share of payments changes in a year: 0.5 is half as much again.</param>
/// <param name="PriceFactor">Its prices against those of its category.</param>
public sealed record Merchant(int Number, Category Category, Country Country, DateTimeOffset OpenedAt, double Growth, double PriceFactor, Telling Tells)
{
    /// <summary>A basket in minor units of the merchant's currency.</summary>
    public long Basket(Dice dice, double spendFactor)
    {
        ArgumentNullException.ThrowIfNull(dice);
        return Country.Minor(Math.Clamp(dice.LogNormal(Category.Median * PriceFactor * spendFactor * Country.PriceLevel, Category.Spread), .5, 9_000));
    }
}
