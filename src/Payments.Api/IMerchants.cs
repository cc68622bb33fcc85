using Payments.Core;

namespace Payments.Api;

/// <summary>What the payment flow must know of a merchant. Answers may be up to five seconds old.</summary>
public interface IMerchants
{
    /// <summary>Null where there is no such merchant.</summary>
    Task<Merchant?> FindAsync(MerchantId merchant, CancellationToken cancellationToken);
}

/// <param name="Active">False while suspended: reads answer, nothing new is created.</param>
/// <param name="PreferredProvider">Gets all of the merchant's payments while its circuit is closed.</param>
/// <param name="StatementDescriptor">Stands on statements where a payment names none.</param>
/// <param name="SendsReceipts">False: no receipts are sent, whatever address a payment carries.</param>
/// <param name="MonthlyLimits">Most volume in a calendar month (UTC) per mode, in minor units, for each currency by itself; absent: no limit.</param>
public sealed record Merchant(
    MerchantId Id,
    string Name,
    bool Active,
    FeePlan Plan,
    Provider? PreferredProvider,
    IReadOnlyDictionary<Mode, long> MonthlyLimits,
    string? StatementDescriptor = null,
    bool SendsReceipts = true);

/// <summary>What a merchant pays for captures, fixed for a payment when the payment is created.</summary>
public sealed record FeePlan(int Version, CardPrice Credit, CardPrice Debit)
{
    /// <param name="funding">As the provider told it; anything but debit pays the credit price.</param>
    public Price PriceOf(string? funding, Currency currency) => (funding == "debit" ? Debit : Credit).In(currency);

    /// <summary>What one payment of whatever method costs.</summary>
    public Price PriceOf(PaymentMethodView method, Money amount)
    {
        ArgumentNullException.ThrowIfNull(method);
        return method.Type == PaymentMethodTypes.Ach ? Ach.Of(amount.Minor) : PriceOf(method.Funding, amount.Currency);
    }

    /// <summary>Of debits of bank accounts, which are in US dollars.</summary>
    public CappedPrice Ach { get; init; } = DefaultAch;

    public static CappedPrice DefaultAch { get; } = new(8_000, 500);
}

/// <summary>A rate in hundredths of a basis point, and a fixed part in US cents that stands for its equivalent in each currency.</summary>
public sealed record CardPrice(int RatePerMillion, long FixedUsCents)
{
    /// <summary>The fixed part is scaled by the ratio of the currencies' payment limits, which are all about one million US dollars.</summary>
    public Price In(Currency currency)
    {
        ArgumentNullException.ThrowIfNull(currency);
        var dollars = Currency.Of("USD").LargestPayment;
        return new Price(RatePerMillion, (long)(((Int128)FixedUsCents * currency.LargestPayment + dollars / 2) / dollars));
    }
}
