namespace Payments.Ledger;

internal static partial class Log
{
    [LoggerMessage(3001, LogLevel.Critical, "Journal {Journal} of payment {Payment} ({EventType}) was posted before with another content; the books keep the first.")]
    public static partial void Conflict(ILogger logger, string journal, string payment, string eventType);

    [LoggerMessage(3002, LogLevel.Error, "Finding {Kind} about {Subject}: {Detail}")]
    public static partial void FindingRaised(ILogger logger, string kind, string subject, string detail);

    [LoggerMessage(3003, LogLevel.Warning, "The ledger's controls could not finish this round and try again with the next.")]
    public static partial void ControlsPostponed(ILogger logger, Exception exception);

    [LoggerMessage(3004, LogLevel.Information, "Partitions made: {Partitions}.")]
    public static partial void PartitionsMade(ILogger logger, string partitions);

    [LoggerMessage(3005, LogLevel.Information, "The heads of {Partitions} hash chains were anchored outside the database.")]
    public static partial void Anchored(ILogger logger, int partitions);
}
