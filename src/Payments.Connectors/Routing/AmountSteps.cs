using Payments.Core;

namespace Payments.Connectors;

/// <summary>The smallest step of an amount that a provider takes.</summary>
public static class AmountSteps
{
    /// <summary>
    /// In minor units. Stripe's smallest step of a currency with three decimals is ten: the last digit must be zero
    /// (https://docs.stripe.com/currencies#three-decimal).
    /// </summary>
    public static long Of(Provider provider, Currency currency)
    {
        ArgumentNullException.ThrowIfNull(currency);
        return provider == Provider.Stripe && currency.Exponent == 3 ? 10 : 1;
    }
}
