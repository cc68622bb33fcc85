using Microsoft.Extensions.Options;
using Npgsql;
using Payments.Api.Privacy;
using Payments.Core;
using Payments.Platform;

namespace Payments.Api.Flow;

/// <summary>Runs the resolver whenever attempts are due, for each provider by itself.</summary>
public sealed class ResolverWorker(Resolver resolver, TimeProvider time, IOptions<FlowOptions> options, ILogger<ResolverWorker> logger) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(Enum.GetValues<Provider>().Select(provider => RunAsync(provider, stoppingToken)));

    private Task RunAsync(Provider provider, CancellationToken stoppingToken) => Rounds.RunAsync(
        TimeSpan.FromMilliseconds(options.Value.ResolverIntervalMilliseconds), time,
        async cancellationToken =>
        {
            while (await resolver.SettleDueAsync(provider, cancellationToken) > 0)
            {
                // More may be due.
            }
        },
        e => Log.WorkerFailed(logger, e, nameof(ResolverWorker)), stoppingToken);
}

/// <summary>Makes partitions ahead, watches the DEFAULT ones, and removes what is over: commit marks, old idempotency keys.</summary>
public sealed class FlowMaintenance(NpgsqlDataSource database, Erasures erasures, TimeProvider time, ILogger<FlowMaintenance> logger) : BackgroundService
{
    private const int MonthsAhead = 3;
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Rounds.RunAsync(Interval, time, RunAsync, e => Log.WorkerFailed(logger, e, nameof(FlowMaintenance)), stoppingToken);

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
        while (await erasures.ForgetOldAsync(cancellationToken) > 0)
        {
            // More may be left.
        }

        await DeleteAsync("DELETE FROM commits WHERE id IN (SELECT id FROM commits WHERE at < now() - interval '1 hour' LIMIT 10000)", cancellationToken);
        await DeleteAsync("""
            DELETE FROM payment_requests WHERE (merchant_id, mode, key_class, key) IN (
                SELECT merchant_id, mode, key_class, key FROM payment_requests
                WHERE started_at < now() - interval '24 hours' AND finished_at < now() - interval '24 hours' LIMIT 10000)
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
