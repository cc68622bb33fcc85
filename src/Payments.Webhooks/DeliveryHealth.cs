using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Npgsql;
using Payments.Platform.Postgres;
using Payments.Webhooks.Receipts;

namespace Payments.Webhooks;

/// <summary>How long the oldest due delivery waits. A backlog is a reason to look, not to take the service out of rotation.</summary>
internal sealed class DeliveryHealth(NpgsqlDataSource database, IOptions<SmtpOptions> smtp) : IHealthCheck
{
    private static readonly TimeSpan Worrying = TimeSpan.FromMinutes(5);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        // Only endpoints that work: what waits for a dead one is the schedule's business.
        const string sql = """
            SELECT extract(epoch FROM now() - min(d.next_attempt_at))::bigint
            FROM (SELECT id FROM webhook_endpoints WHERE status = 'enabled' AND deleted_at IS NULL AND failing_since IS NULL
                  UNION ALL SELECT '00000000-0000-0000-0000-000000000000'::uuid WHERE $1) lanes
            CROSS JOIN LATERAL (
                SELECT next_attempt_at FROM deliveries
                WHERE lane_id = lanes.id AND status = 'pending' AND next_attempt_at <= now() ORDER BY next_attempt_at LIMIT 1) d
            """;
        try
        {
            await using var command = database.CreateCommand(sql);
            command.With(smtp.Value.IsConfigured);
            var seconds = await command.ExecuteScalarAsync(cancellationToken) is long age ? age : 0;
            var detail = $"Oldest due delivery: {seconds} s.{(smtp.Value.IsConfigured ? "" : " No mail server is configured: receipts wait.")}";
            return seconds > Worrying.TotalSeconds ? HealthCheckResult.Degraded(detail) : HealthCheckResult.Healthy(detail);
        }
        catch (Exception e) when (Outage.OfDatabase(e))
        {
            return HealthCheckResult.Unhealthy("The delivery queue does not answer.", e);
        }
    }
}
