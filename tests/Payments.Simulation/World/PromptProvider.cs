using Payments.Connectors;
using Payments.Core;
using Payments.Simulation.Engine;

namespace Payments.Simulation.World;

/// <summary>Like Stripe: decides at once, can be asked, and refuses what exceeds its books.</summary>
internal sealed class PromptProvider(Scheduler scheduler, Process outside, Action<ProviderFact> tell) : SimulatedProvider(Provider.Stripe, scheduler, outside, tell)
{
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);
    private static readonly Decline Hard = new("generic_decline", DeclineKind.Hard, MayCascade: false, "generic_decline", "Declined.");
    private static readonly Decline Soft = new("processing_error", DeclineKind.Soft, MayCascade: true, "processing_error", "Try again.");
    private static readonly Decline WrongState = new("request_refused", DeclineKind.Hard, MayCascade: false, "payment_intent_unexpected_state", "Wrong state.");

    protected override bool KeepsEveryError => true;

    public override ReadBack Read(Order asked, DateTimeOffset openedAt, string? modificationReference)
    {
        var charge = asked.Reference is not null ? Find(asked.Reference)
            : asked.Kind == OperationKind.Authorize ? Charges.Find(c => c.Attempt == asked.Attempt && c.CreatedAt >= openedAt - Skew)
            : null;
        if (asked.Kind == OperationKind.Authorize)
        {
            return charge is null ? new ReadBack(ReadBackKind.NotFound) : new ReadBack(ReadBackKind.Found, OutcomeOf(charge));
        }

        if (asked.Reference is null)
        {
            return new ReadBack(ReadBackKind.CannotAsk);
        }

        var movement = charge?.Movements.Find(m => m.Kind == asked.Kind && (modificationReference is null ? m.Attempt == asked.Attempt : m.Reference == modificationReference));
        return asked.Kind switch
        {
            OperationKind.Void => charge is { State: SimulatedChargeState.Cancelled } ? Found(charge) : new ReadBack(ReadBackKind.NotFound),
            OperationKind.Capture => movement is { State: MovementState.Done } ? Found(charge!) : new ReadBack(ReadBackKind.NotFound),
            _ => movement is null ? new ReadBack(ReadBackKind.NotFound) : new ReadBack(ReadBackKind.Found, OutcomeOf(charge!, movement)),
        };
    }

    public override void FinishChallenge(Charge charge, bool isGood)
    {
        if (charge.State == SimulatedChargeState.Challenged)
        {
            Decide(charge, isGood ? null : Hard);
        }
    }

    public override Outcome CompleteChallenge(Charge charge, bool isGood) => OutcomeOf(charge);

    protected override Outcome Execute(Order order) => order.Kind switch
    {
        OperationKind.Authorize => Authorize(order),
        OperationKind.Capture => Capture(order),
        OperationKind.Void => Cancel(order),
        _ => Refund(order),
    };

    protected override ProviderFact DashboardFact(Charge charge, Movement movement) => movement.Kind switch
    {
        OperationKind.Capture => new ProviderFact("", ProviderFactKind.CaptureSucceeded, charge.Reference) { Amount = charge.In(movement.Amount), Captured = true },
        OperationKind.Void => new ProviderFact("", ProviderFactKind.AuthorizationCancelled, charge.Reference) { Amount = charge.In(charge.Amount) },
        _ => new ProviderFact("", ProviderFactKind.RefundSucceeded, charge.Reference) { ModificationReference = movement.Reference, Amount = charge.In(movement.Amount) },
    };

    private Outcome Authorize(Order order)
    {
        var charge = New(order, SimulatedChargeState.Challenged);
        if (order.Card == Card.Challenge)
        {
            Tell(charge, Fact(ProviderFactKind.AuthorizationNeedsAction, charge));
            return OutcomeOf(charge);
        }

        Decide(charge, order.Card switch { Card.Declined => Hard, Card.DeclinedAtStripe => Soft, _ => null });
        return OutcomeOf(charge);
    }

    private void Decide(Charge charge, Decline? decline)
    {
        if (decline is null)
        {
            Hold(charge);
            Tell(charge, Fact(ProviderFactKind.AuthorizationApproved, charge) with { Captured = charge.CapturesAtOnce });
        }
        else
        {
            charge.State = SimulatedChargeState.Declined;
            Tell(charge, Fact(ProviderFactKind.AuthorizationDeclined, charge) with { Decline = decline });
        }
    }

    private Outcome Capture(Order order)
    {
        var charge = Find(order.Reference)!;
        if (charge.Movements.Exists(m => m.Kind == OperationKind.Capture && m.Attempt == order.Attempt))
        {
            // A repeat after the key was forgotten: the refusal carries the intent, which shows this very capture.
            return Approved(charge);
        }

        if (charge.State != SimulatedChargeState.Held || charge.IsReleased || order.Amount > charge.Held)
        {
            return Refused();
        }

        Move(charge, order, MovementState.Done);
        charge.IsReleased = order.Final || charge.Held == 0;
        Tell(charge, new ProviderFact("", ProviderFactKind.CaptureSucceeded, charge.Reference) { AttemptId = order.Attempt, Amount = charge.In(order.Amount), Captured = true });
        return Approved(charge);
    }

    private Outcome Cancel(Order order)
    {
        if (Find(order.Reference) is not { } charge)
        {
            return Refused();
        }

        if (charge.State == SimulatedChargeState.Cancelled)
        {
            return Approved(charge);
        }

        if (charge.State is not (SimulatedChargeState.Held or SimulatedChargeState.Challenged) || charge.EverCaptured > 0)
        {
            return Refused();
        }

        Move(charge, order, MovementState.Done);
        (charge.State, charge.IsReleased) = (SimulatedChargeState.Cancelled, true);
        Tell(charge, new ProviderFact("", ProviderFactKind.AuthorizationCancelled, charge.Reference) { Amount = charge.In(charge.Amount) });
        return Approved(charge);
    }

    private Outcome Refund(Order order)
    {
        var charge = Find(order.Reference)!;
        var waiting = charge.Movements.Where(m => m is { Kind: OperationKind.Refund, State: MovementState.Received }).Sum(m => m.Amount);
        if (order.Amount > charge.Captured - charge.Refunded - waiting)
        {
            return Refused();
        }

        var refund = Move(charge, order, charge.Card == Card.RefundLater ? MovementState.Received : MovementState.Done);
        if (refund.State == MovementState.Received)
        {
            Later(MuchLater, () =>
            {
                refund.State = MovementState.Done;
                TellRefund(charge, refund, ProviderFactKind.RefundSucceeded);
            });
        }
        else if (charge.Bounces(refund))
        {
            Later(MuchLater, () =>
            {
                refund.TakeBack(Now);
                TellRefund(charge, refund, ProviderFactKind.RefundFailed);
            });
        }

        if (refund.State == MovementState.Done)
        {
            TellRefund(charge, refund, ProviderFactKind.RefundSucceeded);
        }

        return OutcomeOf(charge, refund);
    }

    private void TellRefund(Charge charge, Movement refund, ProviderFactKind kind) => Tell(charge, new ProviderFact("", kind, charge.Reference)
    {
        ModificationReference = refund.Reference,
        AttemptId = refund.Attempt,
        Amount = charge.In(refund.Amount),
        Decline = kind == ProviderFactKind.RefundFailed ? BounceOf(charge) : null,
    });

    private static ProviderFact Fact(ProviderFactKind kind, Charge charge) => new("", kind, charge.Reference) { AttemptId = charge.Attempt, Amount = charge.In(charge.Amount) };

    private static Outcome OutcomeOf(Charge charge)
    {
        var outcome = new Outcome(OutcomeKind.Approved) { PaymentReference = charge.Reference };
        return charge.State switch
        {
            SimulatedChargeState.Held => outcome with { Captured = charge.EverCaptured > 0 && charge.IsReleased },
            SimulatedChargeState.Challenged => outcome with { Kind = OutcomeKind.NeedsAction, ActionUrl = "https://issuer.example/challenge" },
            SimulatedChargeState.Declined => outcome with { Kind = OutcomeKind.Declined, Decline = charge.Card == Card.DeclinedAtStripe ? Soft : Hard },
            _ => outcome with { Kind = OutcomeKind.Declined, Decline = WrongState, Detail = "the intent was cancelled" },
        };
    }

    private static Outcome OutcomeOf(Charge charge, Movement refund)
    {
        var outcome = new Outcome(OutcomeKind.Approved) { PaymentReference = charge.Reference, ModificationReference = refund.Reference };
        return refund.State switch
        {
            MovementState.Received => outcome with { Kind = OutcomeKind.Pending },
            MovementState.Done => outcome,
            _ => outcome with { Kind = OutcomeKind.Declined, Decline = BounceOf(charge) },
        };
    }

    private static ReadBack Found(Charge charge) => new(ReadBackKind.Found, Approved(charge));

    private static Outcome Approved(Charge charge) => new(OutcomeKind.Approved) { PaymentReference = charge.Reference };

    private static Outcome Refused() => new(OutcomeKind.Declined) { Decline = WrongState };
}
