using Microsoft.Extensions.Diagnostics.HealthChecks;
using Payments.Core;

namespace Payments.Ledger.Payouts;

/// <summary>Rounds that fail or do not come, and payouts that wait too long for people or for the bank, as health detail.</summary>
public sealed class PayoutHealth(PayoutRounds rounds, LedgerOptions options) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (rounds.Pulse.Complaint(TimeSpan.FromMinutes(options.SettlementLateMinutes) + TimeSpan.FromSeconds(options.SettlementSeconds)) is { } complaint)
        {
            return Task.FromResult(HealthCheckResult.Degraded(complaint));
        }

        var late = rounds.Waiting.Where(w => w.Late > 0).OrderBy(w => w.Since).ToList();
        return Task.FromResult(late.Count == 0
            ? HealthCheckResult.Healthy("No payout waits too long.")
            : HealthCheckResult.Degraded($"{late.Sum(w => w.Late)} payouts wait too long, the oldest is {late[0].Oldest}, {Words.Of(late[0].State)} since {late[0].Since:O}."));
    }
}
