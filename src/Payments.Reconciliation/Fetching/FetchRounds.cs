using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Payments.Platform;

namespace Payments.Reconciliation.Fetching;

/// <summary>Every minute: what providers have is asked for, what is due is fetched, what lies in the directory is taken.</summary>
public sealed class FetchRounds(
    Fetcher fetcher, FetchList list, StatementDirectory statements, FetchSignal signal, IOptions<ReconciliationOptions> options, TimeProvider time, ILogger<FetchRounds> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var untraced = Untraced.Begin();
        var asking = Rounds.RunAsync(TimeSpan.FromSeconds(options.Value.FetchSeconds), time, RoundAsync, e => Log.FetchRoundFailed(logger, e), stoppingToken);
        await Task.WhenAll(asking, OnSignalAsync(stoppingToken));
    }

    public async Task RoundAsync(CancellationToken cancellationToken)
    {
        await fetcher.AskAsync(cancellationToken);
        await fetcher.FetchDueAsync(cancellationToken);
        await statements.TakeAsync(cancellationToken);
        var (waiting, failing, _) = await list.CountAsync(FetchHealth.TriesBeforeWorry, cancellationToken);
        ReconciliationTelemetry.Waiting(waiting, failing);
    }

    // What was just announced is not kept waiting for the round; what a signal misses the round finds.
    private async Task OnSignalAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await signal.WaitAsync(stoppingToken);
                await fetcher.FetchDueAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is not Core.InvariantException)
            {
                Log.FetchRoundFailed(logger, e);
            }
        }
    }
}

/// <summary>Wakes the fetching of this process.</summary>
public sealed class FetchSignal : IDisposable
{
    private readonly SemaphoreSlim announced = new(0, 1);

    public void Announced()
    {
        try
        {
            announced.Release();
        }
        catch (SemaphoreFullException)
        {
            // Somebody is about to look already.
        }
    }

    internal Task WaitAsync(CancellationToken cancellationToken) => announced.WaitAsync(cancellationToken);

    public void Dispose() => announced.Dispose();
}

/// <summary>Degraded while a report does not come or was refused: comparing goes on with what is here.</summary>
public sealed class FetchHealth(FetchList list) : IHealthCheck
{
    public const int TriesBeforeWorry = 3;

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var (_, failing, worst) = await list.CountAsync(TriesBeforeWorry, cancellationToken);
        return failing == 0 ? HealthCheckResult.Healthy("Every report that was announced is here or on its way.") : HealthCheckResult.Degraded($"{failing} reports do not come, the oldest is {worst}.");
    }
}
