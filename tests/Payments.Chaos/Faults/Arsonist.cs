using System.Collections.Concurrent;
using System.Globalization;
using Payments.Chaos.Judging;
using Payments.Chaos.Processes;

namespace Payments.Chaos.Faults;

/// <summary>Carries a plan of faults out on a fleet, and puts everything back afterwards.</summary>
internal sealed class Arsonist(Fleet fleet, Supervisor supervisor, ProviderFaults providers, EvidenceReader reader, Action<string> tell) : IDisposable
{
    private readonly ConcurrentDictionary<string, int> counts = new();
    private readonly ConcurrentQueue<SilenceRow> silences = new();
    private readonly SemaphoreSlim database = new(1);
    private readonly SemaphoreSlim redis = new(1);

    /// <summary>Faults that were really made, by kind.</summary>
    public IReadOnlyDictionary<string, int> Counts => counts;

    public IReadOnlyList<SilenceRow> Silences => [.. silences];

    public void Dispose()
    {
        database.Dispose();
        redis.Dispose();
    }

    /// <summary>Returns when the time is over, everything that was begun has been put back, and the providers behave.</summary>
    public async Task RunAsync(IReadOnlyList<PlannedFault> plan, TimeSpan duration, int seed, CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        var under = new List<Task> { providers.RunAsync(duration, seed, cancellationToken) };
        foreach (var fault in plan)
        {
            var wait = fault.At - TimeProvider.System.GetElapsedTime(began);
            if (wait > TimeSpan.Zero)
            {
                await Task.Delay(wait, cancellationToken);
            }

            under.Add(StrikeAsync(fault, cancellationToken));
        }

        var rest = duration - TimeProvider.System.GetElapsedTime(began);
        if (rest > TimeSpan.Zero)
        {
            await Task.Delay(rest, cancellationToken);
        }

        await Task.WhenAll(under);
        await providers.ClearAsync(cancellationToken);
    }

    private async Task StrikeAsync(PlannedFault fault, CancellationToken cancellationToken)
    {
        tell($"{fault.Kind} {fault.Target}".TrimEnd());
        switch (fault.Kind)
        {
            case FaultKinds.Kill:
                Kill(fault);
                break;
            case FaultKinds.DatabaseCrash:
                await AloneAsync(database, () => CrashDatabaseAsync(fault, cancellationToken), cancellationToken);
                break;
            case FaultKinds.DiskFull:
                await AloneAsync(database, () => FillDiskAsync(fault, cancellationToken), cancellationToken);
                break;
            case FaultKinds.RedisStop or FaultKinds.RedisPause or FaultKinds.RedisFlush:
                await AloneAsync(redis, () => StrikeRedisAsync(fault, cancellationToken), cancellationToken);
                break;
            case FaultKinds.BrokerWipe:
                Count(await fleet.Broker.WipeAsync(cancellationToken), fault);
                break;
            case FaultKinds.ClockStep:
                await StepClockAsync(fault, cancellationToken);
                break;
            case FaultKinds.Silence:
                await SilenceAsync(fault, cancellationToken);
                break;
            default:
                throw new InvalidOperationException($"Nobody knows how to make a {fault.Kind}.");
        }
    }

    private void Kill(PlannedFault fault)
    {
        // Of the others one runs: a kill that finds its target dead already goes to the next.
        var candidates = fleet.Services.Where(s => s.Service != Platform.Names.Services.Simulators).Append<FleetProcess>(fleet.Broker).ToList();
        var victim = candidates.Find(c => c.Name == fault.Target && c.IsRunning) ?? candidates.Find(c => c.IsRunning);
        victim?.Kill();
        Count(victim is not null, fault);
    }

    private async Task CrashDatabaseAsync(PlannedFault fault, CancellationToken cancellationToken)
    {
        using var mine = supervisor.ExceptPostgres();
        await (fault.Draw < 0.5 ? fleet.Postgres.StopImmediatelyAsync() : fleet.Postgres.KillAsync());
        await Task.Delay(fault.Lasts, CancellationToken.None);
        await fleet.Postgres.StartAsync(CancellationToken.None);
        Count(true, fault);
    }

