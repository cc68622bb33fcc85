using Microsoft.Extensions.Options;
using Payments.Core;
using Payments.Platform.Secrets;
using Payments.Webhooks.Endpoints;

namespace Payments.Webhooks.Deliveries;

/// <summary>Deliveries to endpoints: one instance serves those that work, another, with slots of its own, those that fail.</summary>
public sealed class WebhookChannel(bool failing, DueDeliveries queue, HandOver handOver, WebhookSender sender, EndpointHealth health, SecretBox secrets, IOptions<WebhooksOptions> options) : IDeliveryChannel
{
    // One probe tells whether a failing endpoint has come back; more would only wait for the same time limit.
    private const int ConcurrencyPerFailingEndpoint = 1;

    public string Name => failing ? "webhook to failing endpoint" : "webhook";

    public int Slots => failing ? options.Value.FailingConcurrency : options.Value.Concurrency;

    public RetrySchedule Schedule => RetrySchedule.Webhooks;

    public HandOver? HandOver => failing ? null : handOver;

    public Task<IReadOnlyList<ClaimedDelivery>> ClaimAsync(int slots, IReadOnlyDictionary<Guid, int> busy, CancellationToken cancellationToken) =>
        queue.ClaimWebhooksAsync(
            slots, failing ? ConcurrencyPerFailingEndpoint : options.Value.ConcurrencyPerEndpoint, failing, busy, TimeSpan.FromSeconds(options.Value.LeaseSeconds), cancellationToken);

    public Task<AttemptResult> SendAsync(ClaimedDelivery delivery, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(delivery);
        var purpose = WebhookEndpoint.SecretPurpose(WebhookEndpointId.From(delivery.LaneId));
        var opened = delivery.Target!.SealedSecrets.Select(s => secrets.Open(s, purpose));
        return sender.SendAsync(delivery.Target.Url, delivery.EventId.ToString(), delivery.Body, opened, cancellationToken);
    }

    public Task AfterwardsAsync(ClaimedDelivery delivery, AttemptResult result, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(delivery);
        ArgumentNullException.ThrowIfNull(result);
        return result.Verdict switch
        {
            Verdict.Delivered => failing ? health.SucceededAsync(delivery.LaneId, cancellationToken) : Task.CompletedTask,
            Verdict.Gone => health.DisableAsync(delivery.LaneId, EndpointHealth.Gone, cancellationToken),
            Verdict.Failed or Verdict.Hopeless => health.FailedAsync(delivery.LaneId, TimeSpan.FromHours(options.Value.DisableAfterHours), cancellationToken),
            _ => throw new ArgumentOutOfRangeException(nameof(result)),
        };
    }
}
