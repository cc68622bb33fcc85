using Microsoft.Extensions.Logging;

namespace Payments.Platform.Outbox;

internal static partial class OutboxLog
{
    [LoggerMessage(100, LogLevel.Information, "This replica relays events to topic {Topic}.")]
    public static partial void Relays(ILogger logger, string topic);

    [LoggerMessage(101, LogLevel.Warning, "The relay will try again in {Delay}; {Waiting} events wait.")]
    public static partial void WillRetry(ILogger logger, TimeSpan delay, long waiting, Exception failure);

    [LoggerMessage(102, LogLevel.Information, "{Events} events have expired and were removed from the outbox.")]
    public static partial void Expired(ILogger logger, int events);

    [LoggerMessage(103, LogLevel.Error, "Expired events could not be removed from the outbox; it is tried again later.")]
    public static partial void NotExpired(ILogger logger, Exception failure);

    [LoggerMessage(104, LogLevel.Warning, "The Kafka producer cannot go on ({Reason}) and is replaced.")]
    public static partial void ProducerReplaced(ILogger logger, string reason);
}
