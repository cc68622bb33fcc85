using Payments.Api.Flow;
using Payments.Core;

namespace Payments.Api.Recovery;

/// <summary>What is written down and raised when a second charge of one payment is found, undone, or cannot be undone.</summary>
internal static class SecondCharges
{
    public static IEnumerable<Recovered> Recoveries(PaymentState before, PaymentState after, string actor, IdSource ids) =>
    [
        .. DoubleCharges.Found(before, after).Select(undo => Recovered.Of(
            ids.New<RecoveryId>(), RecoveryKinds.DoubleChargeFound, NameOf(after, undo), actor, $"a second charge of one payment; the {Words.Of(undo.Kind)} of it is under way",
            before, after, undo.Id, undo.Current!.Id)),
        .. DoubleCharges.Undone(before, after).Select(undo => Recovered.Of(
            ids.New<RecoveryId>(), RecoveryKinds.DoubleChargeUndone, undo.Id.ToString(), actor, $"the {Words.Of(undo.Kind)} of {undo.Current!.PaymentReference} succeeded",
            before, after, undo.Id, undo.Current.Id)),
    ];

    public static IEnumerable<Incident> Incidents(PaymentState before, PaymentState after, Fact fact, IdSource ids) =>
    [
        .. DoubleCharges.Found(before, after).Select(undo => new Incident(
            ids.New<IncidentId>(), IncidentKinds.DoubleCharge, fact.AttemptId,
            $"{Words.Of(undo.Current!.Provider)} has a second charge {undo.Current.PaymentReference} of {new Money(undo.AmountMinor, after.Amount.Currency)} beside {after.AuthorizingAttempt?.PaymentReference ?? "the one under way"}: its {Words.Of(undo.Kind)} is under way.")
        { Subject = NameOf(after, undo) }),
        .. DoubleCharges.GivenUp(before, after).Select(undo => new Incident(
            ids.New<IncidentId>(), IncidentKinds.DoubleChargeNotUndone, undo.Current!.Id,
            $"{Words.Of(undo.Current.Provider)} refuses the {Words.Of(undo.Kind)} of the second charge {undo.Current.PaymentReference}, {new Money(undo.AmountMinor, after.Amount.Currency)} ({undo.Current.Decline?.Code ?? undo.Current.Detail ?? "no reason told"}).")
        { Subject = NameOf(after, undo) }),
    ];

    private static string NameOf(PaymentState payment, Operation undo) => $"{Words.Of(undo.Current!.Provider)}:{Words.Of(payment.Mode)}:{undo.Current.PaymentReference}";
}
