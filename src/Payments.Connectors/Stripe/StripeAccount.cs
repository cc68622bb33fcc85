using Microsoft.Extensions.Configuration;
using Payments.Connectors.Wire;
using Payments.Core;

namespace Payments.Connectors.Stripe;

/// <summary>Credentials of one mode: section <c>Payments:Stripe:{Test|Live}</c>.</summary>
public sealed record StripeAccount(Uri BaseUrl, string ApiKey, string WebhookSecret)
{
    /// <summary>Where files go: a host of its own at Stripe (<c>FilesUrl</c>), else the same.</summary>
    public Uri FilesUrl { get; init; } = BaseUrl.Host == "api.stripe.com" ? new Uri("https://files.stripe.com/") : BaseUrl;

    public static StripeAccount? From(IConfiguration configuration, Mode mode)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var section = configuration.GetSection($"Payments:Stripe:{mode}");
        return section["ApiKey"] is { Length: > 0 } key
            ? new StripeAccount(section.BaseUrl("https://api.stripe.com"), key, section.Required("WebhookSecret")).WithFiles(section["FilesUrl"])
            : null;
    }

    private StripeAccount WithFiles(string? url) => url is { Length: > 0 } ? this with { FilesUrl = new Uri(url.TrimEnd('/') + "/") } : this;

    /// <summary>Never prints keys.</summary>
    public override string ToString() => "StripeAccount";
}
