using System.Runtime.CompilerServices;

namespace Payments.Simulation.Engine;

/// <summary>
/// Runs the asynchronous code of all processes on one thread in virtual time. Every <c>await</c> of a step is a point where another
/// may go first or a process may die; which one goes first is a function of the schedule alone.
/// </summary>
/// <param name="schedule">0: first come, first served.</param>
internal sealed class Scheduler(int schedule, DateTimeOffset start)
{
    private readonly List<Continuation> ready = [];
    private readonly PriorityQueue<Continuation, (long At, long Order)> sleeping = new();
    private Process? current;
    private int currentLife;
    private long order;
    private uint choices = (uint)schedule;

    public DateTimeOffset Now { get; private set; } = start;

    /// <summary>What a process threw and nobody caught: always a violation.</summary>
    public List<Exception> Failures { get; } = [];

    public long Steps { get; private set; }

    /// <summary>When the first sleeper wakes.</summary>
    public DateTimeOffset? NextWaking
    {
        get
        {
            while (sleeping.TryPeek(out var first, out var when))
            {
                if (first.IsAlive)
                {
                    return new DateTimeOffset(when.At, TimeSpan.Zero);
                }

                sleeping.Dequeue();
            }

            return null;
        }
    }

    public void Start(Process process, Func<Task> work) => ready.Add(new Continuation(process, process.Life, () => _ = WatchedAsync(work)));

    /// <summary>Later, and only if the process has not died until then.</summary>
    public void StartAt(DateTimeOffset at, Process process, Func<Task> work) =>
        sleeping.Enqueue(new Continuation(process, process.Life, () => _ = WatchedAsync(work)), (at.UtcTicks, order++));

    /// <summary>A point where others may go first.</summary>
    public Turn Step() => new(this, null);

    public Turn Sleep(TimeSpan time) => new(this, time);

    /// <summary>Lets one of those that can go on do a step; false where nobody can.</summary>
    public bool RunOne()
    {
        if (ready.Count == 0)
        {
            return false;
        }

        var place = ready.Count == 1 || schedule == 0 ? 0 : (int)(Choice() % (uint)ready.Count);
        var next = ready[place];
        ready.RemoveAt(place);
        if (next.Process.DiesAfter is { } left)
        {
            next.Process.DiesAfter = left - 1;
            if (left <= 0)
            {
                Kill(next.Process);
                return true;
            }
        }

        Steps++;
        (current, currentLife) = (next.Process, next.Life);
        next.Resume();
        current = null;
        return true;
    }

    public void Kill(Process process)
    {
        process.Die();
        ready.RemoveAll(c => c.Process == process);
    }

    /// <summary>Moves time on and wakes whoever sleeps no longer than that.</summary>
    public void AdvanceTo(DateTimeOffset time)
    {
        Now = time > Now ? time : Now;
        while (NextWaking is { } at && at <= Now)
        {
            ready.Add(sleeping.Dequeue());
        }
    }

    private async Task WatchedAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
#pragma warning disable CA1031 // Whatever it was, it is reported as a violation.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Failures.Add(e);
        }
    }

    /// <summary>A xorshift generator: quick, and the same everywhere.</summary>
    private uint Choice()
    {
        choices = choices == 0 ? 0x9E3779B9 : choices;
        choices ^= choices << 13;
        choices ^= choices >> 17;
        choices ^= choices << 5;
        return choices;
    }

    private void Suspend(Action resume, TimeSpan? time)
    {
        var continuation = new Continuation(current!, currentLife, resume);
        if (time is { } pause && pause > TimeSpan.Zero)
        {
            sleeping.Enqueue(continuation, ((Now + pause).UtcTicks, order++));
        }
        else if (continuation.IsAlive)
        {
            ready.Add(continuation);
        }
    }

    private readonly record struct Continuation(Process Process, int Life, Action Resume)
    {
        public bool IsAlive => Process.Life == Life;
    }

    /// <summary>What is awaited at a step.</summary>
    internal readonly struct Turn(Scheduler scheduler, TimeSpan? time) : ICriticalNotifyCompletion
    {
        public bool IsCompleted => false;

        public Turn GetAwaiter() => this;

        public void GetResult()
        {
        }

        public void OnCompleted(Action continuation) => scheduler.Suspend(continuation, time);

        public void UnsafeOnCompleted(Action continuation) => scheduler.Suspend(continuation, time);
    }
}
