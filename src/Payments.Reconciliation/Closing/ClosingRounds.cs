using System.Collections.Concurrent;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Payments.Platform;

namespace Payments.Reconciliation.Closing;

/// <summary>With every comparison one closing is computed again, in turn: the newest of each book come round as surely as the oldest.</summary>
public sealed class ClosingRounds(DayClosings closings, IOptions<ReconciliationOptions> options, TimeProvider time, ILogger<ClosingRounds> logger) : BackgroundService
{
    private readonly ConcurrentDictionary<string, BrokenClosing> broken = new(StringComparer.Ordinal);
    private int next;

    /// <summary>Those that were not what was signed when they were last computed.</summary>
    public IReadOnlyCollection<BrokenClosing> Broken => [.. broken.Values];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var untraced = Untraced.Begin();
        await Rounds.RunAsync(TimeSpan.FromSeconds(options.Value.MatchSeconds), time, RoundAsync, e => Log.VerifyingFailed(logger, e), stoppingToken);
    }

    public async Task RoundAsync(CancellationToken cancellationToken)
    {
        var all = await closings.ListAsync(cancellationToken);
        if (all.Count == 0)
        {
            return;
        }

        next = (next + 1) % all.Count;
        var name = all[next].Days.ToString();
        if (await closings.RefuteAsync(all[next], DayClosings.Before(all, next), cancellationToken) is { } found)
        {
            broken[name] = found;
            Log.ClosingBroken(logger, found.Name, found.Problem);
        }
        else
        {
            broken.TryRemove(name, out _);
        }

        ReconciliationTelemetry.Broken(broken.Count);
    }
}

/// <summary>Degraded while a closed day is not what was signed: somebody changed it past the service.</summary>
public sealed class ClosingHealth(ClosingRounds rounds) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(rounds.Broken.FirstOrDefault() is { } first
            ? HealthCheckResult.Degraded($"{rounds.Broken.Count} closings are not what was signed, such as {first.Name}: {first.Problem}")
            : HealthCheckResult.Healthy("Closed days are what was signed, as far as they were computed again."));
}
