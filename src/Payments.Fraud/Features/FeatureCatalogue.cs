using System.Collections.Immutable;

namespace Payments.Fraud.Features;

/// <summary>One number that a model sees.</summary>
/// <param name="Name">Its stable name in model files.</param>
/// <param name="Factor">The risk factor that people are told; several features may speak for one.</param>
public sealed record Feature(string Name, string Factor, string Meaning);

/// <summary>The features in the order in which <see cref="FeatureState.Describe"/> writes them. A value that cannot be known is NaN.</summary>
public static class FeatureCatalogue
{
    public static ImmutableArray<Feature> All { get; } =
    [
        new("amount", "high_amount", "amount in major units"),
        new("hour_of_day", "unusual_time", "hour of the day, UTC"),
        new("day_of_week", "unusual_time", "days since the epoch, modulo 7"),

        .. Activity("customer", "customer_velocity", "customer_spending", ["5m", "1h", "1d", "7d", "30d"]),
        .. Norm("customer", "unusual_amount_for_customer"),
        .. Unusual(),
        new("customer_merchant_payments_30d", "unfamiliar_merchant", "payments of the customer at this merchant"),
        new("customer_merchants_1d", "customer_velocity", "different merchants in a day"),
        new("customer_merchants_7d", "customer_velocity", "different merchants in a week"),
        .. Outcomes("customer", "customer_fraud_history", [7, 28]),

        .. Activity("merchant", "merchant_velocity", "unusual_amount_for_merchant", ["1h", "1d", "7d", "30d"]),
        .. Norm("merchant", "unusual_amount_for_merchant"),
        .. Outcomes("merchant", "merchant_fraud_history", [1, 3, 7, 14, 28]),
    ];

    public static int Count => All.Length;

    public static ImmutableArray<string> Names { get; } = [.. All.Select(f => f.Name)];

    private static IEnumerable<Feature> Activity(string who, string velocity, string spending, string[] windows)
    {
        foreach (var window in windows)
        {
            yield return new($"{who}_payments_{window}", velocity, $"payments of the {who} in {window}");
            yield return new($"{who}_amount_{window}", velocity, $"sum of the {who}'s amounts in {window}");
            yield return new($"amount_over_{who}_mean_{window}", spending, $"amount over the {who}'s mean in {window}");
        }

        yield return new($"amount_over_{who}_largest_{windows[^1]}", spending, $"amount over the {who}'s largest in {windows[^1]}");
        yield return new($"{who}_age_hours", $"new_{who}", $"hours since the {who}'s first payment");
        yield return new($"{who}_idle_hours", velocity, $"hours since the {who}'s last payment");
    }

    private static IEnumerable<Feature> Norm(string who, string factor) =>
    [
        new($"{who}_payments", $"new_{who}", $"payments of the {who} so far"),
        new($"{who}_usual_amount", factor, $"mean of the {who}'s amounts without the unusual ones"),
        new($"{who}_usual_spread", factor, $"standard deviation of the {who}'s amounts without the unusual ones"),
        new($"amount_over_{who}_usual", factor, $"amount over the {who}'s usual amount"),
        new($"amount_deviation_for_{who}", factor, $"standard deviations between the amount and the {who}'s usual amount"),
    ];

    private static IEnumerable<Feature> Unusual() =>
    [
        new("customer_elevated_14d", "recent_unusual_spending", "payments above 1.8 times the usual in 14 days"),
        new("customer_unusual_1d", "recent_unusual_spending", "payments above 2.5 times the usual in a day"),
        new("customer_unusual_3d", "recent_unusual_spending", "payments above 2.5 times the usual in 3 days"),
        new("customer_unusual_7d", "recent_unusual_spending", "payments above 2.5 times the usual in 7 days"),
        new("customer_unusual_14d", "recent_unusual_spending", "payments above 2.5 times the usual in 14 days"),
        new("customer_extreme_14d", "recent_unusual_spending", "payments above 4 times the usual in 14 days"),
        new("customer_unusual_share_14d", "recent_unusual_spending", "share of payments above 2.5 times the usual in 14 days"),
        new("customer_excess_5d", "recent_unusual_spending", "sum of what exceeded 1.8 times the usual in 5 days, in multiples of it"),
        new("customer_excess_14d", "recent_unusual_spending", "sum of what exceeded 1.8 times the usual in 14 days, in multiples of it"),
        new("customer_largest_multiple_14d", "recent_unusual_spending", "largest multiple of the usual amount in 14 days"),
        new("customer_last_unusual_hours", "recent_unusual_spending", "hours since the last payment above 2.5 times the usual"),
        new("customer_first_unusual_hours", "recent_unusual_spending", "hours since the first such payment of the last 14 days"),
    ];

    private static IEnumerable<Feature> Outcomes(string who, string factor, int[] days)
    {
        foreach (var window in days)
        {
            yield return new($"{who}_frauds_{window}d", factor, $"frauds of the {who} that became known in {window} days");
            yield return new($"{who}_ordinary_frauds_{window}d", factor, $"those of them whose amount was usual for the customer, in {window} days");
            yield return new($"{who}_fraud_share_{window}d", factor, $"share of frauds among the {who}'s outcomes of {window} days");
        }

        yield return new($"{who}_fraud_share", factor, $"share of frauds among all of the {who}'s outcomes");
        yield return new($"{who}_first_fraud_hours", factor, $"hours since the first fraud of the {who} in 28 days became known");
        yield return new($"{who}_first_ordinary_fraud_hours", factor, "the same for frauds with an amount that was usual for the customer");
        yield return new($"{who}_last_fraud_hours", factor, $"hours since the {who}'s last fraud became known");
        yield return new($"{who}_last_good_hours", factor, $"hours since the {who}'s last good outcome became known");
        yield return new($"{who}_fraud_run", factor, $"how many of the {who}'s latest outcomes in a row were frauds");
        yield return new($"{who}_fraud_run_hours", factor, "hours since that run began");
        yield return new($"{who}_good_since_fraud", factor, $"good outcomes of the {who} since its last fraud");
        yield return new($"{who}_frauds_of_last_five", factor, $"frauds among the {who}'s last five outcomes of 28 days");
    }
}
