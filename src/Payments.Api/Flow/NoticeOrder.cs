using Payments.Core;

namespace Payments.Api.Flow;

/// <summary>Which notices come before their time and are looked at again a little later.</summary>
internal static class NoticeOrder
{
    private const int TriesBeforeItsTime = 4;

    /// <summary>A notice may be faster than the commit that names what it is about.</summary>
    public static bool MayBeEarly(int tries) => tries < TriesBeforeItsTime;

    /// <summary>A decline whose request is still at work, which may go on at another provider: the request comes first.</summary>
    public static bool MustWait(PaymentState payment, Fact fact, int tries) =>
        MayBeEarly(tries)
        && fact is { Kind: OperationKind.Authorize, Outcome: FactOutcome.Declined }
        && payment.Authorization is { State: OperationState.Open, Current: { State: AttemptState.Open } attempt } && attempt.Id == fact.AttemptId;
}
