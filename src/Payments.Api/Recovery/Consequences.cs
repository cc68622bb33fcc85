using Payments.Api.Flow;
using Payments.Core;

namespace Payments.Api.Recovery;

/// <summary>What has to be written together with a fact beside the payment itself: what was put right by it, and what a person must look at.</summary>
internal static class Consequences
{
    private const string Notices = "notices";

    /// <param name="settles">The contradiction that the fact settles.</param>
    public static Change Of(PaymentState before, Application.Applied applied, Fact fact, Resolution? resolution, string? settles, IdSource ids)
    {
        var after = applied.Payment;
        return Changes.Between(before, after, applied.Happenings) with
        {
            Recoveries =
            [
                .. Resolved(before, after, resolution, ids),
                .. RefundRetrying.TriedAgain(before, after).Select(refund => Recovered.Of(
                    ids.New<RecoveryId>(), RecoveryKinds.RefundRetried, refund.Current!.Id.ToString(), resolution is null ? Notices : Resolver.Actor,
                    $"the provider gave it back: {fact.Decline?.Code ?? fact.Detail ?? "no reason told"}", before, after, refund.Id, refund.Current.Id)),
                .. settles is null ? [] : new[] { Settled(before, after, fact, settles, ids) },
                .. SecondCharges.Recoveries(before, after, resolution is null ? Notices : Resolver.Actor, ids),
            ],
            Incidents = [.. SecondCharges.Incidents(before, after, fact, ids), .. RefundRetrying.GivenUp(before, after).Select(refund => new Incident(
                ids.New<IncidentId>(), IncidentKinds.RefundFailed, refund.Current?.Id,
                $"A refund of {new Money(refund.AmountMinor, after.Amount.Currency)} failed for good after {refund.Attempts.Length} tries ({fact.Decline?.Code ?? fact.Detail ?? "no reason told"}): the customer does not have the money. The merchant was told."))],
        };
    }

    public static Recovered Settled(PaymentState before, PaymentState after, Fact fact, string why, IdSource ids) => Recovered.Of(
        ids.New<RecoveryId>(), RecoveryKinds.ContradictionSettled, $"{fact.AttemptId}@{after.Version}", Resolver.Actor,
        $"{why} The provider was asked and {(after.Version == before.Version ? "confirms what was known" : "what it told was applied")}.",
        before, after, fact.AttemptId is { } id ? after.OperationOf(id)?.Id : null, fact.AttemptId);

    private static IEnumerable<Recovered> Resolved(PaymentState before, PaymentState after, Resolution? resolution, IdSource ids)
    {
        if (resolution is null || after.OperationOf(resolution.Held.Id) is not { } operation)
        {
            yield break;
        }

        var attempt = operation.Attempts.First(a => a.Id == resolution.Held.Id);
        var former = before.OperationOf(resolution.Held.Id)!.Attempts.First(a => a.Id == resolution.Held.Id);
        if (former.IsUnsettled && !attempt.IsUnsettled)
        {
            yield return Recovered.Of(
                ids.New<RecoveryId>(), RecoveryKinds.AttemptResolved, attempt.Id.ToString(), Resolver.Actor, resolution.How, before, after, operation.Id, attempt.Id);
        }
        else if (!former.IsUnsettled)
        {
            yield return Recovered.Of(
                ids.New<RecoveryId>(), RecoveryKinds.SilentRefundFailure, attempt.Id.ToString(), Resolver.Actor, resolution.How, before, after, operation.Id, attempt.Id);
        }
    }
}
