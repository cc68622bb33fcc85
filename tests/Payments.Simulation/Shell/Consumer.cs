using Payments.Core.Events;
using Payments.Platform.Inbox;
using Payments.Platform.Outbox;
using Payments.Simulation.Engine;
using Payments.Simulation.World;

namespace Payments.Simulation.Shell;

/// <summary>A consumer's own database: its position and what its handler made of the events, changed together or not at all.</summary>
internal sealed class ConsumerStore
{
    public long[] Sequences { get; } = new long[LogicalPartition.Count];

    public string? HaltedBecause { get; set; }

    /// <summary>Where the broker's group stands; only saves work.</summary>
    public int Offset { get; set; }

    /// <summary>Every event whose effects were committed, in that order.</summary>
    public List<LogRow> Applied { get; } = [];
}

/// <summary>
/// Inbox/EventConsumer and EventApplier over the simulated broker and log: the rule of the sequence is the product's
/// (<see cref="LogSequence"/>), the transaction is one list and one array moved together.
/// </summary>
internal sealed class Consumer(ConsumerStore store, Database database, Broker broker, Scheduler scheduler, Rules rules, Action<LogRow> handle)
{
    private const int MaxBatch = 8;
    private static readonly Guid Epoch = new("018f0000-0000-7000-8000-000000000001");
    private readonly LogSequence sequence = new();
    private ConsumerPosition? position;
    private int offset = store.Offset;

    public bool HasMessages => broker.End > offset;

    /// <summary>The broker gives again what it gave before.</summary>
    public void Rewind(int by) => offset = Math.Max(0, offset - by);

    /// <summary>EventConsumer.StepAsync, without the poll of the heads.</summary>
    public async Task StepAsync()
    {
        position ??= Load();
        var end = Math.Min(broker.End, offset + MaxBatch);
        var messages = broker.ReadFrom(offset, end - offset);
        if (messages.Count > 0)
        {
            sequence.Heard();
        }

        if (position.HaltedBecause is null)
        {
            var last = (long[])position.Sequences.Clone();
            await ApplyAsync([.. messages.Where(m => sequence.Take(m.Partition, m.Sequence, last) == Succession.Next)]);
            await RefillAsync();
        }

        // The group's offset is stored after the effects; a crash before that means redelivery.
        await scheduler.Step();
        (offset, store.Offset) = (end, end);
    }

    /// <summary>EventConsumer.PollHeadsAsync</summary>
    public async Task PollHeadsAsync()
    {
        await scheduler.Step();
        position = Load();
        var heads = new OutboxHeads(Epoch, database.Heads());
        if (LogSequence.AnotherLog(position, heads) is { } because)
        {
            Halt(because);
            return;
        }

        sequence.Polled(heads);
        await RefillAsync();
    }

    private async Task RefillAsync()
    {
        if (sequence.Missing(position!).Count == 0)
        {
            return;
        }

        position = Load();
        foreach (var partition in sequence.Missing(position))
        {
            while (position.HaltedBecause is null && position.Sequences[partition] < sequence.LastWanted(partition))
            {
                await RefillPageAsync(partition);
            }
        }
    }

    private async Task RefillPageAsync(int partition)
    {
        await scheduler.Step();
        var rows = database.Log.Where(r => r.Partition == partition && r.Sequence > position!.Sequences[partition]).Take(MaxBatch).ToList();
        if (LogSequence.Broken(position!, partition, new OutboxPage(Epoch, [.. rows.Select(Carried)])) is { } because)
        {
            Halt(because);
            return;
        }

        await ApplyAsync(rows);
    }

    /// <summary>EventApplier.ApplyAsync: the position moves on the condition that it stands where the run begins.</summary>
    private async Task ApplyAsync(List<LogRow> run)
    {
        if (run.Count == 0)
        {
            return;
        }

        await scheduler.Step();
        foreach (var partition in run.GroupBy(r => r.Partition))
        {
            if (store.Sequences[partition.Key] != partition.First().Sequence - 1)
            {
                position = Load();
                return;
            }
        }

        if (!rules.PositionMovesWithEffects)
        {
            run.ForEach(r => store.Sequences[r.Partition] = r.Sequence);
            await scheduler.Step();
        }

        foreach (var row in run)
        {
            handle(row);
            store.Applied.Add(row);
            store.Sequences[row.Partition] = row.Sequence;
        }

        await scheduler.Step();
        run.ForEach(r => position!.Sequences[r.Partition] = r.Sequence);
    }

    private ConsumerPosition Load() => new(Epoch, (long[])store.Sequences.Clone(), store.HaltedBecause);

    private void Halt(string because)
    {
        store.HaltedBecause = because;
        position = Load();
    }

    /// <summary>The row as the wire has it; nobody here reads its bytes.</summary>
    private static OutboxRow Carried(LogRow row)
    {
        PaymentEvent happened = row.Event;
        return new OutboxRow(row.Partition, row.Sequence, happened.Id.Value, happened.Type, happened.PaymentId.Value, happened.MerchantId.Value, "test", happened.Version, happened.OccurredAt, [], null);
    }
}
