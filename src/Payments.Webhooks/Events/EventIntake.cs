using Npgsql;
using Payments.Platform.Inbox;

namespace Payments.Webhooks.Events;

/// <summary>Takes payment events in: stored for merchants, with the deliveries that follow, in the transaction of the checkpoint.</summary>
public sealed class EventIntake(EventStore store) : IEventHandler
{
    public Task ApplyAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyList<ReceivedEvent> batch, CancellationToken cancellationToken) =>
        store.AddAsync(connection, transaction, [.. batch.Select(r => StoredEvent.Of(r.Event, r.TraceParent))], cancellationToken);
}
