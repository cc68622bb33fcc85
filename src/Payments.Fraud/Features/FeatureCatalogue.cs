using System.Collections.Immutable;

namespace Payments.Fraud.Features;

/// <summary>One number that a model sees.</summary>
/// <param name="Name">Its stable name in model files.</param>
/// <param name="Factor">The risk factor that people are told; several features may speak for one.</param>
public sealed record Feature(string Name, string Factor, string Meaning);

/// <summary>
/// The features in the order in which <see cref="FeatureState.Describe"/> writes them. A value that cannot be known is NaN. Those of a
/// stored stream of cards, merchants, amounts and times come first, so that a row of it is the beginning of a row of a payment's.
/// </summary>
public static class FeatureCatalogue
{
    /// <summary>What a stream of cards, merchants, amounts, times and outcomes tells.</summary>
    public static ImmutableArray<Feature> OfStream { get; } =
    [
        new("amount", "high_amount", "amount in major units; of a payment in US dollars, about"),
        new("hour_of_day", "unusual_time", "hour of the day, UTC"),
        new("day_of_week", "unusual_time", "days since the epoch, modulo 7"),

        .. Activity("card", "card_velocity", "card_spending", ["5m", "1h", "1d", "7d", "30d"]),
        .. Norm("card", "unusual_amount_for_card"),
        .. Unusual(),
        new("card_merchant_payments_30d", "unfamiliar_merchant", "payments of the card at this merchant"),
        new("card_merchants_1d", "card_velocity", "different merchants in a day"),
        new("card_merchants_7d", "card_velocity", "different merchants in a week"),
        .. Outcomes("card", "card_fraud_history", [7, 28]),

        .. Activity("merchant", "merchant_velocity", "unusual_amount_for_merchant", ["1h", "1d", "7d", "30d"]),
        .. Norm("merchant", "unusual_amount_for_merchant"),
        .. Outcomes("merchant", "merchant_fraud_history", [1, 3, 7, 14, 28]),
    ];

    /// <summary>What a payment tells beyond that: its circumstances, answers of providers and issuers, and the other parties.</summary>
    private static ImmutableArray<Feature> OfPaymentsAlone { get; } =
    [
        .. Told.Features,
        .. OfCards(),
        new("merchant_declines_1h", "merchant_declines", "declined payments of the merchant in an hour, of its 256 latest answers"),
        new("merchant_decline_share_1d", "merchant_declines", "share of declined payments among the merchant's answers of a day"),
        new("merchant_threeds_failed_7d", "merchant_declines", "failed authentications at the merchant in a week"),
        .. OfVisitor("customer"),
        .. OfVisitor("ip"),
        .. OfVisitor("device"),
        .. OfVisitor("email"),
    ];

    public static ImmutableArray<Feature> All { get; } = [.. OfStream, .. OfPaymentsAlone];

    /// <summary>Tells lists of features apart: rows are stored beside it.</summary>
    public static int Id { get; } = Fingerprint();

    /// <summary>Columns of a row of a stored stream.</summary>
    public static int StreamCount => OfStream.Length;

    public static ImmutableArray<string> StreamNames { get; } = [.. OfStream.Select(f => f.Name)];

    public static int Count => All.Length;

    public static ImmutableArray<string> Names { get; } = [.. All.Select(f => f.Name)];

