using Payments.Core;

namespace Payments.Api.Flow;

/// <summary>Which notices come before their time and are looked at again a little later.</summary>
internal static class NoticeOrder
{
    private const int TriesBeforeItsTime = 4;

    /// <summary>A notice may be faster than the commit that names what it is about.</summary>
    public static bool MayBeEarly(int tries) => tries < TriesBeforeItsTime;

    public static bool MustWait(PaymentState payment, Fact fact, int tries) => fact switch
    {
        // A decline whose request is still at work, which may go on at another provider: the request comes first.
        { Kind: OperationKind.Authorize, Outcome: FactOutcome.Declined } =>
            MayBeEarly(tries) && payment.Authorization is { State: OperationState.Open, Current: { State: AttemptState.Open } attempt } && attempt.Id == fact.AttemptId,

        // A hold that ended while a capture of it is under way: the provider refused that capture, or did it first. What became of it
        // comes first, however long that takes, or books would go on holding what the capture gives back.
        { Kind: OperationKind.Void, Outcome: FactOutcome.Succeeded } => payment.Operations.Any(o => o is { Kind: OperationKind.Capture, IsUnsettled: true, IsExtra: false }),
        _ => false,
    };

    /// <summary>How long until a notice that must wait is looked at again.</summary>
    public static TimeSpan PauseAfter(int tries) => TimeSpan.FromSeconds(2 * Math.Pow(2, Math.Clamp(tries - TriesBeforeItsTime, 0, 7)));
}
