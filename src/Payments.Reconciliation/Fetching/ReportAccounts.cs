using Payments.Core;

namespace Payments.Reconciliation.Fetching;

/// <summary>
/// Where reports of one mode come from, and as whom they are fetched: <c>Payments:Reports:Adyen:{Test|Live}</c> with the report user,
/// who can do nothing but read reports, and <c>Payments:Reports:Stripe:{Test|Live}</c> with a restricted key. A provider without
/// credentials is not asked.
/// </summary>
public sealed record ReportAccounts(ReportAccounts.AdyenReports? Adyen, ReportAccounts.StripeReports? Stripe)
{
    /// <param name="BaseUrl">Every address that the credentials are sent to begins with this one.</param>
    public sealed record AdyenReports(Uri BaseUrl, string MerchantAccount, string User, string Password)
    {
        /// <summary>Never prints credentials.</summary>
        public override string ToString() => nameof(AdyenReports);
    }

    public sealed record StripeReports(Uri BaseUrl, string ApiKey)
    {
        /// <summary>Never prints credentials.</summary>
        public override string ToString() => nameof(StripeReports);
    }

    public static ReportAccounts From(IConfiguration configuration, Mode mode)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var (adyen, stripe) = (configuration.GetSection($"Payments:Reports:Adyen:{mode}"), configuration.GetSection($"Payments:Reports:Stripe:{mode}"));
        return new(
            adyen["Password"] is { Length: > 0 } password
                ? new(BaseUrl(adyen, mode == Mode.Live ? "https://ca-live.adyen.com" : "https://ca-test.adyen.com"), Required(adyen, "MerchantAccount"), Required(adyen, "User"), password)
                : null,
            stripe["ApiKey"] is { Length: > 0 } key ? new(BaseUrl(stripe, "https://api.stripe.com"), key) : null);
    }

    // Credentials go over TLS, unless everything runs on this machine.
    private static Uri BaseUrl(IConfigurationSection section, string usual)
    {
        var text = section["BaseUrl"] is { Length: > 0 } given ? given : usual;
        return Uri.TryCreate(text.TrimEnd('/') + "/", UriKind.Absolute, out var url) && (url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback)) && url.UserInfo.Length == 0
            ? url
            : throw new InvalidOperationException($"{section.Path}:BaseUrl is not an https URL.");
    }

    private static string Required(IConfigurationSection section, string name) =>
        section[name] is { Length: > 0 } value ? value : throw new InvalidOperationException($"'{section.Path}:{name}' must be set.");
}
