using Payments.Core;

namespace Payments.Api.Recovery;

internal static partial class Log
{
    [LoggerMessage(2101, LogLevel.Information, "Recovered: {Kind} of {Subject} by {Actor}. {Reason}")]
    public static partial void Recovered(ILogger logger, string kind, string subject, string actor, string reason);

    [LoggerMessage(2115, LogLevel.Error, "{Provider}'s list of charges lacks {Missing} of {Expected} payments; {Asked} of them are asked for.")]
    public static partial void ListLacksMany(ILogger logger, Provider provider, int missing, int expected, int asked);

    [LoggerMessage(2109, LogLevel.Error, "{Provider} does not have {Reference}, by which payment {Payment} holds or moved money here.")]
    public static partial void ChargeMissing(ILogger logger, PaymentId payment, Provider provider, string reference);

    [LoggerMessage(2110, LogLevel.Error, "Payment {Payment} was made of {Provider}'s charge {Reference}, which was not known here ({Finder}).")]
    public static partial void PhantomTakenIn(ILogger logger, PaymentId payment, Provider provider, string reference, string finder);

    [LoggerMessage(2111, LogLevel.Error, "{Provider}'s charge {Reference} is in suspense. {Detail}")]
    public static partial void ChargeSuspended(ILogger logger, Provider provider, string reference, string detail);

    [LoggerMessage(2112, LogLevel.Error, "The charges of {Provider} ({Mode}) could not be listed; they will be.")]
    public static partial void ListingFailed(ILogger logger, Exception exception, Provider provider, Mode mode);

    [LoggerMessage(2114, LogLevel.Warning, "Incidents and breaks could not be counted; they will be.")]
    public static partial void CountingFailed(ILogger logger, Exception exception);

    [LoggerMessage(2113, LogLevel.Error, "{Provider}'s charge {Reference} cannot be taken in.")]
    public static partial void ChargeNotTakenIn(ILogger logger, Exception exception, Provider provider, string reference);

    [LoggerMessage(2102, LogLevel.Error, "Attempt {Attempt} of payment {Payment} at {Provider} has been unresolved for {Age}.")]
    public static partial void AttemptOverdue(ILogger logger, AttemptId attempt, PaymentId payment, Provider provider, TimeSpan age);

    [LoggerMessage(2103, LogLevel.Error, "Unresolved attempts could not be looked at now.")]
    public static partial void WatchFailed(ILogger logger, Exception exception);

    [LoggerMessage(2104, LogLevel.Error, "The hold of payment {Payment} could not be released now; it will be tried again.")]
    public static partial void HoldNotReleased(ILogger logger, Exception exception, PaymentId payment);

    [LoggerMessage(2105, LogLevel.Error, "Orphaned holds could not be swept now.")]
    public static partial void SweepFailed(ILogger logger, Exception exception);

    [LoggerMessage(2106, LogLevel.Warning, "Payment {Payment} looks like a duplicate of {Earlier}: {Likeness}.")]
    public static partial void LikelyDuplicate(ILogger logger, PaymentId payment, PaymentId earlier, string likeness);

    [LoggerMessage(2107, LogLevel.Error, "Likely duplicates could not be looked for now.")]
    public static partial void LikenessNotLookedFor(ILogger logger, Exception exception);
}
