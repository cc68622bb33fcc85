using Payments.Platform.Http;

namespace Payments.Api.Merchants;

/// <summary>What a merchant's settings may be, once for creating and changing.</summary>
internal static class MerchantRules
{
    public const int LongestName = 100;
    public const int LongestDescriptor = 22;
    public const int UsualCaptureWindowDays = 7;
    public const int LongestCaptureWindowDays = 31;

    public static Problem? Check(MerchantView merchant) =>
        Name(merchant.Name, "name")
        ?? Price(merchant.Plan.Credit, "plan.credit")
        ?? Price(merchant.Plan.Debit, "plan.debit")
        ?? Price(merchant.Plan.Ach, "plan.ach")
        ?? Limit(merchant.MonthlyLimits.Test, "monthly_limits.test")
        ?? Limit(merchant.MonthlyLimits.Live, "monthly_limits.live")
        ?? (merchant.Settlement.Currency is "USD" or "EUR" ? null : Problems.InvalidValue("settlement.currency", "Settlement is in USD or EUR."))
        ?? Descriptor(merchant.StatementDescriptor, "statement_descriptor")
        ?? (merchant.CaptureWindowDays is >= 1 and <= LongestCaptureWindowDays ? null : Problems.InvalidValue("capture_window_days", $"1 to {LongestCaptureWindowDays} days are possible."))
        ?? (merchant.RateLimit.RequestsPerSecond is null or (>= 1 and <= 100_000) ? null : Problems.InvalidValue("rate_limit.requests_per_second", "1 to 100000 requests per second are possible."));

    public static Problem? Name(string name, string param) =>
        string.IsNullOrWhiteSpace(name) || name.Length > LongestName || name.Any(char.IsControl)
            ? Problems.InvalidValue(param, $"A name has 1 to {LongestName} characters without control characters.")
            : null;

    private static Problem? Price(PlanPrice price, string param) =>
        price.RatePerMillion is < 0 or > 1_000_000 ? Problems.InvalidValue(param + ".rate_per_million", "A rate is 0 to 1000000 millionths.")
        : price.FixedUsCents is < 0 or > 100_000 ? Problems.InvalidValue(param + ".fixed_us_cents", "A fixed part is 0 to 100000 US cents.")
        : null;

    private static Problem? Price(PlanCappedPrice price, string param) =>
        price.RatePerMillion is < 0 or > 1_000_000 ? Problems.InvalidValue(param + ".rate_per_million", "A rate is 0 to 1000000 millionths.")
        : price.MostUsCents is < 0 or > 100_000 ? Problems.InvalidValue(param + ".most_us_cents", "The most is 0 to 100000 US cents.")
        : null;

    private static Problem? Limit(long? limit, string param) =>
        limit < 0 ? Problems.InvalidValue(param, "A limit is 0 or more; null takes it away.") : null;

    // What card schemes print: ASCII letters, digits and a few signs, at least one letter.
    private static Problem? Descriptor(string? text, string param) =>
        text is null || (text.Length is >= 1 and <= LongestDescriptor && text.All(c => char.IsAsciiLetterOrDigit(c) || " .,-+&/".Contains(c, StringComparison.Ordinal)) && text.Any(char.IsAsciiLetter))
            ? null
            : Problems.InvalidValue(param, $"1 to {LongestDescriptor} characters out of letters, digits and ' .,-+&/', with a letter among them.");
}
