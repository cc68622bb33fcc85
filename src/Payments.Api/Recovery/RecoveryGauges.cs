using Payments.Platform;

namespace Payments.Api.Recovery;

/// <summary>Counts what waits for a person, for the metrics that alerts are built on.</summary>
public sealed class RecoveryGauges(Incidents incidents, Breaks breaks, TimeProvider time, ILogger<RecoveryGauges> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Rounds.RunAsync(
        Interval, time,
        async cancellationToken =>
        {
            await incidents.CountAsync(cancellationToken);
            await breaks.CountAsync(cancellationToken);
        },
        e => Log.CountingFailed(logger, e), stoppingToken);
}
