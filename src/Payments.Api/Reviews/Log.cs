using Payments.Core;

namespace Payments.Api.Reviews;

internal static partial class Log
{
    [LoggerMessage(2201, LogLevel.Error, "The review clock failed and goes on.")]
    public static partial void ClockFailed(ILogger logger, Exception exception);

    [LoggerMessage(2202, LogLevel.Error, "The review of payment {Payment} could not be looked at; it will be tried again.")]
    public static partial void ReviewFailed(ILogger logger, Exception exception, PaymentId payment);

    [LoggerMessage(2203, LogLevel.Warning, "Payment {Payment} is suspected of fraud and its hold is being released: {Why}")]
    public static partial void Suspected(ILogger logger, PaymentId payment, string why);
}
