using System.Collections.Immutable;
using Payments.Core.Events;
using static Payments.Core.Application;

namespace Payments.Core;

/// <summary>
/// The one function through which everything learned about a payment goes: the answer of a call, a provider's webhook, the resolver's
/// reading back. Limits bind only what we decide, never a fact: what exceeds our books is applied with the excess set apart.
/// </summary>
public static partial class Applying
{
    private static readonly NoOp Known = new();

    public static Application Apply(PaymentState payment, Fact fact)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(fact);
        if (fact.Currency is { } currency && currency != payment.Amount.Currency.Code)
        {
            return new Contradiction($"The payment is in {payment.Amount.Currency.Code}, the fact in {currency}.");
        }

        return Second(payment, fact) ?? (fact.Kind == OperationKind.Authorize ? Authorization(payment, fact) : Modification(payment, fact));
    }

    private static Application Authorization(PaymentState payment, Fact fact)
    {
        if (payment.Authorization is not { } authorize)
        {
            return new Contradiction("The payment never went to a provider.");
        }

        if (AttemptOf(authorize, fact) is not { } attempt)
        {
            return new Contradiction("The payment has no attempt that this could be about.");
        }

        if (attempt.Id != authorize.Current!.Id)
        {
            // An attempt that was closed before another provider was tried.
            return fact.Outcome == FactOutcome.Succeeded
                ? new Contradiction($"Attempt {attempt.Id} was closed as {Words.Of(attempt.State)} and now succeeded, after another was made.")
                : Known;
        }

        return fact.Outcome switch
        {
            FactOutcome.Succeeded => Authorized(payment, authorize, attempt, fact),
            FactOutcome.Declined => Refused(payment, authorize, attempt, fact, AttemptState.Declined, PaymentEventTypes.Declined),
            FactOutcome.NotProcessed when authorize.State == OperationState.Pending && attempt.State != AttemptState.NeedsAction => new Contradiction("The provider had it, and now says that it never did."),
            FactOutcome.NotProcessed => Refused(payment, authorize, attempt, fact, AttemptState.NotProcessed, PaymentEventTypes.Failed),
            FactOutcome.NeedsAction => Waiting(payment, authorize, attempt, fact, OperationState.Pending, AttemptState.NeedsAction),
            FactOutcome.Pending => Waiting(payment, authorize, attempt, fact, OperationState.Pending, AttemptState.Pending),
            FactOutcome.Unknown => Waiting(payment, authorize, attempt, fact, OperationState.Unknown, AttemptState.Unknown),
            _ => throw new InvariantException($"outcome {fact.Outcome} is handled"),
        };
    }

    private static Attempt? AttemptOf(Operation authorize, Fact fact)
    {
        if (fact.AttemptId is { } id)
        {
            return authorize.Attempts.FirstOrDefault(a => a.Id == id);
        }

        return authorize.Attempts.LastOrDefault(a => a.PaymentReference is not null && a.PaymentReference == fact.PaymentReference)
            ?? (authorize.Current is { PaymentReference: null } current && current.Provider == fact.Provider ? current : null);
    }

    private static Application Authorized(PaymentState payment, Operation authorize, Attempt attempt, Fact fact)
    {
        if (authorize.State == OperationState.Succeeded)
        {
            return fact.Captured && CapturesAtOnce(payment) && !payment.Operations.Any(o => o.Kind == OperationKind.Capture)
                ? new Steps(payment).CapturedWith(fact, payment).Done()
                : fact.Authentication is not null && payment.Authentication is null
                    // Who was faster told less: a disputed payment needs it.
                    ? new Applied(Next(payment with { Authentication = AuthenticationOf(payment, attempt, fact) }), [])
                    : Known;
        }

        if (!authorize.IsUnsettled)
        {
            return IsOlder(authorize, fact) ? Known : new Contradiction($"The authorization was {Words.Of(authorize.State)} and now succeeded.");
        }

        if (fact.AmountMinor is { } amount && amount != authorize.AmountMinor)
        {
            return new Contradiction($"The authorization was for {authorize.AmountMinor} and succeeded for {amount}.");
        }

        var learned = Settle(attempt, AttemptState.Succeeded, fact);
        var succeeded = authorize.To(OperationState.Succeeded, fact.LearnedAt).With(learned) with { ProviderTime = fact.ProviderTime };
        var authorized = payment.With(succeeded) with
        {
            AuthorizedAt = fact.LearnedAt,
            CaptureBefore = fact.CaptureBefore ?? payment.CaptureBefore,
            AvsResult = fact.AvsResult ?? payment.AvsResult,
            CvcResult = fact.CvcResult ?? payment.CvcResult,
            Authentication = AuthenticationOf(payment, attempt, fact),
        };
        if (fact.Captured && !payment.HeldForReview)
        {
            return new Steps(payment).CapturedWith(fact, authorized, succeeded).Done();
        }

        var steps = new Steps(payment).Happened(payment.HeldForReview ? PaymentEventTypes.InReview : PaymentEventTypes.Authorized, authorized, succeeded);
        return (fact.Captured ? steps.CapturedWith(fact, steps.Payment) : steps).Done();
    }

    private static Application Refused(PaymentState payment, Operation authorize, Attempt attempt, Fact fact, AttemptState closed, string happening)
    {
        if (authorize.State == OperationState.Succeeded)
        {
            return IsOlder(authorize, fact) ? Known : new Contradiction($"The authorization had succeeded and is now {Words.Of(closed)}.");
        }

        if (!authorize.IsUnsettled)
        {
            return Known;
        }

        payment = payment with { Authentication = AuthenticationOf(payment, attempt, fact) };
        var learned = Settle(attempt, closed, fact);
        if (fact.Instead is { } next && authorize.State == OperationState.Open)
        {
            // The operation goes on elsewhere: the new attempt is opened in the very commit that closes the former.
            return new Applied(Next(payment.With(authorize.With(learned).With(Opening.FirstAttempt(next, fact.LearnedAt)))), []);
        }

        var failed = authorize.To(OperationState.Failed, fact.LearnedAt).With(learned) with { Reason = fact.Decline?.Code ?? fact.Detail, ProviderTime = fact.ProviderTime };
        if (closed == AttemptState.NotProcessed && payment.Operations.Any(o => o is { Kind: OperationKind.Void, Origin: OperationOrigin.Expiry }))
        {
            // There was nothing to cancel: the challenge that nobody finished never became an authorization.
            return Lapsed(payment, authorize, OperationOrigin.Expiry, fact.LearnedAt, fact.ProviderTime);
        }

        return new Steps(payment).Happened(happening, payment.With(failed), failed).Done();
    }

    private static Application Waiting(PaymentState payment, Operation authorize, Attempt attempt, Fact fact, OperationState state, AttemptState attemptState)
    {
        if (!OperationTransitions.IsLegal(OperationKind.Authorize, authorize.State, state))
        {
            return Known;
        }

        var waiting = authorize.To(state, fact.LearnedAt).With(Learn(attempt, attemptState, fact)) with { ProviderTime = fact.ProviderTime };
        var happening = attemptState == AttemptState.NeedsAction ? PaymentEventTypes.RequiresAction : PaymentEventTypes.Processing;
        return authorize.State == OperationState.Unknown && attemptState != AttemptState.NeedsAction
            ? new Applied(Next(payment.With(waiting)), [])
            : new Steps(payment).Happened(happening, payment.With(waiting), waiting).Done();
    }

    /// <summary>A provider that does not say how the customer was authenticated has shown it: there was a challenge, or there was none.</summary>
    private static AuthenticationOutcome? AuthenticationOf(PaymentState payment, Attempt attempt, Fact fact) =>
        fact.Authentication is { Flow: null, Result: AuthenticationResult.Authenticated or AuthenticationResult.Failed } told
            ? told with { Flow = attempt.State == AttemptState.NeedsAction ? AuthenticationFlow.Challenge : AuthenticationFlow.Frictionless }
            : fact.Authentication ?? payment.Authentication;

    private static bool CapturesAtOnce(PaymentState payment) => payment.Details.CaptureMethod == CaptureMethod.Automatic && !payment.HeldForReview;

    /// <summary>Notices may arrive in any order: one that the provider dates before the newest fact says nothing new.</summary>
    private static bool IsOlder(Operation operation, Fact fact) => fact.ProviderTime is { } told && operation.ProviderTime is { } known && told < known;

    /// <summary>
    /// Providers date by the second. What ended badly had been accepted before, never after, so a success of the same second is the
    /// older of the two.
    /// </summary>
    private static bool IsNoNewer(Operation operation, Fact fact) => fact.ProviderTime is { } told && operation.ProviderTime is { } known && told <= known;

    private static Attempt Learn(Attempt attempt, AttemptState state, Fact fact) => attempt with
    {
        State = state,
        PaymentReference = fact.PaymentReference ?? attempt.PaymentReference,
        ModificationReference = fact.ModificationReference ?? attempt.ModificationReference,
        ActionUrl = fact.ActionUrl ?? attempt.ActionUrl,
        Decline = fact.Decline ?? attempt.Decline,
        Detail = fact.Detail ?? attempt.Detail,
    };

    private static Attempt Settle(Attempt attempt, AttemptState state, Fact fact) => Learn(attempt, state, fact) with { ClosedAt = fact.LearnedAt };

    private static PaymentState Next(PaymentState payment) => payment with { Version = payment.Version + 1 };

    /// <summary>Strings happenings together, each one version after the other, so that each event shows the payment as of itself.</summary>
    private sealed class Steps(PaymentState before)
    {
        private readonly ImmutableArray<Happening>.Builder happenings = ImmutableArray.CreateBuilder<Happening>(2);

        public PaymentState Payment { get; private set; } = before;

        public Steps Happened(string type, PaymentState after, Operation operation, CaptureFees? fees = null)
        {
            Payment = Next(after);
            happenings.Add(new Happening(type, Payment, FactOf(Payment, operation), fees));
            return this;
        }

        /// <summary>Changed without anything to tell.</summary>
        public Steps Quietly(Func<PaymentState, PaymentState> change)
        {
            Payment = Next(change(Payment));
            return this;
        }

        /// <summary>The provider took the money with the authorization: a capture of its own, all of it and final.</summary>
        /// <param name="authorized">The payment, authorized.</param>
        /// <param name="authorization">Where that has just come about: one happening tells both.</param>
        public Steps CapturedWith(Fact fact, PaymentState authorized, Operation? authorization = null)
        {
            var amount = authorized.Amounts.CapturableMinor;
            var fees = FeesOf(authorized, amount, authorized.AuthorizingAttempt);
            var capture = new Operation(fact.NewOperation, OperationKind.Capture, OperationState.Succeeded, amount)
            {
                Final = true,
                Fees = fees,
                CreatedAt = fact.LearnedAt,
                ChangedAt = fact.LearnedAt,
                ProviderTime = fact.ProviderTime,
                ProviderReference = fact.ModificationReference,
            };
            Happened(PaymentEventTypes.Captured, authorized.With(capture) with { CapturedAt = authorized.CapturedAt ?? fact.LearnedAt }, capture, fees);
            happenings[^1] = happenings[^1] with { Authorization = authorization is null ? null : FactOf(Payment, authorization) };
            return this;
        }

        public Applied Done() => new(Payment, happenings.ToImmutable());
    }

    /// <summary>The merchant's commission and the provider's expected cost; the fixed parts come with the first capture that stands.</summary>
    private static CaptureFees FeesOf(PaymentState payment, long booked, Attempt? attempt)
    {
        var isFirst = !payment.Operations.Any(o => o is { Kind: OperationKind.Capture, State: OperationState.Succeeded });
        return new CaptureFees(payment.Details.PlanVersion, payment.Details.Commission.Of(booked, isFirst), attempt?.Cost.Of(booked, isFirst) ?? 0);
    }

    private static OperationFact FactOf(PaymentState payment, Operation operation)
    {
        var attempt = operation.Current ?? payment.AuthorizingAttempt;
        return new OperationFact(
            operation.Id.ToString(), operation.Kind, operation.State, operation.AmountMinor, payment.Amount.Currency.Code,
            operation.Current?.Id.ToString(), attempt?.Provider,
            operation.ProviderReference ?? operation.Current?.ModificationReference ?? attempt?.PaymentReference,
            operation.Reason, operation.ReleasedMinor, operation.SuspenseMinor, operation.Final)
        {
            RequestKey = operation.RequestKey,
        };
    }
}