    private static int Fingerprint()
    {
        // FNV-1a over the names: the same on every machine.
        var hash = 2_166_136_261u;
        foreach (var character in string.Join('\n', All.Select(f => f.Name)))
        {
            hash = unchecked((hash ^ character) * 16_777_619);
        }

        return unchecked((int)hash);
    }

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
        new("card_elevated_14d", "recent_unusual_spending", "payments above 1.8 times the usual in 14 days"),
        new("card_unusual_1d", "recent_unusual_spending", "payments above 2.5 times the usual in a day"),
        new("card_unusual_3d", "recent_unusual_spending", "payments above 2.5 times the usual in 3 days"),
        new("card_unusual_7d", "recent_unusual_spending", "payments above 2.5 times the usual in 7 days"),
        new("card_unusual_14d", "recent_unusual_spending", "payments above 2.5 times the usual in 14 days"),
        new("card_extreme_14d", "recent_unusual_spending", "payments above 4 times the usual in 14 days"),
        new("card_unusual_share_14d", "recent_unusual_spending", "share of payments above 2.5 times the usual in 14 days"),
        new("card_excess_5d", "recent_unusual_spending", "sum of what exceeded 1.8 times the usual in 5 days, in multiples of it"),
        new("card_excess_14d", "recent_unusual_spending", "sum of what exceeded 1.8 times the usual in 14 days, in multiples of it"),
        new("card_largest_multiple_14d", "recent_unusual_spending", "largest multiple of the usual amount in 14 days"),
        new("card_last_unusual_hours", "recent_unusual_spending", "hours since the last payment above 2.5 times the usual"),
        new("card_first_unusual_hours", "recent_unusual_spending", "hours since the first such payment of the last 14 days"),
    ];

    private static IEnumerable<Feature> Outcomes(string who, string factor, int[] days)
    {
        foreach (var window in days)
        {
            yield return new($"{who}_frauds_{window}d", factor, $"frauds of the {who} that became known in {window} days");
            yield return new($"{who}_ordinary_frauds_{window}d", factor, $"those of them whose amount was usual for the card, in {window} days");
            yield return new($"{who}_fraud_share_{window}d", factor, $"share of frauds among the {who}'s outcomes of {window} days");
        }

        yield return new($"{who}_fraud_share", factor, $"share of frauds among all of the {who}'s outcomes");
        yield return new($"{who}_first_fraud_hours", factor, $"hours since the first fraud of the {who} in 28 days became known");
        yield return new($"{who}_first_ordinary_fraud_hours", factor, "the same for frauds with an amount that was usual for the card");
        yield return new($"{who}_last_fraud_hours", factor, $"hours since the {who}'s last fraud became known");
        yield return new($"{who}_last_good_hours", factor, $"hours since the {who}'s last good outcome became known");
        yield return new($"{who}_fraud_run", factor, $"how many of the {who}'s latest outcomes in a row were frauds");
        yield return new($"{who}_fraud_run_hours", factor, "hours since that run began");
        yield return new($"{who}_good_since_fraud", factor, $"good outcomes of the {who} since its last fraud");
        yield return new($"{who}_frauds_of_last_five", factor, $"frauds among the {who}'s last five outcomes of 28 days");
    }

    private static IEnumerable<Feature> OfCards() =>
    [
        new("card_declines_1h", "card_declines", "declined payments of the card in an hour"),
        new("card_declines_1d", "card_declines", "declined payments of the card in a day"),
        new("card_decline_share_30d", "card_declines", "share of declined payments among the card's answers of 30 days"),
        new("card_threeds_passed_30d", "threeds_history", "authentications that the card's holder passed in 30 days"),
        new("card_threeds_failed_30d", "threeds_history", "authentications that failed for the card in 30 days"),
        new("card_last_threeds_hours", "threeds_history", "hours since the card's last authentication"),
        new("card_ips_1d", "card_sharing", "different IP addresses of the card in a day"),
        new("card_devices_7d", "card_sharing", "different devices of the card in a week"),
        new("card_emails_30d", "card_sharing", "different e-mail addresses of the card in 30 days"),
    ];

    private static IEnumerable<Feature> OfVisitor(string who)
    {
        foreach (var window in (string[])["1h", "1d", "7d", "30d"])
        {
            yield return new($"{who}_payments_{window}", $"{who}_velocity", $"payments of the {who} in {window}, of its 64 latest");
        }

        yield return new($"{who}_amount_1d", $"{who}_velocity", $"sum of the {who}'s amounts in a day");
        yield return new($"{who}_cards_1d", $"{who}_cards", $"different cards of the {who} in a day");
        yield return new($"{who}_cards_30d", $"{who}_cards", $"different cards of the {who} in 30 days");
        yield return new($"{who}_card_payments_30d", $"new_{who}", $"payments of the {who} with this card in 30 days");
        yield return new($"{who}_age_hours", $"new_{who}", $"hours since the {who}'s first payment");
        yield return new($"{who}_idle_hours", $"{who}_velocity", $"hours since the {who}'s last payment");
        yield return new($"{who}_declines_1d", $"{who}_declines", $"declined payments of the {who} in a day");
        yield return new($"{who}_decline_share_30d", $"{who}_declines", $"share of declined payments among the {who}'s answers of 30 days");
        yield return new($"{who}_frauds_28d", $"{who}_fraud_history", $"frauds of the {who} that became known in 28 days");
        yield return new($"{who}_fraud_share", $"{who}_fraud_history", $"share of frauds among all of the {who}'s outcomes");
        yield return new($"{who}_last_fraud_hours", $"{who}_fraud_history", $"hours since the {who}'s last fraud became known");
    }
}
