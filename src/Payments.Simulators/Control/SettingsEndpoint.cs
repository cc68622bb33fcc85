using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Control;

/// <summary>What is absent stays as it is; an empty URL switches webhooks off.</summary>
internal sealed record SettingsChange(
    double? LatencyMedianMilliseconds = null,
    double? LatencySigma = null,
    int? OutcomeDelayMilliseconds = null,
    string? StripeWebhookUrl = null,
    string? AdyenWebhookUrl = null,
    int? HoldMilliseconds = null,
    int? OfferMilliseconds = null,
    int? DebitMilliseconds = null);

internal static class SettingsEndpoint
{
    public static JsonHttpResult<SettingValues> Read(Settings settings) => TypedResults.Json(settings.Current, ControlJson.Options);

    public static async Task<IResult> ChangeAsync(HttpContext http, Settings settings)
    {
        var (change, problem) = await ControlBody.ReadAsync<SettingsChange>(http);
        if (problem is not null)
        {
            return problem;
        }

        if (ProblemOf(change!) is { } refusal)
        {
            return ControlBody.Bad(refusal);
        }

        var before = settings.Current;
        settings.Current = new SettingValues(
            change!.LatencyMedianMilliseconds ?? before.LatencyMedianMilliseconds,
            change.LatencySigma ?? before.LatencySigma,
            change.OutcomeDelayMilliseconds ?? before.OutcomeDelayMilliseconds,
            change.StripeWebhookUrl ?? before.StripeWebhookUrl,
            change.AdyenWebhookUrl ?? before.AdyenWebhookUrl,
            change.HoldMilliseconds is 0 ? null : change.HoldMilliseconds ?? before.HoldMilliseconds,
            change.OfferMilliseconds is 0 ? null : change.OfferMilliseconds ?? before.OfferMilliseconds,
            change.DebitMilliseconds is 0 ? null : change.DebitMilliseconds ?? before.DebitMilliseconds);
        return TypedResults.Json(settings.Current, ControlJson.Options);
    }

    private static string? ProblemOf(SettingsChange change) => change switch
    {
        { LatencyMedianMilliseconds: < 0 or > 60_000 } => "latency_median_milliseconds must be between 0 and 60000.",
        { LatencySigma: < 0 or > 3 } => "latency_sigma must be between 0 and 3.",
        { OutcomeDelayMilliseconds: < 0 or > 3_600_000 } => "outcome_delay_milliseconds must be between 0 and 3600000.",
        { HoldMilliseconds: < 0 } => "hold_milliseconds must be 0 (the vendor's days) or more.",
        { OfferMilliseconds: < 0 } => "offer_milliseconds must be 0 (the vendor's 12 hours) or more.",
        { DebitMilliseconds: < 0 or > 864_000_000 } => "debit_milliseconds must be between 0 (as any other outcome) and 864000000.",
        _ => IsUrl(change.StripeWebhookUrl) && IsUrl(change.AdyenWebhookUrl) ? null : "webhook URLs must be absolute http or https URLs.",
    };

    private static bool IsUrl(string? url) => string.IsNullOrWhiteSpace(url) || (Uri.TryCreate(url, UriKind.Absolute, out var parsed) && parsed.Scheme is "http" or "https");
}
