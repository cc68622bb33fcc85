using Payments.Ledger.Controls;
using Payments.Platform;

namespace Payments.Ledger.Payouts;

/// <summary>Makes each day's payouts, and counts those that wait. A round that comes late or twice, or of two replicas, comes to the same.</summary>
public sealed class PayoutRounds(PayoutBooks books, OpenPayouts open, LedgerMetrics metrics, TimeProvider time, LedgerOptions options, ILogger<PayoutRounds> logger) : BackgroundService
{
    /// <summary>What waited when the last round looked.</summary>
    public IReadOnlyList<WaitingPayouts> Waiting { get; private set; } = [];

    public RoundPulse Pulse { get; } = metrics.Watch(new RoundPulse("payouts", time));

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Rounds.RunAsync(TimeSpan.FromSeconds(options.SettlementSeconds), time, RoundAsync, e => Log.PayoutsPostponed(logger, e), stoppingToken);

    public Task RoundAsync(CancellationToken cancellationToken) => Pulse.RunAsync(CreateDueAsync, cancellationToken);

    private async Task CreateDueAsync(CancellationToken cancellationToken)
    {
        // First, for it is told also where no payout can be made.
        Waiting = await open.CountAsync(cancellationToken);
        metrics.PayoutsWaiting(Waiting);
        var dueOn = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        if (await books.CreateDueAsync(dueOn, cancellationToken) is var made and > 0)
        {
            Log.PayoutsMade(logger, made, dueOn);
        }
    }
}
