namespace Payments.Api.Recovery;

internal static partial class Log
{
    [LoggerMessage(2101, LogLevel.Information, "Recovered: {Kind} of {Subject} by {Actor}. {Reason}")]
    public static partial void Recovered(ILogger logger, string kind, string subject, string actor, string reason);
}
