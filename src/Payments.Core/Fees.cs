namespace Payments.Core;

/// <summary>
/// A price of the form "rate of the amount plus a fixed part". The rate is in hundredths of a basis point (29,000 = 2.9 %), the
/// fixed part in minor units of the payment's currency.
/// </summary>
public sealed record Price(int RatePerMillion, long FixedMinor)
{
    /// <summary>Rounds half away from zero to the minor unit, once, after the rate; never more than the amount itself.</summary>
    public long Of(long amountMinor, bool withFixedPart)
    {
        var product = checked((Int128)amountMinor * RatePerMillion);
        var rate = (long)((product + 500_000) / 1_000_000);
        return Math.Min(amountMinor, checked(rate + (withFixedPart ? FixedMinor : 0)));
    }
}

/// <summary>
/// A rate with a most, for what is taken whole or not at all: its price is an amount from the start, and stays one wherever a
/// <see cref="Price"/> is kept.
/// </summary>
/// <param name="MostMinor">Never more than this, in minor units of the currency.</param>
public sealed record CappedPrice(int RatePerMillion, long MostMinor)
{
    public Price Of(long amountMinor) => new(0, Math.Min(MostMinor, new Price(RatePerMillion, 0).Of(amountMinor, withFixedPart: false)));
}

/// <summary>What a capture costs: the merchant's commission and the provider's estimated cost, both in the payment's currency.</summary>
/// <param name="PlanVersion">Version of the merchant's fee plan that set the commission.</param>
/// <param name="CommissionMinor">What the platform keeps of this capture.</param>
/// <param name="ProviderCostMinor">What the provider is expected to take; trued up at settlement.</param>
public sealed record CaptureFees(int PlanVersion, long CommissionMinor, long ProviderCostMinor);