    /// <summary>A disk that is full while nobody wants more of it is no fault: it stays so until the database was refused a write, for a bounded time.</summary>
    private async Task FillDiskAsync(PlannedFault fault, CancellationToken cancellationToken)
    {
        var refusals = new DiskRefusals(fleet.PostgresLog);
        var struck = false;
        try
        {
            fleet.Disk!.Fill();
            await Task.Delay(fault.Lasts, cancellationToken);
            struck = await UntilAsync(() => Task.FromResult(refusals.HaveGrown()), TimeSpan.FromSeconds(20), cancellationToken);
        }
        finally
        {
            fleet.Disk!.Free();
        }

        if (!struck)
        {
            tell("the disk was full and the database did not notice: not counted");
        }

        Count(struck, fault);
    }

    private async Task StrikeRedisAsync(PlannedFault fault, CancellationToken cancellationToken)
    {
        switch (fault.Kind)
        {
            case FaultKinds.RedisFlush:
                await fleet.Redis.FlushAsync(cancellationToken);
                break;
            case FaultKinds.RedisPause:
                fleet.Redis.Pause();
                await Task.Delay(fault.Lasts, CancellationToken.None);
                fleet.Redis.Resume();
                break;
            default:
                await (fault.Draw < 0.5 ? fleet.Redis.StopAsync() : fleet.Redis.KillAsync());
                await Task.Delay(fault.Lasts, CancellationToken.None);
                await fleet.Redis.StartAsync(CancellationToken.None);
                break;
        }

        Count(true, fault);
    }

    /// <summary>Counts once the process itself has told the wrong time.</summary>
    private async Task StepClockAsync(PlannedFault fault, CancellationToken cancellationToken)
    {
        var service = fleet.Services.First(s => s.Name == fault.Target);
        var seconds = 20 + (Math.Abs(fault.Draw - 0.5) * 2 * 460);
        var step = TimeSpan.FromSeconds(fault.Draw < 0.5 ? -seconds : seconds);
        var began = TimeProvider.System.GetTimestamp();
        var misled = false;
        service.SetClock(step);
        try
        {
            misled = await UntilAsync(() => service.IsAheadByAsync(step, cancellationToken), fault.Lasts, cancellationToken);
            var rest = fault.Lasts - TimeProvider.System.GetElapsedTime(began);
            await Task.Delay(rest > TimeSpan.Zero ? rest : TimeSpan.Zero, cancellationToken);
        }
        finally
        {
            service.SetClock(TimeSpan.Zero);
        }

        if (!misled)
        {
            tell($"{service.Name} never told a time that is {step.TotalSeconds:0} s off: not counted");
        }

        Count(misled, fault);
    }

    private async Task SilenceAsync(PlannedFault fault, CancellationToken cancellationToken)
    {
        var from = TimeProvider.System.GetUtcNow();
        await providers.SilenceAsync(fault.Target, fault.Lasts, cancellationToken);
        var to = TimeProvider.System.GetUtcNow();
        Count(true, fault);
        DateTimeOffset? settled = null;
        var returned = TimeProvider.System.GetTimestamp();
        while (settled is null && TimeProvider.System.GetElapsedTime(returned) < TimeSpan.FromMinutes(6))
        {
            await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
            try
            {
                settled = await reader.UnsettledAsync(fault.Target, from, to, cancellationToken) == 0 ? TimeProvider.System.GetUtcNow() : null;
            }
            catch (Npgsql.NpgsqlException)
            {
                // The database burns: looked at again in a second.
            }
        }

        silences.Enqueue(new SilenceRow(fault.Target, from, to, settled));
        tell(settled is { } at
            ? string.Create(CultureInfo.InvariantCulture, $"all that {fault.Target} had left unanswered is settled {(at - to).TotalSeconds:0} s after its return")
            : $"{fault.Target} left something unanswered that is not settled");
    }

    private static async Task<bool> UntilAsync(Func<Task<bool>> isSo, TimeSpan limit, CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!await isSo())
        {
            if (TimeProvider.System.GetElapsedTime(began) > limit)
            {
                return false;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(300), cancellationToken);
        }

        return true;
    }

    private void Count(bool made, PlannedFault fault)
    {
        if (made)
        {
            counts.AddOrUpdate(fault.Kind, 1, (_, n) => n + 1);
        }
    }

    private static async Task AloneAsync(SemaphoreSlim gate, Func<Task> strike, CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken);
        try
        {
            await strike();
        }
        finally
        {
            gate.Release();
        }
    }
}
