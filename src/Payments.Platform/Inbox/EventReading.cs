using System.Text.Json;
using Payments.Core;
using Payments.Core.Events;
using Payments.Platform.Outbox;

namespace Payments.Platform.Inbox;

/// <summary>Turns what was carried into what handlers take; also for controls that read the log again.</summary>
public static class EventReading
{
    /// <exception cref="InvalidEventException">The data is not that of a payment event.</exception>
    public static ReceivedEvent Read(OutboxRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        var mode = row.Mode switch
        {
            "test" => Mode.Test,
            "live" => Mode.Live,
            _ => throw new InvalidEventException("The mode is neither test nor live.", null),
        };
        PaymentEventData data;
        try
        {
            data = JsonSerializer.Deserialize<PaymentEventData>(row.Data, Json.Options) ?? throw new InvalidEventException("The data is null.", null);
        }
        catch (JsonException e)
        {
            throw new InvalidEventException($"The data cannot be read at {e.Path}.", e);
        }

        var read = new PaymentEvent(new(row.Id), row.Type, new(row.Subject), new(row.MerchantId), mode, row.Version, row.OccurredAt, data);
        return new ReceivedEvent(read, row.Partition, row.Sequence, row.TraceParent);
    }
}

/// <summary>An event that no handler can be given.</summary>
public sealed class InvalidEventException(string message, Exception? inner) : Exception(message, inner);
