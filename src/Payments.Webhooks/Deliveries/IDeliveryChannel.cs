namespace Payments.Webhooks.Deliveries;

/// <summary>One way out with slots of its own, so that no channel can take another's.</summary>
public interface IDeliveryChannel
{
    /// <summary>Names the channel in telemetry.</summary>
    string Name { get; }

    /// <summary>Attempts under way at once.</summary>
    int Slots { get; }

    RetrySchedule Schedule { get; }

    /// <summary>Where deliveries wait that this process took in for this channel; null where all come from the queue.</summary>
    HandOver? HandOver => null;

    /// <param name="busy">What is under way already, by lane.</param>
    Task<IReadOnlyList<ClaimedDelivery>> ClaimAsync(int slots, IReadOnlyDictionary<Guid, int> busy, CancellationToken cancellationToken);

    /// <summary>Attempts once. Throws only for our own failures and when stopped.</summary>
    Task<AttemptResult> SendAsync(ClaimedDelivery delivery, CancellationToken cancellationToken);

    /// <summary>What an outcome means for its lane, after the delivery was settled.</summary>
    Task AfterwardsAsync(ClaimedDelivery delivery, AttemptResult result, CancellationToken cancellationToken);
}
