using Payments.Core;

namespace Payments.Webhooks.Deliveries;

/// <summary>A delivery that this process may attempt until its lease ends.</summary>
/// <param name="LaneId">The endpoint, or <see cref="Lanes.Receipts"/>.</param>
/// <param name="Lease">Fences the outcome: a claim that someone else took over meanwhile settles nothing.</param>
/// <param name="Attempt">1 for the first of the delivery's life; numbers the delivery log.</param>
/// <param name="AttemptOfRun">1 for the first of the current run of the schedule.</param>
/// <param name="TraceParent">The trace that the event belongs to.</param>
/// <param name="Target">Where it goes; absent for receipts, whose address is in the event.</param>
public sealed record ClaimedDelivery(
    EventId EventId,
    Guid LaneId,
    Guid Lease,
    int Attempt,
    int AttemptOfRun,
    string EventType,
    byte[] Body,
    string? TraceParent,
    DeliveryTarget? Target);

/// <param name="SealedSecrets">Current one first; more than one while a rotation is under way.</param>
public sealed record DeliveryTarget(Uri Url, IReadOnlyList<string> SealedSecrets);

public static class Lanes
{
    /// <summary>The lane of receipts, which are sent by SMTP and to no endpoint.</summary>
    public static readonly Guid Receipts = Guid.Empty;
}
