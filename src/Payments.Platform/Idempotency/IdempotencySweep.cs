using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Payments.Platform.Postgres;

namespace Payments.Platform.Idempotency;

public static class IdempotencyModule
{
    /// <summary>
    /// Adds <see cref="IdempotentRequests"/>. The service's database needs <see cref="Postgres.Plumbing.Idempotency"/> among its migrations.
    /// </summary>
    public static void AddIdempotency(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.TryAddSingleton<IdempotentRequests>();
        builder.Services.AddHostedService<IdempotencySweep>();
    }
}

/// <summary>Removes rows that nothing refers to any more, in small batches.</summary>
internal sealed partial class IdempotencySweep(NpgsqlDataSource database, TimeProvider time, ILogger<IdempotencySweep> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                while (await SweepAsync(stoppingToken) > 0)
                {
                }
            }
            catch (Exception e) when (Outage.OfDatabase(e))
            {
                Failed(logger, e);
            }
        }
    }

    private async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        const string sql = """
            DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM idempotency_keys
                WHERE completed_at < now() - $1 OR (status IS NULL AND lease_until < now() - $1)
                LIMIT 1000 FOR UPDATE SKIP LOCKED))
            """;
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = IdempotentRequests.Retention });
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    [LoggerMessage(1201, LogLevel.Warning, "Old idempotency keys could not be removed; they will be in a while.")]
    private static partial void Failed(ILogger logger, Exception exception);
}
