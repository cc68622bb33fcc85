using Microsoft.Extensions.Options;
using Npgsql;
using Payments.Core;

namespace Payments.Api.Flow;

/// <summary>Runs the resolver whenever attempts are due, for each provider by itself.</summary>
public sealed class ResolverWorker(Resolver resolver, TimeProvider time, IOptions<FlowOptions> options, ILogger<ResolverWorker> logger) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(Enum.GetValues<Provider>().Select(provider => RunAsync(provider, stoppingToken)));

    private async Task RunAsync(Provider provider, CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(options.Value.ResolverIntervalMilliseconds), time);
        while (await Ticks.NextAsync(timer, stoppingToken))
        {
            try
            {
                while (await resolver.SettleDueAsync(provider, stoppingToken) > 0)
                {
                    // More may be due.
                }
            }
            catch (Exception e) when (e is not InvariantException and not OperationCanceledException)
            {
                Log.WorkerFailed(logger, e, nameof(ResolverWorker));
            }
        }
    }
}

/// <summary>Makes partitions ahead, watches the DEFAULT ones, and removes what is over: commit marks, old idempotency keys.</summary>
public sealed class FlowMaintenance(NpgsqlDataSource database, TimeProvider time, ILogger<FlowMaintenance> logger) : BackgroundService
{
    private const int MonthsAhead = 3;
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            try
            {
                await RunAsync(stoppingToken);
            }
            catch (Exception e) when (e is NpgsqlException)
            {
                Log.WorkerFailed(logger, e, nameof(FlowMaintenance));
            }
        }
        while (await Ticks.NextAsync(timer, stoppingToken));
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // Rows in a DEFAULT partition make a missing month impossible to add: alarmed before anything else can fail.
        var stray = await CountAsync("SELECT (SELECT count(*) FROM payments_default) + (SELECT count(*) FROM operations_default) + (SELECT count(*) FROM attempts_default)", cancellationToken);
        FlowTelemetry.StrayRows = stray;
        if (stray > 0)
        {
            Log.StrayRows(logger, stray);
        }

        await CountAsync($"SELECT make_payment_partitions({MonthsAhead})::bigint", cancellationToken);
        await DeleteAsync("DELETE FROM commits WHERE id IN (SELECT id FROM commits WHERE at < now() - interval '1 hour' LIMIT 10000)", cancellationToken);
        await DeleteAsync("""
            DELETE FROM payment_requests WHERE (merchant_id, mode, key_class, key) IN (
                SELECT merchant_id, mode, key_class, key FROM payment_requests WHERE finished_at < now() - interval '24 hours' LIMIT 10000)
              AND finished_at < now() - interval '24 hours'
            """, cancellationToken);
    }

    private async Task<long> CountAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>In bites, so that no delete holds many locks.</summary>
    private async Task DeleteAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(sql);
        while (await command.ExecuteNonQueryAsync(cancellationToken) > 0)
        {
            // More may be left.
        }
    }
}

internal static class Ticks
{
    /// <summary>False once the host stops, instead of an exception.</summary>
    public static async Task<bool> NextAsync(PeriodicTimer timer, CancellationToken stopping)
    {
        try
        {
            return await timer.WaitForNextTickAsync(stopping);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
