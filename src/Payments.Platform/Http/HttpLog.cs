using Microsoft.Extensions.Logging;

namespace Payments.Platform.Http;

internal static partial class HttpLog
{
    [LoggerMessage(1001, LogLevel.Error, "{Method} {Endpoint} failed unexpectedly ({RequestId}).")]
    public static partial void Unhandled(ILogger logger, Exception exception, string method, string? endpoint, string requestId);
}
