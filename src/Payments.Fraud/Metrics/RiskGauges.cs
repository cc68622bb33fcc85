using System.Collections.Immutable;
using Npgsql;
using Payments.Core;
using Payments.Platform;
using Payments.Platform.Http;

namespace Payments.Fraud.Metrics;

/// <summary>Computes the risk metrics of the last 30 days for telemetry, each mode once in a few minutes.</summary>
internal sealed class RiskGauges(NpgsqlDataSource database, TimeProvider time, ILogger<RiskGauges> logger) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Period = TimeSpan.FromDays(30);

    public async Task ReadAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var told = ImmutableArray.CreateBuilder<RiskMeasurement>();
        foreach (var mode in Enum.GetValues<Mode>())
        {
            var period = new RiskPeriod(mode, null, now - Period, now);
            var report = RiskReport.Of(period, await RiskFigures.ReadAsync(database, period, cancellationToken));
            told.AddRange(report.Metrics.Where(m => m.Value is not null).Select(m => new RiskMeasurement(m.Name, ModeNames.Of(mode), m.Unit, m.Value!.Value)));
        }

        FraudTelemetry.Risk = told.ToImmutable();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Rounds.RunAsync(Every, time, ReadAsync, e => Log.RiskMetricsNotRead(logger, e.GetType().Name), stoppingToken);
}

internal sealed record RiskMeasurement(string Metric, string Mode, string Unit, double Value);
