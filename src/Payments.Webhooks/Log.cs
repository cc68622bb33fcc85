using Payments.Core;

namespace Payments.Webhooks;

internal static partial class Log
{
    [LoggerMessage(5001, LogLevel.Warning, "Claiming due deliveries of {Channel} failed; trying again.")]
    public static partial void ClaimFailed(ILogger logger, string channel, Exception exception);

    [LoggerMessage(5002, LogLevel.Error, "An attempt of {Channel} to deliver {EventId} broke on our side.")]
    public static partial void AttemptBroke(ILogger logger, string channel, EventId eventId, Exception exception);

    [LoggerMessage(5003, LogLevel.Warning, "The lease of {Channel} on {EventId} ended before its outcome was known; it may be delivered twice.")]
    public static partial void LeaseLost(ILogger logger, string channel, EventId eventId);

    [LoggerMessage(5004, LogLevel.Information, "{Channel} did not deliver {EventId} on attempt {Attempt}: status {StatusCode}, {Error}. Next attempt in {Seconds} s.")]
    public static partial void AttemptFailed(ILogger logger, string channel, EventId eventId, int attempt, int? statusCode, string? error, long? seconds);

    [LoggerMessage(5005, LogLevel.Warning, "{Channel} could not give {Count} deliveries back; they are due again when their lease ends.")]
    public static partial void ReleaseFailed(ILogger logger, string channel, int count, Exception exception);

    [LoggerMessage(5012, LogLevel.Warning, "The outcome of {Channel} delivering {EventId} could not be written down; it is repeated when its lease ends.")]
    public static partial void SettlingFailed(ILogger logger, string channel, EventId eventId, Exception exception);

    [LoggerMessage(5006, LogLevel.Warning, "Endpoint {EndpointId} of {MerchantId} was switched off: {Reason}.")]
    public static partial void EndpointDisabled(ILogger logger, WebhookEndpointId endpointId, MerchantId merchantId, string reason);

    [LoggerMessage(5007, LogLevel.Warning, "Waiting for wake-ups from the database failed; polling meanwhile.")]
    public static partial void ListeningFailed(ILogger logger, Exception exception);

    [LoggerMessage(5008, LogLevel.Error, "Housekeeping failed; trying again.")]
    public static partial void HousekeepingFailed(ILogger logger, Exception exception);

    [LoggerMessage(5009, LogLevel.Information, "Housekeeping made {Made} partitions, dropped {Dropped}, canceled {Canceled} deliveries of switched off endpoints.")]
    public static partial void Housekept(ILogger logger, int made, int dropped, int canceled);

    [LoggerMessage(5010, LogLevel.Error, "{Rows} events lie in the DEFAULT partition: their ids are of months that have no partition.")]
    public static partial void EventsOutsideMonths(ILogger logger, long rows);

    [LoggerMessage(5011, LogLevel.Warning, "No mail server is configured (Payments:Smtp): receipts wait.")]
    public static partial void NoMailServer(ILogger logger);
}
