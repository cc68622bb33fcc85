using Payments.Core;

namespace Payments.Api.Flow;

internal static partial class Log
{
    [LoggerMessage(2001, LogLevel.Error, "Payment {Payment}: {Operation} {Outcome} contradicts what is known. {Why}")]
    public static partial void Contradiction(ILogger logger, PaymentId payment, string operation, string outcome, string why);

    [LoggerMessage(2002, LogLevel.Error, "The call of attempt {Attempt} to {Provider} failed in our own code; its outcome is unknown.")]
    public static partial void ConnectorFailed(ILogger logger, Exception exception, AttemptId attempt, Provider provider);

    [LoggerMessage(2003, LogLevel.Warning, "Payment {Payment} goes on without a fraud decision ({Failure}).")]
    public static partial void FraudUnavailable(ILogger logger, PaymentId payment, string failure);

    [LoggerMessage(2004, LogLevel.Information, "Attempt {Attempt} turned out as {Outcome}, which was {Verdict}.")]
    public static partial void Resolved(ILogger logger, AttemptId attempt, string outcome, string verdict);

    [LoggerMessage(2005, LogLevel.Error, "Attempt {Attempt} could not be resolved now; it will be tried again.")]
    public static partial void ResolverFailed(ILogger logger, Exception exception, AttemptId attempt);

    [LoggerMessage(2006, LogLevel.Error, "{Provider} reported on {Reference}, which is not known here.")]
    public static partial void UnknownReference(ILogger logger, Provider provider, string reference);

    [LoggerMessage(2007, LogLevel.Error, "{Worker} failed and goes on.")]
    public static partial void WorkerFailed(ILogger logger, Exception exception, string worker);

    [LoggerMessage(2008, LogLevel.Critical, "{Rows} rows are in DEFAULT partitions: partitions of a month were not made ahead.")]
    public static partial void StrayRows(ILogger logger, long rows);

    [LoggerMessage(2011, LogLevel.Error, "Payment {Payment}: refund {Refund} failed for good after {Tries} tries; the customer does not have the money.")]
    public static partial void RefundGivenUp(ILogger logger, PaymentId payment, OperationId refund, int tries);

    [LoggerMessage(2010, LogLevel.Error, "Notice {Notice} of {Provider} could not be applied at try {Try}; it will be tried again.")]
    public static partial void NoticeFailed(ILogger logger, Exception exception, Provider provider, string notice, int @try);
}
