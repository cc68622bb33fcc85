using Npgsql;
using Payments.Api.Flow;

namespace Payments.Api.Recovery;

/// <summary>Counts what waits for a person, for the metrics that alerts are built on.</summary>
public sealed class RecoveryGauges(Incidents incidents, Breaks breaks, TimeProvider time, ILogger<RecoveryGauges> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            try
            {
                await incidents.CountAsync(stoppingToken);
                await breaks.CountAsync(stoppingToken);
            }
            catch (NpgsqlException e)
            {
                Log.CountingFailed(logger, e);
            }
        }
        while (await Ticks.NextAsync(timer, stoppingToken));
    }
}
