using Payments.Platform;

namespace Payments.Ledger.Payouts;

/// <summary>Makes each day's payouts. A round that comes late or twice, or of two replicas, comes to the same.</summary>
public sealed class PayoutRounds(PayoutBooks books, TimeProvider time, LedgerOptions options, ILogger<PayoutRounds> logger) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Rounds.RunAsync(TimeSpan.FromSeconds(options.SettlementSeconds), time, RoundAsync, e => Log.PayoutsPostponed(logger, e), stoppingToken);

    public async Task RoundAsync(CancellationToken cancellationToken)
    {
        var dueOn = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        if (await books.CreateDueAsync(dueOn, cancellationToken) is var made and > 0)
        {
            Log.PayoutsMade(logger, made, dueOn);
        }
    }
}
