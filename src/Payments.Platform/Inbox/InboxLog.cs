using Microsoft.Extensions.Logging;
using Payments.Core;
using EventId = Payments.Core.EventId;

namespace Payments.Platform.Inbox;

internal static partial class InboxLog
{
    [LoggerMessage(120, LogLevel.Information, "Consumer {Consumer} begins in epoch {Epoch} with {Applied} events applied.")]
    public static partial void Began(ILogger logger, string consumer, Guid epoch, long applied);

    [LoggerMessage(121, LogLevel.Critical, "Consumer {Consumer} is halted until a person resumes it: {Because}")]
    public static partial void Halted(ILogger logger, string consumer, string because);

    [LoggerMessage(122, LogLevel.Warning, "Consumer {Consumer} will try again in {Delay}.")]
    public static partial void WillRetry(ILogger logger, string consumer, TimeSpan delay, Exception failure);

    [LoggerMessage(123, LogLevel.Information, "Consumer {Consumer} reads events {From} to {To} of partition {Partition} from the publisher's log.")]
    public static partial void Refills(ILogger logger, string consumer, int partition, long from, long to);

    [LoggerMessage(124, LogLevel.Error, "Consumer {Consumer} has parked payment {Payment}: event {Event} cannot be applied.")]
    public static partial void Parked(ILogger logger, string consumer, PaymentId payment, EventId @event, Exception failure);

    [LoggerMessage(125, LogLevel.Information, "Consumer {Consumer} has replayed {Events} events of payment {Payment}.")]
    public static partial void Replayed(ILogger logger, string consumer, int events, PaymentId payment);

    [LoggerMessage(126, LogLevel.Error, "Consumer {Consumer} cannot replay event {Event} of payment {Payment}.")]
    public static partial void ReplayFailed(ILogger logger, string consumer, EventId @event, PaymentId payment, Exception failure);

    [LoggerMessage(127, LogLevel.Warning, "Consumer {Consumer} meets a message of another log (epoch {Epoch}).")]
    public static partial void ForeignEpoch(ILogger logger, string consumer, Guid epoch);

    [LoggerMessage(128, LogLevel.Debug, "Consumer group {Group} did not store an offset: {Reason}")]
    public static partial void OffsetNotStored(ILogger logger, string group, string reason);

    [LoggerMessage(129, LogLevel.Warning, "Consumer group {Group}: {Reason}. What is missed is refilled from the publisher's log.")]
    public static partial void KafkaTrouble(ILogger logger, string group, string reason);

    [LoggerMessage(131, LogLevel.Warning, "Consumer {Consumer}: the publisher's log of epoch {From} goes on in epoch {To}, after a restore.")]
    public static partial void GoesOn(ILogger logger, string consumer, Guid from, Guid to);

    [LoggerMessage(132, LogLevel.Error, "Old copies of events could not be removed; it is tried again later.")]
    public static partial void CopiesNotExpired(ILogger logger, Exception failure);

    [LoggerMessage(130, LogLevel.Warning, "Consumer {Consumer} was resumed by an operator.")]
    public static partial void Resumed(ILogger logger, string consumer);
}
