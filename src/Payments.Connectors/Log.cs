using Microsoft.Extensions.Logging;
using Payments.Core;

namespace Payments.Connectors;

internal static partial class Log
{
    [LoggerMessage(2001, LogLevel.Warning, "{Provider} ({Mode}) {Operation} ended {Outcome} after {Milliseconds} ms: {Detail}")]
    public static partial void CallNotSettled(ILogger logger, Provider provider, Mode mode, string operation, string outcome, string? detail, long milliseconds);

    [LoggerMessage(2002, LogLevel.Error, "The circuit of {Provider} ({Mode}) opened ({Because}): {Failures} failures in the window, p99 {P99Milliseconds} ms.")]
    public static partial void CircuitOpened(ILogger logger, Provider provider, Mode mode, string because, int failures, int p99Milliseconds);

    [LoggerMessage(2003, LogLevel.Information, "Probe of {Provider} ({Mode}): answered {Answered}.")]
    public static partial void Probed(ILogger logger, Provider provider, Mode mode, bool answered);

    [LoggerMessage(2004, LogLevel.Warning, "{Provider} ({Mode}) is back: its traffic returns by steps.")]
    public static partial void CircuitRamping(ILogger logger, Provider provider, Mode mode);

    [LoggerMessage(2005, LogLevel.Debug, "Probes stopped.")]
    public static partial void ProbesStopped(ILogger logger);

    [LoggerMessage(2006, LogLevel.Warning, "{Provider} ({Mode}) sent a webhook that cannot be read: {Why}")]
    public static partial void WebhookUnreadable(ILogger logger, Provider provider, Mode mode, string why);
}
