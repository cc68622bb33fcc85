using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Payments.Platform;
using Payments.Reconciliation.Breaks;
using Payments.Reconciliation.Imports;

namespace Payments.Reconciliation.Bookings;

/// <summary>Every minute: what the ledger has to book is sent to it, and what it knows of payouts and rates is taken over.</summary>
public sealed class BookingRounds(Booker booker, BookingList list, ExpectedPayouts payouts, LedgerRates rates, BreakCorrections corrections, ReportedCharges charges, IOptions<ReconciliationOptions> options, TimeProvider time, ILogger<BookingRounds> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var untraced = Untraced.Begin();
        await Rounds.RunAsync(TimeSpan.FromSeconds(options.Value.BookSeconds), time, RoundAsync, e => Log.BookingRoundFailed(logger, e), stoppingToken);
    }

    public async Task RoundAsync(CancellationToken cancellationToken)
    {
        await corrections.AskForRulesAsync(cancellationToken);
        await booker.BookDueAsync(null, cancellationToken);
        var waiting = await list.CountAsync(BookingHealth.TriesBeforeWorry, cancellationToken);
        ReconciliationTelemetry.WaitingToBeBooked(waiting.Waiting, waiting.Failing);
        await payouts.TakeAsync(cancellationToken);
        await rates.TakeAsync(cancellationToken);
        await charges.TellAsync(cancellationToken);
    }
}

/// <summary>Degraded while the ledger does not book what it is asked for: comparing goes on.</summary>
public sealed class BookingHealth(BookingList list) : IHealthCheck
{
    public const int TriesBeforeWorry = 3;

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var waiting = await list.CountAsync(TriesBeforeWorry, cancellationToken);
        return waiting.Failing == 0 ? HealthCheckResult.Healthy("What the ledger has to book is booked or on its way.") : HealthCheckResult.Degraded($"{waiting.Failing} bookings are not taken by the ledger, the oldest is {waiting.Worst}.");
    }
}
