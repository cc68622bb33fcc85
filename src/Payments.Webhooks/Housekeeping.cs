using Microsoft.Extensions.Options;
using Npgsql;
using Payments.Platform.Postgres;

namespace Payments.Webhooks;

/// <summary>Every hour: makes the partitions of months to come, drops those past retention, cancels what waits for endpoints that are off.</summary>
public sealed class Housekeeping(NpgsqlDataSource database, IOptions<WebhooksOptions> options, TimeProvider time, ILogger<Housekeeping> logger) : BackgroundService
{
    private const int MonthsAhead = 2;
    private static readonly TimeSpan Every = TimeSpan.FromHours(1);
    private static readonly TimeSpan AfterFailure = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var pause = Every;
            try
            {
                await RunAsync(stoppingToken);
            }
            catch (Exception e) when (Outage.OfDatabase(e))
            {
                Log.HousekeepingFailed(logger, e);
                pause = AfterFailure;
            }

            await Task.Delay(pause, time, stoppingToken);
        }
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var made = await CallAsync(connection, "SELECT make_partitions($1)", MonthsAhead, cancellationToken);
        var dropped = await CallAsync(connection, "SELECT drop_partitions(now() - $1)", TimeSpan.FromDays(options.Value.RetentionDays), cancellationToken);
        var canceled = await CancelOrphansAsync(connection, cancellationToken);
        if (made + dropped + canceled > 0)
        {
            Log.Housekept(logger, made, dropped, canceled);
        }

        await using var stray = new NpgsqlCommand("SELECT count(*) FROM events_default", connection);
        if (await stray.ExecuteScalarAsync(cancellationToken) is > 0L and long rows)
        {
            Log.EventsOutsideMonths(logger, rows);
        }
    }

    /// <summary>Partitions come and go under a short lock on the whole table: rather later than waiting in front of everyone.</summary>
    private static async Task<int> CallAsync(NpgsqlConnection connection, string sql, object parameter, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var patience = new NpgsqlCommand("SET LOCAL lock_timeout = '3s'", connection, transaction))
        {
            await patience.ExecuteNonQueryAsync(cancellationToken);
        }

        await using var command = new NpgsqlCommand(sql, connection, transaction).With(parameter);
        var done = (int)(await command.ExecuteScalarAsync(cancellationToken))!;
        await transaction.CommitAsync(cancellationToken);
        return done;
    }

    /// <summary>An event that was taken in while its endpoint was being switched off may have left a delivery that nobody claims.</summary>
    private static async Task<int> CancelOrphansAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        const string sql = """
            UPDATE deliveries d SET status = 'canceled', lease = NULL
            FROM webhook_endpoints w
            WHERE w.id = d.lane_id AND d.status = 'pending' AND (w.status = 'disabled' OR w.deleted_at IS NOT NULL)
            """;
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
