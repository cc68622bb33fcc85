using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;

namespace Payments.Simulators.Wire;

/// <summary>What can be changed while running.</summary>
public sealed record SettingValues(double LatencyMedianMilliseconds, double LatencySigma, int OutcomeDelayMilliseconds, string? StripeWebhookUrl, string? AdyenWebhookUrl, int? HoldMilliseconds = null, int? OfferMilliseconds = null, int? DebitMilliseconds = null)
{
    /// <summary>How long banks take with a debit, and with returning one that had succeeded.</summary>
    [JsonIgnore]
    public int DebitDelay => DebitMilliseconds ?? OutcomeDelayMilliseconds;

    /// <summary>Until when a hold of now may be captured: the vendor's days, unless set otherwise.</summary>
    public DateTimeOffset HoldUntil(DateTimeOffset now, int vendorDays) => HoldMilliseconds is { } milliseconds ? now.AddMilliseconds(milliseconds) : now.AddDays(vendorDays);

    /// <summary>Until when a shopper may finish a challenge at Adyen: 12 hours, unless set otherwise.</summary>
    public DateTimeOffset OfferUntil(DateTimeOffset now) => OfferMilliseconds is { } milliseconds ? now.AddMilliseconds(milliseconds) : now.AddHours(12);
}

/// <summary>The settings in force; they start as configured and are not kept over a restart.</summary>
public sealed class Settings
{
    private readonly HashSet<string> stripeEvents;
    private volatile SettingValues current;

    public Settings(IOptions<SimulatorsOptions> options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var configured = options.Value;
        stripeEvents = [.. configured.Stripe.WebhookEvents];
        current = new(configured.LatencyMedianMilliseconds, configured.LatencySigma, configured.OutcomeDelayMilliseconds, Url(configured.Stripe.WebhookUrl), Url(configured.Adyen.WebhookUrl), OfferMilliseconds: configured.OfferMilliseconds, DebitMilliseconds: configured.DebitMilliseconds);
    }

    public SettingValues Current
    {
        get => current;
        set => current = value with { StripeWebhookUrl = Url(value.StripeWebhookUrl), AdyenWebhookUrl = Url(value.AdyenWebhookUrl) };
    }

    public string? AdyenWebhookUrl => current.AdyenWebhookUrl;

    /// <summary>Where an event of Stripe is sent to; null where the endpoint is not set up for its type, or there is none.</summary>
    public string? StripeWebhookUrl(string type) => stripeEvents.Count == 0 || stripeEvents.Contains(type) ? current.StripeWebhookUrl : null;

    private static string? Url(string? configured) => string.IsNullOrWhiteSpace(configured) ? null : configured;
}
