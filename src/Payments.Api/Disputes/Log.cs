using Payments.Core;

namespace Payments.Api.Disputes;

internal static partial class Log
{
    [LoggerMessage(2301, LogLevel.Error, "Dispute {DisputeId} of payment {PaymentId}: contradiction. {Why}")]
    public static partial void Contradiction(ILogger logger, PaymentId paymentId, string disputeId, string why);

    [LoggerMessage(2302, LogLevel.Warning, "The answer {AttemptId} to dispute {DisputeId} ended {Outcome}.")]
    public static partial void NotSettled(ILogger logger, AttemptId attemptId, DisputeId disputeId, string outcome);

    [LoggerMessage(2303, LogLevel.Error, "Dispute {DisputeId} cannot be looked at.")]
    public static partial void LookFailed(ILogger logger, Exception exception, DisputeId disputeId);

    [LoggerMessage(2304, LogLevel.Error, "{Worker} failed; it goes on.")]
    public static partial void WorkerFailed(ILogger logger, Exception exception, string worker);
}
