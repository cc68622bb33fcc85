using Npgsql;
using Payments.Core.Events;

namespace Payments.Platform.Inbox;

/// <summary>What a consumer does with events. One instance serves the whole process.</summary>
#pragma warning disable CA1711 // It handles events; .NET's delegates of that name are not in sight.
public interface IEventHandler
#pragma warning restore CA1711
{
    /// <summary>
    /// Applies the events within the transaction that also advances the consumer's checkpoints: both become true together, so
    /// each event takes effect exactly once. Nothing outside this transaction may be changed here.
    /// </summary>
    /// <remarks>
    /// Events of one payment come in their order, also across batches; a batch mixes payments. An exception that is not a passing
    /// failure of the database makes the consumer find the event that causes it; that payment is parked, the others go on.
    /// </remarks>
    /// <param name="batch">At least one event.</param>
    Task ApplyAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyList<ReceivedEvent> batch, CancellationToken cancellationToken);
}

/// <summary>An event and its place in the publisher's log.</summary>
/// <param name="Partition">The logical partition, which a payment never leaves.</param>
/// <param name="Sequence">Gapless within the partition, from 1.</param>
/// <param name="TraceParent">The trace of the request that caused it (W3C), if it was traced.</param>
public sealed record ReceivedEvent(PaymentEvent Event, int Partition, long Sequence, string? TraceParent);
