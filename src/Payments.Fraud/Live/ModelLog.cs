namespace Payments.Fraud.Live;

internal static partial class ModelLog
{
    [LoggerMessage(6101, LogLevel.Warning, "{Rows} rows of features could not be written; they are tried again until the service stops.")]
    public static partial void RowsNotWritten(ILogger logger, int rows, Exception exception);

    [LoggerMessage(6102, LogLevel.Information, "The state of features knows {Parties} parties from stored payments.")]
    public static partial void StateLoaded(ILogger logger, int parties);

    [LoggerMessage(6103, LogLevel.Warning, "Models and the state of features could not be refreshed; what was known goes on.")]
    public static partial void NotRefreshed(ILogger logger, Exception exception);

    [LoggerMessage(6104, LogLevel.Information, "Model {Version} ({Model}) is {State} of {Mode} payments{Scope}.")]
    public static partial void ModelInUse(ILogger logger, string version, string model, string state, string mode, string scope);

    [LoggerMessage(6105, LogLevel.Error, "Model {Version} ({Model}) cannot be used by this version of the service.")]
    public static partial void ModelUnusable(ILogger logger, string version, string model, Exception exception);

    [LoggerMessage(6106, LogLevel.Error, "The database refused {Rows} rows of features; they are lost to training.")]
    public static partial void RowsRefused(ILogger logger, int rows, Exception exception);

    [LoggerMessage(6107, LogLevel.Information, "Model {Version} ({Model}) was trained from {Rows} {Mode} payments with {Frauds} frauds; it is the challenger.")]
    public static partial void Retrained(ILogger logger, string version, string model, string mode, int rows, int frauds);

    [LoggerMessage(6108, LogLevel.Warning, "No new challenger could be trained; the next round tries again.")]
    public static partial void NotRetrained(ILogger logger, Exception exception);

    [LoggerMessage(6109, LogLevel.Warning, "{Payment} scored {Before} and scores {Now} by what has become known since: the payment path is told to release what it still holds.")]
    public static partial void SuspectedLater(ILogger logger, string payment, int before, int now);

    [LoggerMessage(6110, LogLevel.Warning, "Payments could not be looked at again ({Failure}); the next round tries again.")]
    public static partial void NotLookedAgain(ILogger logger, string failure);
}
