namespace Payments.Ledger;

internal static partial class Log
{
    [LoggerMessage(3001, LogLevel.Critical, "Journal {Journal} of payment {Payment} ({EventType}) was posted before with another content; the books keep the first.")]
    public static partial void Conflict(ILogger logger, string journal, string payment, string eventType);
}
