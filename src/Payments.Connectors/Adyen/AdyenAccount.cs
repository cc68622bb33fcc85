using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Payments.Connectors.Wire;
using Payments.Core;

namespace Payments.Connectors.Adyen;

/// <summary>Credentials of one mode: section <c>Payments:Adyen:{Test|Live}</c>. The base URL may end with the API version or not.</summary>
public sealed partial record AdyenAccount(Uri BaseUrl, string ApiKey, string MerchantAccount, string HmacKey)
{
    private const string Version = "v71";
    private const string DisputesPath = "/ca/services/DisputeService/v30/";

    /// <summary>Where the Disputes API answers: a host of its own at Adyen (<c>DisputesUrl</c>), else that of the checkout.</summary>
    public Uri DisputesUrl { get; private init; } = new(BaseUrl, DisputesPath);

    public static AdyenAccount? From(IConfiguration configuration, Mode mode)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var section = configuration.GetSection($"Payments:Adyen:{mode}");
        if (section["ApiKey"] is not { Length: > 0 } key)
        {
            return null;
        }

        var hmac = section.Required("HmacKey");
        if (hmac.Length % 2 != 0 || !hmac.All(char.IsAsciiHexDigit))
        {
            throw new InvalidOperationException($"{section.Path}:HmacKey is not hexadecimal.");
        }

        // Live URLs carry a prefix of the account, so there is no default.
        var url = section.BaseUrl(mode == Mode.Test ? "https://checkout-test.adyen.com" : null);
        var isVendors = url.Host.EndsWith(".adyen.com", StringComparison.Ordinal) || url.Host.EndsWith(".adyenpayments.com", StringComparison.Ordinal);
        var disputes = section["DisputesUrl"] is { Length: > 0 } own ? new Uri(own.TrimEnd('/') + "/")
            : new Uri(isVendors ? new Uri(mode == Mode.Test ? "https://ca-test.adyen.com" : "https://ca-live.adyen.com") : url, DisputesPath);
        return new AdyenAccount(EndsWithVersion().IsMatch(url.AbsolutePath) ? url : new Uri(url, Version + "/"), key, section.Required("MerchantAccount"), hmac) { DisputesUrl = disputes };
    }

    /// <summary>Never prints keys.</summary>
    public override string ToString() => "AdyenAccount";

    [GeneratedRegex("/v[0-9]+/$", RegexOptions.CultureInvariant)]
    private static partial Regex EndsWithVersion();
}
