using Microsoft.Extensions.Configuration;
using Payments.Connectors.Wire;
using Payments.Core;

namespace Payments.Connectors.Stripe;

/// <summary>Credentials of one mode: section <c>Payments:Stripe:{Test|Live}</c>.</summary>
public sealed record StripeAccount(Uri BaseUrl, string ApiKey, string WebhookSecret)
{
    public static StripeAccount? From(IConfiguration configuration, Mode mode)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var section = configuration.GetSection($"Payments:Stripe:{mode}");
        return section["ApiKey"] is { Length: > 0 } key
            ? new StripeAccount(section.BaseUrl("https://api.stripe.com"), key, section.Required("WebhookSecret"))
            : null;
    }

    /// <summary>Never prints keys.</summary>
    public override string ToString() => "StripeAccount";
}
