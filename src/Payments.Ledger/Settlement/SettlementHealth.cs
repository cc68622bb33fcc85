using Microsoft.Extensions.Diagnostics.HealthChecks;
using Payments.Core;

namespace Payments.Ledger.Settlement;

/// <summary>
/// Rounds that fail or do not come, merchants who could not be settled, and cut-offs that wait longer than
/// <see cref="LedgerOptions.SettlementLateMinutes"/>, as health detail; never unhealthy, for the books stand.
/// </summary>
public sealed class SettlementHealth(SettlementRounds rounds, TimeProvider time, LedgerOptions options) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var (now, most) = (time.GetUtcNow(), TimeSpan.FromMinutes(options.SettlementLateMinutes));
        if (rounds.Pulse.Complaint(most + TimeSpan.FromSeconds(options.SettlementSeconds)) is { } complaint)
        {
            return Task.FromResult(HealthCheckResult.Degraded(complaint));
        }

        var late = rounds.Waiting.Where(w => w.Verdict == CutoffVerdict.Failed || now - w.CutAt >= most).OrderBy(w => w.CutAt).ToList();
        return Task.FromResult(late.Count == 0
            ? HealthCheckResult.Healthy("No cut-off waits.")
            : HealthCheckResult.Degraded($"{late.Count} cut-offs wait, the oldest of {late[0].Merchant} since {late[0].CutAt:O}: {Words.Of(late[0].Verdict)}."));
    }
}
