using Payments.Core;
using Payments.Core.Seams;

namespace Payments.Fraud;

internal static partial class Log
{
    [LoggerMessage(4001, LogLevel.Warning, "The counters in Redis cannot be kept complete at the moment ({Failure}); the next round tries again.")]
    public static partial void VelocityWillRetry(ILogger logger, string failure);

    [LoggerMessage(4002, LogLevel.Information, "The counters in Redis were filled with {Records} records in {Duration}.")]
    public static partial void VelocityFilled(ILogger logger, long records, TimeSpan duration);

    [LoggerMessage(4003, LogLevel.Warning, "The model did not answer ({Failure}); rules decided alone.")]
    public static partial void ModelUnavailable(ILogger logger, string failure);

    [LoggerMessage(4004, LogLevel.Warning, "Rules and lists could not be read ({Failure}); those read before still hold.")]
    public static partial void RulesNotRead(ILogger logger, string failure);

    [LoggerMessage(4005, LogLevel.Error, "Version {Version} of rule {Rule} cannot be understood and is left out: {Reason}")]
    public static partial void RuleNotUnderstood(ILogger logger, string rule, int version, string reason);

    [LoggerMessage(4006, LogLevel.Warning, "Old fraud signals could not be removed ({Failure}); the next round tries again.")]
    public static partial void SignalsNotForgotten(ILogger logger, string failure);

    [LoggerMessage(4007, LogLevel.Error, "The decision about payment {Payment} was given and could not be kept: {Failure}")]
    public static partial void DecisionLost(ILogger logger, PaymentId payment, string failure);

    [LoggerMessage(4008, LogLevel.Error, "About payment {Payment} {Given} was given as the first decision, and {Standing} stood already.")]
    public static partial void DecisionStoodAlready(ILogger logger, PaymentId payment, FraudVerdict given, FraudVerdict standing);

    [LoggerMessage(4041, LogLevel.Warning, "How long decisions took could not be written ({Failure}); the next round tries again.")]
    public static partial void TimesNotWritten(ILogger logger, string failure);

    [LoggerMessage(4042, LogLevel.Warning, "The risk metrics could not be computed for telemetry ({Failure}); those told before stand.")]
    public static partial void RiskMetricsNotRead(ILogger logger, string failure);
}
