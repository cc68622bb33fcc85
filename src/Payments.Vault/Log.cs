using Payments.Connectors;
using Payments.Core;

namespace Payments.Vault;

internal static partial class Log
{
    [LoggerMessage(3001, LogLevel.Warning, "{Token} was made without {Provider}, which ended {Outcome}.")]
    public static partial void TokenWithoutProvider(ILogger logger, TokenId token, Provider provider, OutcomeKind outcome);

    [LoggerMessage(3002, LogLevel.Warning, "{Token} could not be removed from {Provider} (try {Try}); it will be tried again.")]
    public static partial void DetachFailed(ILogger logger, TokenId token, Provider provider, int @try);

    [LoggerMessage(3003, LogLevel.Warning, "Removing cards from the providers waits for the database.")]
    public static partial void DetachPaused(ILogger logger, Exception exception);

    [LoggerMessage(3004, LogLevel.Debug, "Removing cards from the providers stopped.")]
    public static partial void DetachStopped(ILogger logger);
}
