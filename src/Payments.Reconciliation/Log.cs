namespace Payments.Reconciliation;

internal static partial class Log
{
    [LoggerMessage(6001, LogLevel.Information, "{Books} books were compared, {Days} days of them anew.")]
    public static partial void Matched(ILogger logger, int books, int days);

    [LoggerMessage(6002, LogLevel.Warning, "Comparing could not be finished and is tried again with the next round.")]
    public static partial void RoundFailed(ILogger logger, Exception exception);

    [LoggerMessage(6003, LogLevel.Information, "Partitions made: {Made}.")]
    public static partial void PartitionsMade(ILogger logger, int made);
}
