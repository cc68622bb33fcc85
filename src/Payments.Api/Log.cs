using Yarp.ReverseProxy.Forwarder;

namespace Payments.Api;

internal static partial class Log
{
    [LoggerMessage(2901, LogLevel.Warning, "Seeding waits for the database.")]
    public static partial void SeedingWaits(ILogger logger, Exception exception);

    [LoggerMessage(2902, LogLevel.Warning, "{Service} did not answer a forwarded request: {Error}.")]
    public static partial void ForwardingFailed(ILogger logger, string service, ForwarderError error, Exception? exception);

    [LoggerMessage(2903, LogLevel.Error, "{Service} refused the internal key: 'Payments:InternalKey' differs between the services.")]
    public static partial void InternalKeyRefused(ILogger logger, string service);
}
