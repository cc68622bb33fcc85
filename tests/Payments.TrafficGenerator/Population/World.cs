using System.Globalization;

namespace Payments.TrafficGenerator.Population;

/// <summary>The customers and merchants of a stream, and where they are found.</summary>
internal sealed class World
{
    private const double GrowthPerDay = .2 / 365;
    private const double OfficeShare = .15;
    private const int OfficeSize = 12;

    private readonly Merchant[] merchants;

    public World(TrafficOptions options)
    {
        Options = options;
        merchants = [.. Enumerable.Range(0, options.Merchants).Select(DrawMerchant)];
    }

    public TrafficOptions Options { get; }

    public long Seed => Options.Seed;

    public IReadOnlyList<Merchant> Merchants => merchants;

    public Customer Customer(long number) => Population.Customer.Draw(Seed, number, JoinedAt(number));

    /// <summary>Anybody, those who shop much more often than others; one in 33 joined within the last month.</summary>
    public Customer AnyCustomer(DateTimeOffset at, Dice dice)
    {
        var joined = Options.Customers + (long)(Math.Max(0, (at - Options.Begins).TotalDays) * Options.Customers * GrowthPerDay);
        var ofMonth = Math.Min(joined - 1, (long)(30 * Options.Customers * GrowthPerDay));
        return Customer(ofMonth > 0 && dice.Chance(.03)
            ? joined - 1 - (long)(dice.Fraction() * ofMonth)
            : (long)(Options.Customers * Math.Pow(dice.Fraction(), 2)));
    }

    /// <summary>Where this customer shops now: mostly at one of a few favourites, else anywhere.</summary>
    public Merchant MerchantFor(Customer customer, DateTimeOffset at, Dice dice)
    {
        if (dice.Chance(.7) && Favourite(customer, dice.Below(3 + (int)(customer.Number % 6))) is var favourite && favourite.OpenedAt <= at)
        {
            return favourite;
        }

        return AnyMerchant(customer.Country, at, dice);
    }

    public Merchant Favourite(Customer customer, int which) =>
        AnyMerchant(customer.Country, Options.Begins, new Dice(Seed, Subject.Favourites, customer.Number, which));

    /// <summary>Popular ones more often, foreign ones seldom, not yet opened ones never.</summary>
    public Merchant AnyMerchant(Country home, DateTimeOffset at, Dice dice, Func<Merchant, double>? liking = null)
    {
        var years = (at - Options.Begins).TotalDays / 365;
        Merchant merchant;
        var tries = 0;
        do
        {
            merchant = merchants[(int)(merchants.Length * Math.Pow(dice.Fraction(), 2.2))];
        }
        while (++tries < 1_000 && !(merchant.OpenedAt <= at
            && dice.Chance(merchant.Country == home ? 1 : .02)
            && dice.Chance(Math.Min(1, .5 * Math.Exp(merchant.Growth * years)))
            && dice.Chance(liking?.Invoke(merchant) ?? 1)));
        return merchant;
    }

    public string AddressOf(Customer customer, DateTimeOffset at, Dice dice)
    {
        var country = customer.Country;
        var place = dice.Fraction();
        if (place < .01)
        {
            return Networks.Access(Country.Draw(dice), dice, sixth: false); // on a journey
        }

        if (place < .25)
        {
            var gateways = Math.Max(4, (int)(Options.Customers * country.Share / 100 / 20));
            return Networks.Access(country, new Dice(Seed, Subject.Address, -1 - country.Index, dice.Below(gateways)), sixth: false);
        }

        var local = at.AddHours(country.HoursFromUtc);
        var office = new Dice(Seed, Subject.Office, customer.Number);
        if (office.Chance(OfficeShare) && local.DayOfWeek is not (DayOfWeek.Saturday or DayOfWeek.Sunday) && local.Hour is >= 9 and < 17 && place < .6)
        {
            var offices = Math.Max(1, (int)(Options.Customers * country.Share / 100 * OfficeShare / OfficeSize));
            return Networks.Access(country, new Dice(Seed, Subject.Office, -1 - country.Index, office.Below(offices)), sixth: false);
        }

        // Providers of access give out another address now and then.
        var home = new Dice(Seed, Subject.Address, customer.Number, (long)(at - Options.Begins).TotalDays / 30);
        return Networks.Access(country, home, home.Chance(.3));
    }

    /// <summary>The merchant's name for the customer and since when it knows him; null for guests.</summary>
    public (string Reference, DateTimeOffset Since)? AccountOf(Customer customer, Merchant merchant, DateTimeOffset at)
    {
        if (!customer.HasAccounts)
        {
            return null;
        }

        var dice = new Dice(Seed, Subject.Account, customer.Number, merchant.Number);
        var since = Later(customer.JoinedAt, merchant.OpenedAt) + TimeSpan.FromDays(Math.Floor(dice.Exponential(60)));
        return ("cus-" + dice.Hex(12), since < at ? since : at.AddMinutes(-3));
    }

    public PostalAddress GiftAddressOf(Customer customer) => PostalAddress.Draw(new Dice(Seed, Subject.Address, customer.Number, -1), customer.Country);

    /// <summary>A merchant beside those there are, as a bust-out needs one.</summary>
    public Merchant Opened(int number, DateTimeOffset at, Category category)
    {
        var dice = new Dice(Seed, Subject.Merchant, number);
        return new(number, category, Country.Draw(dice), at, 0, dice.LogNormal(1, .2), Telling.Everything);
    }

    private Merchant DrawMerchant(int number)
    {
        var dice = new Dice(Seed, Subject.Merchant, number);
        var opened = dice.Chance(.08) && number > 10 ? Options.Begins.AddDays(dice.Below(90)) : Options.Begins.AddDays(-30 - Math.Floor(dice.Exponential(500)));
        var told = dice.Fraction();
        return new(
            number,
            dice.Pick(Category.All, c => c.Share),
            Country.Draw(dice),
            opened,
            dice.Between(-.3, .9),
            dice.LogNormal(1, .3),
            told < .8 ? Telling.Everything : told < .93 ? Telling.Little : Telling.Nothing);
    }

    private DateTimeOffset JoinedAt(long customer) => customer < Options.Customers
        ? Options.Begins.AddDays(-Math.Floor(Math.Min(3_650, new Dice(Seed, Subject.Account, customer).Exponential(600))))
        : Options.Begins.AddDays((customer - Options.Customers) / (Options.Customers * GrowthPerDay));

    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Options.Customers} customers, {merchants.Length} merchants");
}
