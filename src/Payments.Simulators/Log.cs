using Microsoft.Extensions.Logging;

namespace Payments.Simulators;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "A {Provider} webhook about {Subject} was answered with {Status}; it will be tried again.")]
    public static partial void WebhookRefused(ILogger logger, string provider, string subject, int status);

    [LoggerMessage(2, LogLevel.Information, "A {Provider} webhook about {Subject} was not answered ({Reason}); it will be tried again.")]
    public static partial void WebhookUnanswered(ILogger logger, string provider, string subject, string reason);

    [LoggerMessage(3, LogLevel.Error, "{Id} could not be carried out.")]
    public static partial void AgendaFailed(ILogger logger, Exception exception, string id);
}
