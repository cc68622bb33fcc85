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

    /// <summary>Files by format and what became of them.</summary>
    public static readonly Counter<long> Imports = Meter.CreateCounter<long>("payments.reconciliation.imports", "{file}", "Statements imported, by format and state.");

    public static readonly ObservableGauge<long> OpenBreaks =
        Meter.CreateObservableGauge("payments.reconciliation.breaks.open", () => Interlocked.Read(ref openBreaks), "{break}", "Breaks that are not resolved.");

    private static long openBreaks;

    public static void Open(long breaks) => Interlocked.Exchange(ref openBreaks, breaks);
}
