using System.Text.Json;
using Payments.Core;
using Payments.Core.Events;
using Payments.Platform.Outbox;

namespace Payments.Platform.Inbox;

/// <summary>Turns what was carried into what handlers take; also for controls that read the log again.</summary>
public static class EventReading
{
    /// <summary>
    /// What was read last, whoever read it: the consumers of one process read the same bytes within moments of each other, and what they are given
    /// cannot be changed. Beyond this number, or by chance, an event is read again.
    /// </summary>
    private static readonly Known?[] Recent = new Known?[4_096];

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
        var read = new PaymentEvent(new(row.Id), row.Type, new(row.Subject), new(row.MerchantId), mode, row.Version, row.OccurredAt, Data(row));
        return new ReceivedEvent(read, row.Partition, row.Sequence, row.TraceParent);
    }

    private static PaymentEventData Data(OutboxRow row)
    {
        ref var known = ref Recent[(uint)row.Id.GetHashCode() % (uint)Recent.Length];
        if (known is { } same && same.Bytes.AsSpan().SequenceEqual(row.Data))
        {
            return same.Data;
        }

        try
        {
            var data = JsonSerializer.Deserialize<PaymentEventData>(row.Data, Json.Options) ?? throw new InvalidEventException("The data is null.", null);
            known = new(row.Data, data);
            return data;
        }
        catch (JsonException e)
        {
            throw new InvalidEventException($"The data cannot be read at {e.Path}.", e);
        }
    }

    private sealed record Known(byte[] Bytes, PaymentEventData Data);
}

/// <summary>An event that no handler can be given.</summary>
public sealed class InvalidEventException(string message, Exception? inner) : Exception(message, inner);
