using Confluent.Kafka;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Payments.Platform.Kafka;
using Payments.Platform.Outbox;

namespace Payments.Platform.Inbox;

/// <summary>
/// Applies a publisher's log to one handler, each event exactly once and in the order of its partition. Kafka brings the events
/// quickly; the numbers tell what it lost, and the publisher's log has everything. So the broker may be wiped, replaced or
/// absent at any time.
/// </summary>
internal sealed class EventConsumer(
    ConsumerRegistration registration,
    Checkpoints checkpoints,
    EventApplier applier,
    IOutboxSource source,
    KafkaClients kafka,
    EventConsumerOptions options,
    ConsumerState state,
    ConsumerTelemetry telemetry,
    TimeProvider time,
    ILogger<EventConsumer> logger) : BackgroundService
{
    private readonly Random jitter = new();
    private readonly HashSet<Guid> foreignEpochs = [];
    private readonly LogSequence sequence = new();
    private long nextPoll;
    private long nextBatch;
    private ConsumerPosition? position;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var untraced = Untraced.Begin();
        await using var feed = new KafkaFeed(kafka, registration.Topic, registration.Group, logger);
        var failures = 0;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await StepAsync(feed, stoppingToken);
                failures = 0;
                state.Trouble = null;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // Whatever it was, it is told and the step is repeated from the checkpoints: a consumer never just ends.
            catch (Exception e)
#pragma warning restore CA1031
            {
                position = null;
                state.Trouble = Failure.Describe(e);
                var delay = Backoff(failures++);
                InboxLog.WillRetry(logger, registration.Name, delay, e);
                await Task.Delay(delay, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Takes what has arrived, applies what follows on, refills what is missing, and asks for the heads when it is time.</summary>
    private async Task StepAsync(KafkaFeed feed, CancellationToken cancellationToken)
    {
        position ??= await checkpoints.LoadAsync(cancellationToken) ?? await RegisterAsync(cancellationToken);
        await GatherAsync(cancellationToken);
        var messages = await feed.ReadAsync(options.MaxBatch, sequence.Missing(position).Count > 0 ? TimeSpan.Zero : UntilPoll(), cancellationToken);
        if (messages.Count > 0)
        {
            sequence.Heard();
            telemetry.Received(messages.Count);
            nextBatch = messages.Count < options.MaxBatch ? In(Math.Min(options.GatherMilliseconds, registration.Gather.TotalMilliseconds)) : 0;
        }

        if (position.HaltedBecause is null)
        {
            var run = await NextInOrderAsync(messages, cancellationToken);
            await ApplyAsync(run, cancellationToken);
            await RefillAsync(cancellationToken);
            feed.Done(messages);
        }

        if (UntilPoll() == TimeSpan.Zero)
        {
            await PollHeadsAsync(cancellationToken);
        }
    }

    private async Task GatherAsync(CancellationToken cancellationToken)
    {
        if (Until(nextBatch) is var wait && wait > TimeSpan.Zero)
        {
            await Task.Delay(wait, time, cancellationToken);
        }
    }

    private async Task<ConsumerPosition> RegisterAsync(CancellationToken cancellationToken)
    {
        var heads = await source.HeadsAsync(cancellationToken);
        var (epoch, sequences) = registration.StartAt switch
        {
            StartAt.FromNow => (heads.Epoch, heads.Sequences),
            StartAt.FromPosition at => (at.Epoch, at.Sequences),
            _ => (heads.Epoch, new long[LogicalPartition.Count]),
        };
        await checkpoints.RegisterAsync(epoch, sequences, cancellationToken);
        var registered = await checkpoints.LoadAsync(cancellationToken) ?? throw new InvalidOperationException("The registration is not there.");
        InboxLog.Began(logger, registration.Name, registered.Epoch, registered.Sequences.Sum());
        return registered;
    }

    /// <summary>Of the messages those that follow on from the checkpoints; old ones are dropped, skipped ones become wanted.</summary>
    private async Task<List<OutboxRow>> NextInOrderAsync(IReadOnlyList<ConsumeResult<string, byte[]>> messages, CancellationToken cancellationToken)
    {
        var run = new List<OutboxRow>(messages.Count);
        var last = (long[])position!.Sequences.Clone();
        foreach (var message in messages)
        {
            if (!CloudEvent.TryRead(registration.Publisher, message.Message, out var epoch, out var row))
            {
                telemetry.Foreign();
            }
            else if (epoch != position.Epoch)
            {
                telemetry.Foreign();
                if (await IsOfAnotherLogAsync(epoch, cancellationToken))
                {
                    return [];
                }
            }
            else
            {
                switch (sequence.Take(row.Partition, row.Sequence, last))
                {
                    case Succession.Old:
                        telemetry.Repeated();
                        break;
                    case Succession.Next:
                        run.Add(row);
                        break;
                    default:
                        break;
                }
            }
        }

        return run;
    }

    /// <summary>The publisher itself tells which log is the right one; leftovers of another in the broker mean nothing.</summary>
    private async Task<bool> IsOfAnotherLogAsync(Guid epoch, CancellationToken cancellationToken)
    {
        if (foreignEpochs.Contains(epoch))
        {
            return false;
        }

        InboxLog.ForeignEpoch(logger, registration.Name, epoch);
        var halted = await IsAnotherLogAsync(await source.HeadsAsync(cancellationToken), cancellationToken);
        foreignEpochs.Add(epoch);
        return halted;
    }

    private async Task ApplyAsync(IReadOnlyList<OutboxRow> run, CancellationToken cancellationToken)
    {
        if (run.Count == 0)
        {
            return;
        }

        if (!await applier.ApplyAsync(position!.Epoch, run, cancellationToken))
        {
            // Another replica was faster. What of this run it did not apply is still wanted.
            position = await checkpoints.LoadAsync(cancellationToken) ?? throw new InvalidOperationException("The registration has gone.");
            return;
        }

        foreach (var row in run)
        {
            position.Sequences[row.Partition] = row.Sequence;
        }
    }

    private async Task RefillAsync(CancellationToken cancellationToken)
    {
        if (sequence.Missing(position!).Count == 0)
        {
            return;
        }

        // Another replica may have come further than this one remembers.
        position = await checkpoints.LoadAsync(cancellationToken) ?? throw new InvalidOperationException("The registration has gone.");
        foreach (var partition in sequence.Missing(position))
        {
            InboxLog.Refills(logger, registration.Name, partition, position.Sequences[partition] + 1, sequence.LastWanted(partition));
            while (position.HaltedBecause is null && position.Sequences[partition] < sequence.LastWanted(partition))
            {
                await RefillPageAsync(partition, cancellationToken);
            }
        }
    }

    private async Task RefillPageAsync(int partition, CancellationToken cancellationToken)
    {
        var after = position!.Sequences[partition];
        var page = await source.ReadAsync(partition, after, options.MaxBatch, cancellationToken);
        if (page.Epoch != position.Epoch && !await IsAnotherLogAsync(await source.HeadsAsync(cancellationToken), cancellationToken) && page.Epoch != position.Epoch)
        {
            return; // The heads know of neither: between two readings the log went on. The next reading tells.
        }

        if (position.HaltedBecause is not null)
        {
            return;
        }

        if (LogSequence.Broken(position, partition, page) is { } because)
        {
            await HaltAsync(because, cancellationToken);
        }
        else
        {
            telemetry.Refilled(page.Rows.Count);
            await ApplyAsync(page.Rows, cancellationToken);
        }
    }

    /// <summary>Compares with the publisher's heads.</summary>
    private async Task PollHeadsAsync(CancellationToken cancellationToken)
    {
        nextPoll = In(options.HeadsPollMilliseconds * (0.9 + (0.2 * jitter.NextDouble())));
        position = await checkpoints.LoadAsync(cancellationToken) ?? throw new InvalidOperationException("The registration has gone.");
        state.HaltedBecause = position.HaltedBecause;
        var heads = await source.HeadsAsync(cancellationToken);
        state.Lag = heads.Sequences.Zip(position.Sequences, (head, applied) => Math.Max(0, head - applied)).Sum();
        if (position.HaltedBecause is not null || await IsAnotherLogAsync(heads, cancellationToken))
        {
            return;
        }

        sequence.Polled(heads);
        await source.ReportAsync(registration.Name, new ConsumerProgress(position.Epoch, position.Sequences), cancellationToken);
        await RefillAsync(cancellationToken);
    }

    private async Task<bool> IsAnotherLogAsync(OutboxHeads heads, CancellationToken cancellationToken)
    {
        if (LogSequence.GoesOn(position!, heads))
        {
            InboxLog.GoesOn(logger, registration.Name, position!.Epoch, heads.Epoch);
            await checkpoints.GoOnAsync(position.Epoch, heads.Epoch, cancellationToken);
            position = await checkpoints.LoadAsync(cancellationToken) ?? throw new InvalidOperationException("The registration has gone.");
            return false;
        }

        if (LogSequence.AnotherLog(position!, heads) is not { } because)
        {
            return false;
        }

        await HaltAsync(because, cancellationToken);
        return true;
    }

    private async Task HaltAsync(string because, CancellationToken cancellationToken)
    {
        position = position! with { HaltedBecause = because };
        state.HaltedBecause = because;
        InboxLog.Halted(logger, registration.Name, because);
        await checkpoints.HaltAsync(because, cancellationToken);
    }

    private TimeSpan UntilPoll() => Until(nextPoll);

    private long In(double milliseconds) => time.GetTimestamp() + (long)(time.TimestampFrequency * milliseconds / 1000);

    /// <returns>Zero where the moment is past, or was never set.</returns>
    private TimeSpan Until(long moment)
    {
        var ticks = moment - time.GetTimestamp();
        return moment == 0 || ticks <= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds((double)ticks / time.TimestampFrequency);
    }

    private TimeSpan Backoff(int failures) =>
        TimeSpan.FromMilliseconds(Math.Min(options.MaxRetryDelayMilliseconds, options.RetryDelayMilliseconds * Math.Pow(2, Math.Min(failures, 20))));
}
