using System.Diagnostics;
using System.Diagnostics.Metrics;
using Payments.Platform;

namespace Payments.Reconciliation;

/// <summary>Traces and measures of this service.</summary>
public static class ReconciliationTelemetry
{
    public const string Name = Names.TelemetryPrefix + "Reconciliation";

    public static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);
    private static IReadOnlyList<Bookings.UnnotedCount> unnoted = [];

    /// <summary>Files by format and what became of them.</summary>
    public static readonly Counter<long> Imports = Meter.CreateCounter<long>("payments.reconciliation.imports", "{file}", "Statements imported, by format and state.");

    public static readonly ObservableGauge<long> OpenBreaks =
        Meter.CreateObservableGauge("payments.reconciliation.breaks.open", () => Interlocked.Read(ref openBreaks), "{break}", "Breaks that are not resolved.");

    /// <summary>Reports by provider (or bank) and what became of them.</summary>
    private static readonly Counter<long> Fetches = Meter.CreateCounter<long>("payments.reconciliation.fetches", "{report}", "Reports fetched, by provider and outcome.");

    public static readonly ObservableGauge<long> WaitingReports =
        Meter.CreateObservableGauge("payments.reconciliation.fetches.waiting", () => Interlocked.Read(ref waitingReports), "{report}", "Reports that were announced and are not here yet.");

    public static readonly ObservableGauge<long> FailingReports =
        Meter.CreateObservableGauge("payments.reconciliation.fetches.failing", () => Interlocked.Read(ref failingReports), "{report}", "Reports that were tried in vain several times, or refused.");

    /// <summary>What the ledger was asked for, and what became of it.</summary>
    private static readonly Counter<long> Bookings = Meter.CreateCounter<long>("payments.reconciliation.bookings", "{booking}", "Bookings that the ledger was asked for, by kind and outcome.");

    public static readonly ObservableGauge<long> WaitingBookings =
        Meter.CreateObservableGauge("payments.reconciliation.bookings.waiting", () => Interlocked.Read(ref waitingBookings), "{booking}", "Bookings that the ledger does not have yet.");

    public static readonly ObservableGauge<long> FailingBookings =
        Meter.CreateObservableGauge("payments.reconciliation.bookings.failing", () => Interlocked.Read(ref failingBookings), "{booking}", "Bookings that the ledger was asked for in vain several times.");

    /// <summary>Payouts that were announced and are not noted: nothing of them is booked.</summary>
    public static readonly ObservableGauge<long> UnnotedPayouts = Meter.CreateObservableGauge(
        "payments.reconciliation.payouts.unnoted", () => Volatile.Read(ref unnoted).Select(u => new Measurement<long>(u.Count, new KeyValuePair<string, object?>("reason", u.Reason))), "{payout}",
        "Payouts that were announced and could not be noted, by reason.");

    public static readonly ObservableGauge<long> BrokenClosings =
        Meter.CreateObservableGauge("payments.reconciliation.closings.broken", () => Interlocked.Read(ref brokenClosings), "{closing}", "Closed days that are not what was signed.");

    private static long openBreaks;
    private static long brokenClosings;
    private static long waitingBookings;
    private static long failingBookings;
    private static long waitingReports;
    private static long failingReports;

    public static void Fetched(string provider, string outcome) =>
        Fetches.Add(1, new KeyValuePair<string, object?>("provider", provider), new KeyValuePair<string, object?>("outcome", outcome));

    public static void Waiting(long waiting, long failing)
    {
        Interlocked.Exchange(ref waitingReports, waiting);
        Interlocked.Exchange(ref failingReports, failing);
    }

    public static void Booked(Bookings.BookingKind what, string outcome) =>
        Bookings.Add(1, new KeyValuePair<string, object?>("what", Core.Words.Of(what)), new KeyValuePair<string, object?>("outcome", outcome));

    public static void WaitingToBeBooked(long waiting, long failing)
    {
        Interlocked.Exchange(ref waitingBookings, waiting);
        Interlocked.Exchange(ref failingBookings, failing);
    }

    public static void Open(long breaks) => Interlocked.Exchange(ref openBreaks, breaks);

    public static void Broken(long closings) => Interlocked.Exchange(ref brokenClosings, closings);

    public static void Unnoted(IReadOnlyList<Bookings.UnnotedCount> counts) => Volatile.Write(ref unnoted, counts);
}
