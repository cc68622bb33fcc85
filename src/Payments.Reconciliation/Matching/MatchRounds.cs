using Microsoft.Extensions.Options;
using Npgsql;
using Payments.Platform;
using Payments.Platform.Postgres;
using Payments.Reconciliation.Bookings;
using Payments.Reconciliation.Breaks;

namespace Payments.Reconciliation.Matching;

/// <summary>Every five minutes: partitions of months to come are made, what may differ is compared, open breaks are counted.</summary>
public sealed class MatchRounds(
    NpgsqlDataSource database, Matcher matcher, BreakStore breaks, UnnotedPayouts unnoted, IOptions<ReconciliationOptions> options, TimeProvider time, ILogger<MatchRounds> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var untraced = Untraced.Begin();
        await Rounds.RunAsync(TimeSpan.FromSeconds(options.Value.MatchSeconds), time, RoundAsync, e => Log.RoundFailed(logger, e), stoppingToken);
    }

    public async Task RoundAsync(CancellationToken cancellationToken)
    {
        var today = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        await using (var command = database.CreateCommand("SELECT recon.make_partitions($1, $2)"))
        {
            command.With(today, today.AddMonths(options.Value.PartitionMonthsAhead));
            if (await command.ExecuteScalarAsync(cancellationToken) is int made and > 0)
            {
                Log.PartitionsMade(logger, made);
            }
        }

        await matcher.MatchDueAsync(cancellationToken);
        ReconciliationTelemetry.Open(await breaks.CountOpenAsync(cancellationToken));
        ReconciliationTelemetry.Unnoted(await unnoted.CountAsync(cancellationToken));
    }
}
