using System.Diagnostics;

namespace Payments.Platform.Outbox;

/// <summary>The activity source and the meter of what carries events, on either side.</summary>
public static class EventTelemetry
{
    public const string Name = Names.TelemetryPrefix + "Events";

    internal static ActivitySource Source { get; } = new(Name);
}
