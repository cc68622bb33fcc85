using Payments.TrafficGenerator.Population;

namespace Payments.TrafficGenerator;

/// <summary>What honest customers do, and what the dishonest ones among them pretend to do.</summary>
internal sealed class Shopping(World world)
{
    /// <summary>Of first attempts.</summary>
    public const double DeclinedShare = .05;

    private static readonly TimeSpan Slice = TimeSpan.FromMinutes(10);

    private static readonly (string Code, double Share)[] Declines =
    [
        ("insufficient_funds", 42), ("do_not_honor", 24), ("generic_decline", 14), ("expired_card", 8), ("incorrect_cvc", 7), ("processing_error", 5),
    ];

    // Chosen so that friendly fraud is what the options say of all payments.
    private readonly double disputed = world.Options.Shares.FriendlyFraud / Customer.DisputingShare;

    /// <summary>For ever, in the order of time.</summary>
    public IEnumerable<TrafficPayment> Payments()
    {
        for (var slice = 0L; ; slice++)
        {
            var dice = new Dice(world.Seed, Subject.Shopping, slice);
            var begins = world.Options.Begins + (slice * Slice);
            var count = dice.Poisson(world.Options.PaymentsPerDay * Slice.TotalDays * Rhythm.At(begins));
            var offsets = new int[count];
            for (var i = 0; i < count; i++)
            {
                offsets[i] = dice.Below((int)Slice.TotalMilliseconds);
            }

            Array.Sort(offsets);
            foreach (var offset in offsets)
            {
                var at = begins.AddMilliseconds(offset);
                yield return Buy(Somebody(at, dice), at, dice);
            }
        }
    }

    /// <summary>Somebody who is awake.</summary>
    public Customer Somebody(DateTimeOffset at, Dice dice)
    {
        while (true)
        {
            var customer = world.AnyCustomer(at, dice);
            if (dice.Chance(Rhythm.At(at, customer.Country, customer.HoursLate) / Rhythm.Most))
            {
                return customer;
            }
        }
    }

    /// <summary>What is usual for the customer, at one of the usual merchants unless one is given.</summary>
    public TrafficPayment Buy(Customer customer, DateTimeOffset at, Dice dice, Merchant? where = null)
    {
        var merchant = where ?? world.MerchantFor(customer, at, dice);
        var account = world.AccountOf(customer, merchant, at);
        var card = customer.Cards[customer.Cards.Count > 1 && dice.Chance(.2) ? 1 : 0];
        var disputes = customer.Disputes && dice.Chance(disputed);
        var shipped = dice.Fraction();
        return new TrafficPayment
        {
            At = at,
            Customer = customer.Number,
            Merchant = merchant,
            AmountMinor = merchant.Basket(dice, customer.SpendFactor),
            Card = card,
            CustomerReference = account?.Reference,
            AccountCreatedAt = account?.Since,
            Ip = world.AddressOf(customer, at, dice),
            Device = customer.Devices[customer.Devices.Count > 1 && dice.Chance(.3) ? 1 : 0],
            Email = customer.Email,
            BillingAddress = customer.Home,
            ShippingAddress = merchant.Category.Digital ? null : shipped < .88 ? customer.Home : shipped < .96 ? world.GiftAddressOf(customer) : PostalAddress.Draw(dice, customer.Country),
            SessionSeconds = (long)Math.Clamp(dice.LogNormal(240, .8), 15, 7_200),
            Decline = dice.Chance(DeclinedShare) ? dice.Pick(Declines, d => d.Share).Code : null,
            PassesChallenge = dice.Chance(.94),
            Fraud = disputes ? FraudKind.FriendlyFraud : FraudKind.None,
            KnownAt = disputes ? at + Delay(dice, 35) : null,
        }.AsTold();
    }

    /// <summary>Half of those who are refused try again within two minutes, at most twice, some with their other card.</summary>
    public TrafficPayment? Again(TrafficPayment refused)
    {
        var dice = new Dice(world.Seed, Subject.Shopping, refused.At.ToUnixTimeMilliseconds(), refused.Card.Number);
        if (refused.Attempt >= 3 || refused.Customer is not { } number || !dice.Chance(.5))
        {
            return null;
        }

        var cards = world.Customer(number).Cards;
        var other = dice.Chance(.4);
        var succeeds = dice.Chance(other && cards.Count > 1 ? .9 : refused.Decline is "incorrect_cvc" or "processing_error" ? .8 : .3);
        return refused with
        {
            At = refused.At.AddMilliseconds(8_000 + dice.Below(100_000)),
            Attempt = refused.Attempt + 1,
            Card = other ? cards.FirstOrDefault(c => c != refused.Card) ?? refused.Card : refused.Card,
            Decline = succeeds ? null : refused.Decline,
        };
    }

    /// <summary>Until a bank passes a complaint on.</summary>
    public static TimeSpan Delay(Dice dice, double medianDays) => TimeSpan.FromDays(Math.Clamp(dice.LogNormal(medianDays, .55), 2, 120));
}
