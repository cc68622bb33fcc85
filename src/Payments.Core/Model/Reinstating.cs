using System.Collections.Immutable;
using Payments.Core.Events;

namespace Payments.Core;

/// <summary>
/// Brings a payment to where its events say that it stands, where the database that wrote them was restored to an earlier moment. What
/// events do not carry is left open: an operation that had no event yet is learned from its provider again.
/// </summary>
public static class Reinstating
{
    /// <param name="payment">As the restored database has it; null where it has none.</param>
    /// <param name="told">An event beyond that, in order of version.</param>
    /// <param name="plan">Version and price of the merchant's plan, for a payment that is not there.</param>
    /// <param name="costOf">What the provider is expected to take, for an attempt that is not there.</param>
    public static PaymentState Apply(PaymentState? payment, PaymentEvent told, (int Version, Price Commission) plan, Func<Provider, Price> costOf)
    {
        ArgumentNullException.ThrowIfNull(told);
        ArgumentNullException.ThrowIfNull(costOf);
        var view = told.Data.Payment;
        var state = (payment ?? Blank(told, plan)) with
        {
            Version = Math.Max(told.Version, payment?.Version ?? 0),
            Risk = view.Risk,
            Authentication = view.Authentication?.Read().Outcome ?? payment?.Authentication,
            Review = view.Review?.Read() ?? payment?.Review,
            HeldForReview = view.Review is { } review ? review.Status != ReviewStatus.Approved : view.Status == PaymentStatus.InReview || payment is { HeldForReview: true },
            AuthorizedAt = view.AuthorizedAt,
            CapturedAt = view.CapturedAt,
        };
        state = told.Data.Authorization is { } authorization ? state.With(Operation(state, told, authorization, costOf)) : state;
        // What stood in suspense is no operation of the payment that it became.
        state = told is { Type: not PaymentEventTypes.Attributed, Data.Operation: { } fact } ? state.With(Operation(state, told, fact, costOf)) : state;
        state = told.Data.Dispute is { } dispute ? state.With(DisputeOf(state, dispute, told)) : state;
        var shown = state.View();
        Invariant.Holds(
            shown.AmountCaptured == view.AmountCaptured && shown.AmountRefunded == view.AmountRefunded,
            $"payment {told.PaymentId} comes out of its events as the events show it");
        return state;
    }

    /// <summary>Movements of money are numbered: those that earlier events told are there, this one adds its own.</summary>
    private static Dispute DisputeOf(PaymentState payment, DisputeView view, PaymentEvent told)
    {
        Invariant.Holds(Id.TryParse<DisputeId>(view.Id, out var id), "an event names its dispute");
        var movements = payment.Disputes.FirstOrDefault(d => d.Id == id)?.Movements ?? [];
        return new Dispute(id, view.Provider, view.ProviderReference, view.Status, view.Amount, view.Reason)
        {
            ProviderReason = view.ProviderReason,
            LiabilityShifted = view.LiabilityShift,
            EvidenceDueBy = view.EvidenceDueBy,
            Movements = told.Data.Moved is { } moved && moved.Number == movements.Length + 1
                ? movements.Add(new DisputeMovement(moved.Number, moved.AmountMinor, moved.SuspenseMinor, moved.FeeMinor)) : movements,
            Submission = view.Submission is { } sent && Id.TryParse<AttemptId>(sent.Id, out var attempt) ? new DisputeSubmission(attempt, sent.Answer, sent.State, sent.At) { Detail = sent.Detail } : null,
            OpenedAt = view.OpenedAt,
            ChangedAt = view.ChangedAt,
        };
    }

    private static PaymentState Blank(PaymentEvent told, (int Version, Price Commission) plan)
    {
        var view = told.Data.Payment;
        return new PaymentState(
            told.PaymentId, told.MerchantId, told.Mode, new Money(view.Amount, Currency.Of(view.Currency)),
            new PaymentDetails(
                view.CaptureMethod, view.PaymentMethod, plan.Version, plan.Commission, view.OrderId, view.Description, view.StatementDescriptor,
                view.ReceiptEmail, null, view.Metadata)
            { Origin = view.Origin, Authentication = view.Authentication?.Read().Plan });
    }

    private static Operation Operation(PaymentState payment, PaymentEvent told, OperationFact fact, Func<Provider, Price> costOf)
    {
        Invariant.Holds(Id.TryParse<OperationId>(fact.Id, out var id), "an event names its operation");
        var known = payment.Operations.FirstOrDefault(o => o.Id == id);
        var operation = (known ?? new Operation(id, fact.Kind, fact.State, fact.AmountMinor)
        {
            Origin = fact.AttemptId is null ? OperationOrigin.Provider
                : told.Type == PaymentEventTypes.Expired ? OperationOrigin.Expiry
                : fact.Kind == OperationKind.Void && told.Data.Payment.Review is { Status: ReviewStatus.Rejected or ReviewStatus.ChallengeRequested } ? OperationOrigin.Review
                : OperationOrigin.Merchant,
            CreatedAt = told.OccurredAt,
            ChangedAt = told.OccurredAt,
        }) with
        {
            State = fact.State,
            AmountMinor = fact.AmountMinor,
            SuspenseMinor = fact.SuspenseMinor,
            ReleasedMinor = fact.ReleasedMinor,
            Final = fact.Final,
            Reason = fact.Reason,
            ChangedAt = told.OccurredAt,
            ProviderReference = fact.AttemptId is null ? fact.ProviderReference : known?.ProviderReference,
            Fees = (fact == told.Data.Operation ? told.Data.Fees : null) ?? known?.Fees,
            RequestKey = known?.RequestKey ?? fact.RequestKey,
        };
        return Id.TryParse<AttemptId>(fact.AttemptId ?? string.Empty, out var attempt) && fact.Provider is { } provider
            ? operation.With(Attempt(operation, attempt, provider, told, fact, costOf))
            : operation;
    }

    private static Attempt Attempt(Operation operation, AttemptId id, Provider provider, PaymentEvent told, OperationFact fact, Func<Provider, Price> costOf)
    {
        var view = told.Data.Payment;
        var known = operation.Attempts.FirstOrDefault(a => a.Id == id);
        var state = StateOf(fact, told);
        var isAuthorization = fact.Kind == OperationKind.Authorize;
        return (known ?? new Attempt(id, provider, state, costOf(provider)) { OpenedAt = told.OccurredAt }) with
        {
            State = state,
            PaymentReference = view.ProviderReference ?? known?.PaymentReference,
            ModificationReference = isAuthorization || fact.ProviderReference == view.ProviderReference ? known?.ModificationReference : fact.ProviderReference,
            ActionUrl = view.NextAction?.Url ?? known?.ActionUrl,
            Decline = isAuthorization ? view.Decline ?? known?.Decline : known?.Decline,
            ClosedAt = state is AttemptState.Succeeded or AttemptState.Declined or AttemptState.NotProcessed ? told.OccurredAt : null,
        };
    }

    private static AttemptState StateOf(OperationFact fact, PaymentEvent told) => fact.State switch
    {
        OperationState.Succeeded or OperationState.Reversed => AttemptState.Succeeded,
        OperationState.Failed => told.Type is PaymentEventTypes.Failed or PaymentEventTypes.Expired ? AttemptState.NotProcessed : AttemptState.Declined,
        OperationState.Pending => told.Data.Payment.NextAction is not null ? AttemptState.NeedsAction : AttemptState.Pending,
        OperationState.Unknown => AttemptState.Unknown,
        OperationState.Open => AttemptState.Open,
        _ => throw new InvariantException($"an operation that is {fact.State} has an attempt"),
    };
}
