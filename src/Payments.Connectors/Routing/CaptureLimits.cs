using Payments.Core;

namespace Payments.Connectors;

/// <param name="CustomerPresent">How long an authorization holds that the customer made.</param>
/// <param name="MerchantInitiated">How long one holds that was made without the customer.</param>
public sealed record CaptureLimitRow(Provider Provider, string Brand, TimeSpan CustomerPresent, TimeSpan MerchantInitiated)
{
    public TimeSpan Holds(bool customerPresent) => customerPresent ? CustomerPresent : MerchantInitiated;
}

/// <summary>
/// How long a provider holds an authorization where it does not say so itself. Stripe tells <c>capture_before</c> with each charge, so
/// its rows only serve charges that were told by webhook alone. Adyen tells nothing: it takes captures for 28 days, but issuers release
/// a hold after their scheme's time, and what is captured later may fail or cost more. <c>docs/holds.md</c> repeats the table.
/// </summary>
public static class CaptureLimits
{
    /// <summary>A brand without a row.</summary>
    public static readonly TimeSpan Otherwise = TimeSpan.FromDays(7);

    public static IReadOnlyList<CaptureLimitRow> Rows { get; } =
    [
        Row(Provider.Stripe, "visa", 7, 5),
        Row(Provider.Stripe, "mastercard", 7, 7),
        Row(Provider.Stripe, "amex", 7, 7),
        Row(Provider.Stripe, "discover", 7, 7),
        Row(Provider.Adyen, "visa", 10, 5),
        Row(Provider.Adyen, "mastercard", 7, 7),
        Row(Provider.Adyen, "amex", 7, 7),
        Row(Provider.Adyen, "discover", 10, 10),
        Row(Provider.Adyen, "diners", 10, 10),
    ];

    /// <summary>The shortest of any provider and brand.</summary>
    public static TimeSpan Shortest(bool customerPresent) => Rows.Select(r => r.Holds(customerPresent)).Append(Otherwise).Min();

    public static TimeSpan Of(Provider provider, string? brand, bool customerPresent) =>
        Rows.FirstOrDefault(r => r.Provider == provider && r.Brand == brand)?.Holds(customerPresent) ?? Otherwise;

    /// <summary>Null for a payment that was sent to no provider.</summary>
    public static TimeSpan? Of(PaymentState payment)
    {
        ArgumentNullException.ThrowIfNull(payment);
        return payment.AuthorizingAttempt is { } attempt
            ? Of(attempt.Provider, payment.Details.PaymentMethod.Brand, payment.Details.Initiator == Initiator.Customer)
            : null;
    }

    private static CaptureLimitRow Row(Provider provider, string brand, int customerPresent, int merchantInitiated) =>
        new(provider, brand, TimeSpan.FromDays(customerPresent), TimeSpan.FromDays(merchantInitiated));
}
