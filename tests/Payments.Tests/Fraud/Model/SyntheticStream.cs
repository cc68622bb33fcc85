using Payments.Fraud.Features;

namespace Payments.Tests.Fraud.Model;

/// <summary>A small seeded stream: customers with habits, merchants that go bad for some weeks, cards that are misused.</summary>
internal static class SyntheticStream
{
    public static LabelledPayment[] Make(int days, int customers, int merchants, int seed)
    {
        var random = new Random(seed);
        var usual = Enumerable.Range(0, customers).Select(_ => 1_000 + random.Next(9_000)).ToArray();
        var badFrom = Enumerable.Range(0, merchants).Select(_ => random.Next(3) == 0 ? random.Next(days) : days).ToArray();
        var misusedFrom = Enumerable.Range(0, customers).Select(_ => random.Next(3) == 0 ? random.Next(days) : days).ToArray();
        var payments = new List<LabelledPayment>();
        for (var day = 0; day < days; day++)
        {
            var today = Enumerable.Range(0, customers * 2).Select(_ => random.Next((int)FeatureState.Day)).Order().ToArray();
            foreach (var second in today)
            {
                var (customer, merchant) = (random.Next(customers), random.Next(merchants));
                var spree = day >= misusedFrom[customer] && day < misusedFrom[customer] + 14 && random.Next(3) == 0;
                var bad = day >= badFrom[merchant] && day < badFrom[merchant] + 20;
                var amount = (long)(usual[customer] * (0.2 + 1.6 * random.NextDouble()) * (spree ? 5 : 1));
                payments.Add(new(payments.Count, new(customer, merchant, day * FeatureState.Day + second, amount), spree || bad));
            }
        }

        return [.. payments];
    }
}
