using System.Diagnostics;
using System.Diagnostics.Metrics;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Payments.Platform.Kafka;

namespace Payments.Platform.Outbox;

/// <summary>Produces rows of the log to the topic and tells which arrived. Repeating what may have arrived is harmless.</summary>
internal sealed class EventProducer(KafkaClients clients, string publisher, string topic, ILogger logger) : IDisposable
{
    private static readonly Meter Meter = new(EventTelemetry.Name);
    private static readonly Counter<long> Sent = Meter.CreateCounter<long>("messaging.client.sent.messages", "{message}", "Messages that the broker acknowledged.");
    private IProducer<string, byte[]>? producer;
    private int? partitions;

    /// <summary>Produces the rows and waits for the broker's word on each.</summary>
    /// <returns>Per partition the last number before the first that did not arrive; only partitions of which one arrived.</returns>
    /// <exception cref="KafkaException">Nothing can be produced now.</exception>
    public async Task<IReadOnlyDictionary<int, long>> ProduceAsync(Guid epoch, IReadOnlyList<OutboxRow> rows, CancellationToken cancellationToken)
    {
        producer ??= clients.Producer();
        partitions ??= await clients.PartitionsAsync(producer, topic) ?? throw new KafkaException(ErrorCode.Local_UnknownTopic);
        var arrived = new bool[rows.Count];
        var failure = (Error?)null;
        var left = rows.Count;
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        for (var i = 0; i < rows.Count; i++)
        {
            var (row, place) = (rows[i], i);
            var span = StartSpan(row);
            var message = CloudEvent.Write(publisher, epoch, row, span?.Id ?? row.TraceParent);
            Produce(new TopicPartition(topic, row.Partition % partitions.Value), message, report =>
            {
                arrived[place] = report.Status == PersistenceStatus.Persisted;
                if (!arrived[place])
                {
                    failure = report.Error;
                    span?.SetStatus(ActivityStatusCode.Error, report.Error.Reason);
                }

                span?.Dispose();
                if (Interlocked.Decrement(ref left) == 0)
                {
                    all.TrySetResult();
                }
            });
        }

        await all.Task.WaitAsync(cancellationToken);
        if (failure is not null)
        {
            Replace(failure);
        }

        return Marks(rows, arrived);
    }

    public void Dispose() => Discard();

    /// <summary>Hands a message over, waiting while the producer's queue is full; what cannot be handed over is reported as failed.</summary>
    private void Produce(TopicPartition to, Message<string, byte[]> message, Action<DeliveryReport<string, byte[]>> done)
    {
        try
        {
            producer!.Produce(to, message, done);
        }
        catch (ProduceException<string, byte[]> e)
        {
            done(new DeliveryReport<string, byte[]> { Status = PersistenceStatus.NotPersisted, Error = e.Error, Message = message });
        }
    }

    /// <summary>After a failure a new producer starts, with what the broker now tells of the topic: a broken one may be broken for good.</summary>
    private void Replace(Error failure)
    {
        OutboxLog.ProducerReplaced(logger, failure.Reason);
        Discard();
    }

    private void Discard()
    {
        producer?.Dispose();
        (producer, partitions) = (null, null);
    }

    private static Activity? StartSpan(OutboxRow row)
    {
        if (!EventTelemetry.IsRecorded(row.TraceParent, out var parent))
        {
            return null;
        }

        var outer = Activity.Current;
        var span = EventTelemetry.Source.StartActivity("send " + Names.Topics.PaymentEvents, ActivityKind.Producer, parent);
        Activity.Current = outer;
        span?.SetTag("messaging.system", "kafka").SetTag("messaging.operation.name", "send").SetTag("messaging.operation.type", "send")
            .SetTag("messaging.destination.name", Names.Topics.PaymentEvents).SetTag("messaging.message.id", row.Id);
        return span;
    }

    private static Dictionary<int, long> Marks(IReadOnlyList<OutboxRow> rows, bool[] arrived)
    {
        var marks = new Dictionary<int, long>();
        var broken = new HashSet<int>();
        for (var i = 0; i < rows.Count; i++)
        {
            if (!arrived[i])
            {
                broken.Add(rows[i].Partition);
            }
            else if (!broken.Contains(rows[i].Partition))
            {
                marks[rows[i].Partition] = rows[i].Sequence;
            }
        }

        Sent.Add(arrived.Count(a => a), new KeyValuePair<string, object?>("messaging.system", "kafka"),
            new KeyValuePair<string, object?>("messaging.destination.name", Names.Topics.PaymentEvents));
        return marks;
    }
}
