using System.Diagnostics;

namespace Payments.Platform.Outbox;

/// <summary>The activity source and the meter of what carries events, on either side.</summary>
public static class EventTelemetry
{
    public const string Name = Names.TelemetryPrefix + "Events";

    internal static ActivitySource Source { get; } = new(Name);

    /// <summary>The trace that an event belongs to, if somebody listens and that trace is recorded: others would have spans that nobody sees.</summary>
    internal static bool IsRecorded(string? traceParent, out ActivityContext parent)
    {
        parent = default;
        return Source.HasListeners()
            && ActivityContext.TryParse(traceParent, null, isRemote: true, out parent)
            && parent.TraceFlags.HasFlag(ActivityTraceFlags.Recorded);
    }
}
