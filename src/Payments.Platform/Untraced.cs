using System.Diagnostics;

namespace Payments.Platform;

/// <summary>
/// Work that belongs to no request and repeats all the time (polls, relays): its database and HTTP spans would only bury the traces
/// that people look for.
/// </summary>
public static class Untraced
{
    /// <summary>
    /// Makes a trace current that is not recorded, here and in whatever this asynchronous method calls, also over HTTP. Spans with an
    /// explicit parent are not concerned.
    /// </summary>
    public static IDisposable Begin()
    {
        Activity.Current = null;
        return new Activity("untraced") { ActivityTraceFlags = ActivityTraceFlags.None }.SetIdFormat(ActivityIdFormat.W3C).Start();
    }
}
