using Microsoft.Extensions.Diagnostics.HealthChecks;
using Payments.Core;
using Payments.Ledger.Controls;
using Payments.Ledger.Settlement;
using Payments.Platform;

namespace Payments.Ledger.Exchanges;

/// <summary>Revalues the open position of each mode once a day, as soon as there are rates for it.</summary>
public sealed class RevaluationRounds(Revaluations revaluations, LedgerMetrics metrics, TimeProvider time, LedgerOptions options, ILogger<RevaluationRounds> logger) : BackgroundService
{
    /// <summary>What could not be valued, by mode: since when, and for want of which rates.</summary>
    public IReadOnlyDictionary<Mode, (DateTimeOffset Since, string Currencies)> Waiting { get; private set; } = new Dictionary<Mode, (DateTimeOffset, string)>();

    public RoundPulse Pulse { get; } = metrics.Watch(new RoundPulse("revaluation", time));

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Rounds.RunAsync(TimeSpan.FromSeconds(options.SettlementSeconds), time, RoundAsync, e => Log.RevaluationPostponed(logger, e), stoppingToken);

    public Task RoundAsync(CancellationToken cancellationToken) => Pulse.RunAsync(RevalueAsync, cancellationToken);

    private async Task RevalueAsync(CancellationToken cancellationToken)
    {
        var (waiting, failures) = (new Dictionary<Mode, (DateTimeOffset, string)>(), new List<Exception>());
        foreach (var mode in Enum.GetValues<Mode>())
        {
            RevaluationOutcome outcome;
            try
            {
                outcome = await revaluations.OfTodayAsync(mode, cancellationToken);
            }
            catch (Exception e) when (OneOfMany.Concerns(e) && !cancellationToken.IsCancellationRequested)
            {
                failures.Add(e);
                continue;
            }

            if (outcome.Missing.Count > 0)
            {
                waiting[mode] = (Waiting.TryGetValue(mode, out var before) ? before.Since : time.GetUtcNow(), string.Join(", ", outcome.Missing));
            }

            if (outcome.Done is { } done)
            {
                Log.Revalued(logger, done.Mode, done.Amount, done.Currency);
            }
        }

        Waiting = waiting;
        metrics.RevaluationsWaiting(waiting.Count);
        if (failures.Count > 0)
        {
            throw new AggregateException("Open exchanges of some modes could not be valued.", failures);
        }
    }
}

/// <summary>Rounds that fail or do not come, and positions that wait for a rate longer than <see cref="LedgerOptions.SettlementLateMinutes"/>; never unhealthy, for the books stand.</summary>
public sealed class RevaluationHealth(RevaluationRounds rounds, TimeProvider time, LedgerOptions options) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var (now, most) = (time.GetUtcNow(), TimeSpan.FromMinutes(options.SettlementLateMinutes));
        if (rounds.Pulse.Complaint(most + TimeSpan.FromSeconds(options.SettlementSeconds)) is { } complaint)
        {
            return Task.FromResult(HealthCheckResult.Degraded(complaint));
        }

        var late = rounds.Waiting.Where(w => now - w.Value.Since >= most).Select(w => $"{Words.Of(w.Key)} since {w.Value.Since:O}: no rate of {w.Value.Currencies} in {options.BookCurrency}").ToList();
        return Task.FromResult(late.Count == 0
            ? HealthCheckResult.Healthy("Open exchanges are valued.")
            : HealthCheckResult.Degraded($"Open exchanges are not valued ({string.Join("; ", late)})."));
    }
}
