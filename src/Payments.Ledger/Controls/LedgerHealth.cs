using Microsoft.Extensions.Diagnostics.HealthChecks;
using Payments.Ledger.Chain;

namespace Payments.Ledger.Controls;

/// <summary>
/// Controls that fail or do not come, open findings and missing anchors as health detail. Degraded and never unhealthy: taking the ledger out of service would not make
/// the books any better.
/// </summary>
public sealed class LedgerHealth(Findings findings, Anchors anchors, LedgerControls controls, LedgerOptions options) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (controls.Pulse.Complaint(TimeSpan.FromMinutes(options.AuditMinutes)) is { } complaint)
        {
            return HealthCheckResult.Degraded(complaint);
        }

        var open = await findings.OpenAsync(1, cancellationToken);
        if (open.Count > 0)
        {
            return HealthCheckResult.Degraded($"{await findings.CountOpenAsync(cancellationToken)} findings are open, the oldest is {open[0].Kind} about {open[0].Subject}.");
        }

        return anchors.Configured
            ? HealthCheckResult.Healthy("No finding is open.")
            : HealthCheckResult.Healthy("No finding is open. Heads of the hash chain are not anchored: Payments:Ledger:AnchorFile is not set.");
    }
}
