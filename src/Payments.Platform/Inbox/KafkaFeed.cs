using System.Threading.Channels;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Payments.Platform.Kafka;

namespace Payments.Platform.Inbox;

/// <summary>
/// Messages of the topic as they come, read by a thread of its own. Whatever it loses, repeats or cannot get is noticed by the
/// numbers, so it never fails: it reports trouble and goes on.
/// </summary>
internal sealed class KafkaFeed : IAsyncDisposable
{
    private static readonly TimeSpan ClosingTime = TimeSpan.FromSeconds(5);
    private readonly KafkaClients clients;
    private readonly string topic;
    private readonly string group;
    private readonly ILogger logger;
    private readonly Channel<ConsumeResult<string, byte[]>> arrived = Channel.CreateBounded<ConsumeResult<string, byte[]>>(
        new BoundedChannelOptions(5_000) { SingleReader = true, SingleWriter = true });

    private readonly CancellationTokenSource stopping = new();
    private readonly Task pumping;
    private volatile IConsumer<string, byte[]>? consumer;

    public KafkaFeed(KafkaClients clients, string topic, string group, ILogger logger)
    {
        (this.clients, this.topic, this.group, this.logger) = (clients, topic, group, logger);
        pumping = Task.Factory.StartNew(Pump, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>What has arrived, at most <paramref name="limit"/>; waits for the first until the time is over.</summary>
    public async Task<IReadOnlyList<ConsumeResult<string, byte[]>>> ReadAsync(int limit, TimeSpan atMost, CancellationToken cancellationToken)
    {
        var messages = new List<ConsumeResult<string, byte[]>>();
        if (!arrived.Reader.TryPeek(out _) && atMost > TimeSpan.Zero)
        {
            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            waiting.CancelAfter(atMost);
            try
            {
                await arrived.Reader.WaitToReadAsync(waiting.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return messages;
            }
        }

        while (messages.Count < limit && arrived.Reader.TryRead(out var message))
        {
            messages.Add(message);
        }

        return messages;
    }

    /// <summary>Marks messages as done, so that the group's lag tells the truth and a restart begins near its work.</summary>
    public void Done(IReadOnlyList<ConsumeResult<string, byte[]>> messages)
    {
        try
        {
            foreach (var last in messages.GroupBy(m => m.Partition).Select(g => g.Last()))
            {
                consumer?.StoreOffset(last);
            }
        }
        catch (Exception e) when (e is KafkaException or ObjectDisposedException)
        {
            // The partition went to another replica meanwhile, or the client is being replaced: offsets only save work.
            InboxLog.OffsetNotStored(logger, group, e.Message);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await pumping;
        stopping.Dispose();
    }

    private void Pump()
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                using var current = clients.Consumer(group);
                consumer = current;
                current.Subscribe(topic);
                PumpFrom(current);
                consumer = null;
                Close(current);
            }
            catch (KafkaException e)
            {
                consumer = null;
                InboxLog.KafkaTrouble(logger, group, e.Error.Reason);
                stopping.Token.WaitHandle.WaitOne(TimeSpan.FromSeconds(1));
            }
        }
    }

    private void PumpFrom(IConsumer<string, byte[]> current)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                if (current.Consume(TimeSpan.FromMilliseconds(100)) is { Message: not null } message && !arrived.Writer.TryWrite(message))
                {
                    arrived.Writer.WriteAsync(message, stopping.Token).AsTask().GetAwaiter().GetResult();
                }
            }
            catch (ConsumeException e) when (!e.Error.IsFatal)
            {
                InboxLog.KafkaTrouble(logger, group, e.Error.Reason);
                stopping.Token.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(200));
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>Leaves the group, so that others take over at once; a broker that is away must not hold the service up.</summary>
    private static void Close(IConsumer<string, byte[]> current) => Task.Run(current.Close).Wait(ClosingTime);
}
