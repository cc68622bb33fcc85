using Payments.Core;

namespace Payments.Simulation.Shell;

/// <summary>Made-up prices: what a merchant pays, and what each provider takes.</summary>
internal static class Prices
{
    public static readonly Price Commission = new(29_000, 30);
    private static readonly Price AtStripe = new(20_000, 10);
    private static readonly Price AtAdyen = new(15_000, 12);

    public static Price CostAt(Provider provider) => provider == Provider.Stripe ? AtStripe : AtAdyen;
}
