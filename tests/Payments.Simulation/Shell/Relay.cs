using Payments.Platform.Outbox;
using Payments.Simulation.Engine;
using Payments.Simulation.World;

namespace Payments.Simulation.Shell;

/// <summary>What the relay has durably noted as produced; behind what it produced, so that a crash produces again.</summary>
internal sealed class ProducedMarks
{
    public long[] Durable { get; } = new long[LogicalPartition.Count];

    /// <summary>What the living relay remembers; a crash forgets it.</summary>
    public long[] Known { get; private set; } = new long[LogicalPartition.Count];

    public void Forget() => Known = (long[])Durable.Clone();
}

/// <summary>Outbox/OutboxRelay: produces what lies behind its marks, then moves them, then now and then writes them down.</summary>
internal sealed class Relay(Database database, Broker broker, ProducedMarks marks, Scheduler scheduler)
{
    private const int WritesDownEvery = 3;
    private int rounds;

    public bool HasWork
    {
        get
        {
            for (var p = 0; p < LogicalPartition.Count; p++)
            {
                if (database.Head(p) > marks.Known[p])
                {
                    return true;
                }
            }

            return false;
        }
    }

    public async Task ProduceAsync()
    {
        await scheduler.Step();
        foreach (var row in database.Log.Where(r => r.Sequence > marks.Known[r.Partition]).ToList())
        {
            await scheduler.Step();
            broker.Produce(row);
            marks.Known[row.Partition] = Math.Max(marks.Known[row.Partition], row.Sequence);
        }

        if (++rounds % WritesDownEvery == 0)
        {
            await scheduler.Step();
            marks.Known.CopyTo(marks.Durable, 0);
        }
    }
}
