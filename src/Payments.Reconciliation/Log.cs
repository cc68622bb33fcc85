namespace Payments.Reconciliation;

internal static partial class Log
{
    [LoggerMessage(6001, LogLevel.Information, "{Books} books were compared, {Days} days of them anew.")]
    public static partial void Matched(ILogger logger, int books, int days);

    [LoggerMessage(6002, LogLevel.Warning, "Comparing could not be finished and is tried again with the next round.")]
    public static partial void RoundFailed(ILogger logger, Exception exception);

    [LoggerMessage(6003, LogLevel.Information, "Partitions made: {Made}.")]
    public static partial void PartitionsMade(ILogger logger, int made);

    [LoggerMessage(6004, LogLevel.Error, "Closing {Name} is broken: {Problem}")]
    public static partial void ClosingBroken(ILogger logger, string name, string problem);

    [LoggerMessage(6005, LogLevel.Warning, "A closing could not be computed again; the next one is, with the next round.")]
    public static partial void VerifyingFailed(ILogger logger, Exception exception);

    [LoggerMessage(6006, LogLevel.Warning, "{Provider} settled {Reference}, which was not known here: {Verdict}.")]
    public static partial void ChargeTold(ILogger logger, Core.Provider provider, string reference, string verdict);

    [LoggerMessage(6010, LogLevel.Information, "Report {Name} of {Provider} was fetched: {State}, new: {IsNew}.")]
    public static partial void Fetched(ILogger logger, string provider, string name, string state, bool isNew);

    [LoggerMessage(6011, LogLevel.Warning, "Report {Name} of {Provider} could not be fetched at try {Tries}: {Reason}. It is tried again.")]
    public static partial void FetchFailed(ILogger logger, string provider, string name, int tries, string reason);

    [LoggerMessage(6012, LogLevel.Warning, "{Provider} ({Mode}) does not tell what there is to fetch: {Reason}. It is asked again.")]
    public static partial void AskingFailed(ILogger logger, string provider, Core.Mode mode, string reason);

    [LoggerMessage(6013, LogLevel.Information, "Statement {File} was taken from the directory: {State}, {Detail}.")]
    public static partial void StatementTaken(ILogger logger, string file, string state, string detail);

    [LoggerMessage(6014, LogLevel.Warning, "Statement {File} could not be taken from the directory and is tried again.")]
    public static partial void StatementFailed(ILogger logger, Exception exception, string file);

    [LoggerMessage(6020, LogLevel.Information, "The ledger booked a {What} of {Provider}: {Name}.")]
    public static partial void Booked(ILogger logger, Bookings.BookingKind what, string provider, string name);

    [LoggerMessage(6021, LogLevel.Warning, "The ledger did not book a {What} of {Provider}, {Name}, at try {Tries}: {Reason}. It is asked again.")]
    public static partial void BookingFailed(ILogger logger, Bookings.BookingKind what, string provider, string name, int tries, string reason);

    [LoggerMessage(6022, LogLevel.Warning, "Booking could not be finished and is tried again with the next round.")]
    public static partial void BookingRoundFailed(ILogger logger, Exception exception);

    [LoggerMessage(6015, LogLevel.Warning, "Fetching reports could not be finished and is tried again with the next round.")]
    public static partial void FetchRoundFailed(ILogger logger, Exception exception);
}
