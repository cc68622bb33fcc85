using Payments.Core;

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

    [LoggerMessage(3006, LogLevel.Information, "Anchored: partition {Partition}, journal number {Seq}, hash {Hash}, at {At}.")]
    public static partial void HeadAnchored(ILogger logger, int partition, long seq, string hash, DateTimeOffset at);

    [LoggerMessage(3007, LogLevel.Information, "Month {Month} was closed with {Journals} journals; its hash is {Hash}.")]
    public static partial void MonthClosed(ILogger logger, string month, long journals, string hash);

    [LoggerMessage(3008, LogLevel.Warning, "Month {Month} was retired: {Journals} journals were removed, and its closing stands for them.")]
    public static partial void MonthRetired(ILogger logger, string month, long journals);

    [LoggerMessage(3009, LogLevel.Warning, "Month {Month} is due to be retired and stays for now: {Objection}")]
    public static partial void RetirementPostponed(ILogger logger, string month, string objection);

    [LoggerMessage(3010, LogLevel.Warning, "Settlement could not finish this round and tries again with the next.")]
    public static partial void SettlementPostponed(ILogger logger, Exception exception);

    [LoggerMessage(3011, LogLevel.Information, "Cut-off {CutAt}: batches of {Closed} merchants are closed, {Waiting} wait.")]
    public static partial void CutOffClosed(ILogger logger, DateTimeOffset cutAt, int closed, int waiting);

    [LoggerMessage(3012, LogLevel.Warning, "Payouts could not finish this round and try again with the next.")]
    public static partial void PayoutsPostponed(ILogger logger, Exception exception);

    [LoggerMessage(3013, LogLevel.Information, "{Payouts} payouts of {DueOn} were made.")]
    public static partial void PayoutsMade(ILogger logger, int payouts, DateOnly dueOn);

    [LoggerMessage(3014, LogLevel.Information, "Bank file {File} holds {Payouts} payouts of {Currency}.")]
    public static partial void PayoutFileMade(ILogger logger, string file, int payouts, string currency);

    [LoggerMessage(3015, LogLevel.Error, "Merchant {Merchant} ({Mode}) could not be settled at the cut-off {CutAt}; the other merchants were, and the next round tries again.")]
    public static partial void MerchantNotSettled(ILogger logger, string merchant, string mode, DateTimeOffset cutAt, Exception exception);

    [LoggerMessage(3016, LogLevel.Error, "No payout of merchant {Merchant} ({Mode}, {Currency}) could be made; those of other merchants were, and the next round tries again.")]
    public static partial void MerchantNotPaid(ILogger logger, string merchant, string mode, string currency, Exception exception);

    [LoggerMessage(3017, LogLevel.Warning, "Open exchanges could not be valued this round; the next tries again.")]
    public static partial void RevaluationPostponed(ILogger logger, Exception exception);

    [LoggerMessage(3018, LogLevel.Information, "Open exchanges of {Mode} were valued: {Amount} minor units of {Currency} gained.")]
    public static partial void Revalued(ILogger logger, Mode mode, long amount, string currency);

    [LoggerMessage(3005, LogLevel.Information, "The heads of {Partitions} hash chains were anchored outside the database.")]
    public static partial void Anchored(ILogger logger, int partitions);
}
