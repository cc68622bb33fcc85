using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Payments.Ledger.Settlement;

/// <summary>Cut-offs that wait longer than <see cref="LedgerOptions.SettlementLateMinutes"/>, as health detail; never unhealthy, for the books stand.</summary>
public sealed class SettlementHealth(SettlementRounds rounds, TimeProvider time, LedgerOptions options) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var late = rounds.Waiting.Where(w => time.GetUtcNow() - w.CutAt >= TimeSpan.FromMinutes(options.SettlementLateMinutes)).OrderBy(w => w.CutAt).ToList();
        return Task.FromResult(late.Count == 0
            ? HealthCheckResult.Healthy("No cut-off waits.")
            : HealthCheckResult.Degraded($"{late.Count} cut-offs wait, the oldest of {late[0].Merchant} since {late[0].CutAt:O}: {Core.Words.Of(late[0].Verdict)}."));
    }
}
