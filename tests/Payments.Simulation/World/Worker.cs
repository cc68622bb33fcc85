using Payments.Simulation.Engine;
using Payments.Simulation.Shell;

namespace Payments.Simulation.World;

/// <summary>A background worker: one round at a time, whenever there is something to do. That stands for its periodic tick.</summary>
internal sealed class Worker(Process process, Func<bool> hasWork, Func<Task> round)
{
    private int? busyLife;

    public void Begin(Scheduler scheduler)
    {
        if (busyLife == process.Life || !hasWork())
        {
            return;
        }

        busyLife = process.Life;
        scheduler.Start(process, async () =>
        {
            try
            {
                await round();
            }
            catch (DatabaseAwayException)
            {
                // The next round tries again.
            }
            finally
            {
                busyLife = null;
            }
        });
    }
}

/// <summary>A consumer's process with its database, which outlives it.</summary>
internal sealed class ConsumerHost
{
    private readonly Func<ConsumerStore, Consumer> make;
    private int life;

    public ConsumerHost(Process process, Func<ConsumerStore, Consumer> make)
    {
        (Process, this.make) = (process, make);
        Consumer = make(Store);
    }

    public Process Process { get; }

    public ConsumerStore Store { get; } = new();

    public Consumer Consumer { get; private set; }

    /// <summary>When it asks the publisher for its heads; only while something is missing, since nothing comes of it otherwise.</summary>
    public DateTimeOffset? PollAt { get; set; }

    public void Begin(int events, DateTimeOffset nextPoll)
    {
        if (life != Process.Life)
        {
            life = Process.Life;
            Consumer = make(Store);
        }

        if (PollAt is null && Store.Sequences.Sum() < events)
        {
            PollAt = nextPoll;
        }
    }
}
