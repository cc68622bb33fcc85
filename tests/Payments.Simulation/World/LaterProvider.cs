using Payments.Connectors;
using Payments.Core;
using Payments.Simulation.Engine;

namespace Payments.Simulation.World;

/// <summary>
/// Like Adyen: modifications are received first and decided later, only notices tell, nothing can be asked. It does whatever it is
/// told, also beyond what was authorized or captured, so that a missing reservation shows in its books.
/// </summary>
internal sealed class LaterProvider(Scheduler scheduler, Process outside, Action<ProviderFact> tell) : SimulatedProvider(Provider.Adyen, scheduler, outside, tell)
{
    private static readonly TimeSpan SoonAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ChallengeLives = TimeSpan.FromHours(12);
    private static readonly Decline Refusal = new("generic_decline", DeclineKind.Hard, MayCascade: false, "2", "Refused.");

    /// <summary>It marks such an error as transient: the same key may be used again.</summary>
    protected override bool KeepsEveryError => false;

    public override ReadBack Read(Order asked, DateTimeOffset openedAt, string? modificationReference) => new(ReadBackKind.CannotAsk);

    /// <summary>Only the result that we submit finishes it.</summary>
    public override void FinishChallenge(Charge charge, bool isGood)
    {
    }

    public override Outcome CompleteChallenge(Charge charge, bool isGood)
    {
        if (charge.State == SimulatedChargeState.Challenged)
        {
            Decide(charge, isGood);
        }

        return OutcomeOf(charge);
    }

    protected override Outcome Execute(Order order)
    {
        if (order.Kind == OperationKind.Authorize)
        {
            return Authorize(order);
        }

        var isOurName = Id.TryParse<AttemptId>(order.Reference, out var authorizing);
        var charge = isOurName ? Charges.Find(c => c.Attempt == authorizing) : Find(order.Reference);
        if (charge is null && !isOurName)
        {
            return new Outcome(OutcomeKind.Declined) { Decline = Refusal };
        }

        if (charge is null)
        {
            // Whether there is such a payment is found out, and told, later; by then the first request may have come.
            Later(SoonAfter, () => Unfound(order, authorizing));
            return new Outcome(OutcomeKind.Pending) { ModificationReference = $"adyen-cancel-{order.Attempt}" };
        }

        var movement = Move(charge, order, MovementState.Received);
        Later(SoonAfter, () => Turn(charge, movement, order.Final));
        return new Outcome(OutcomeKind.Pending) { PaymentReference = isOurName ? null : charge.Reference, ModificationReference = movement.Reference };
    }

    protected override ProviderFact DashboardFact(Charge charge, Movement movement) => Fact(
        movement.Kind switch
        {
            OperationKind.Capture => ProviderFactKind.CaptureSucceeded,
            OperationKind.Void => ProviderFactKind.VoidSucceeded,
            _ => ProviderFactKind.RefundSucceeded,
        },
        charge, movement);

    private Outcome Authorize(Order order)
    {
        var charge = New(order, SimulatedChargeState.Challenged);
        if (order.Card != Card.Challenge)
        {
            Decide(charge, order.Card != Card.Declined);
        }
        else
        {
            // What nobody has finished within half a day is closed, and told.
            Later(ChallengeLives, () => CompleteChallenge(charge, isGood: false));
        }

        return OutcomeOf(charge);
    }

    private void Decide(Charge charge, bool isGood)
    {
        var told = new ProviderFact("", isGood ? ProviderFactKind.AuthorizationApproved : ProviderFactKind.AuthorizationDeclined, charge.Reference)
        {
            AttemptId = charge.Attempt,
            Amount = charge.In(charge.Amount),
            Captured = isGood && charge.CapturesAtOnce,
            Decline = isGood ? null : Refusal,
        };
        if (isGood)
        {
            Hold(charge);
            if (charge is { CapturesAtOnce: true, Card: Card.CaptureTakenBack })
            {
                Later(MuchLater, () => TakeBack(charge, charge.Movements[0]));
            }
        }
        else
        {
            charge.State = SimulatedChargeState.Declined;
        }

        Tell(charge, told);
    }

    private void Turn(Charge charge, Movement movement, bool isFinal)
    {
        var isDone = movement.Kind switch
        {
            OperationKind.Capture => charge is { State: SimulatedChargeState.Held, IsReleased: false },
            OperationKind.Void => charge.State == SimulatedChargeState.Held && charge.EverCaptured == 0,
            _ => charge.WasHeld && charge.EverCaptured > 0,
        };
        movement.State = isDone ? MovementState.Done : MovementState.Refused;
        if (isDone && movement.Kind == OperationKind.Capture)
        {
            charge.IsReleased |= isFinal;
        }

        if (isDone && movement.Kind == OperationKind.Void)
        {
            (charge.State, charge.IsReleased) = (SimulatedChargeState.Cancelled, true);
        }

        Tell(charge, Fact(
            (movement.Kind, isDone) switch
            {
                (OperationKind.Capture, true) => ProviderFactKind.CaptureSucceeded,
                (OperationKind.Capture, false) => ProviderFactKind.CaptureFailed,
                (OperationKind.Void, true) => ProviderFactKind.VoidSucceeded,
                (OperationKind.Void, false) => ProviderFactKind.VoidFailed,
                (_, true) => ProviderFactKind.RefundSucceeded,
                _ => ProviderFactKind.RefundFailed,
            },
            charge, movement) with
        { Decline = !isDone && movement.Kind == OperationKind.Void ? Cannot(Resolving.NotCancellableCode) : null });
        if (isDone && ((movement.Kind, charge.Card) is (OperationKind.Capture, Card.CaptureTakenBack) || (movement.Kind == OperationKind.Refund && charge.Bounces(movement))))
        {
            Later(MuchLater, () => TakeBack(charge, movement));
        }
    }

    private void TakeBack(Charge charge, Movement movement)
    {
        movement.TakeBack(Now);
        Tell(charge, movement.Kind == OperationKind.Capture
            ? Fact(ProviderFactKind.CaptureFailed, charge, movement)
            : Fact(ProviderFactKind.RefundFailed, charge, movement) with { Decline = BounceOf(charge) });
    }

    private void Unfound(Order order, AttemptId authorizing)
    {
        var charge = Charges.Find(c => c.Attempt == authorizing);
        if (charge is not null)
        {
            Turn(charge, Move(charge, order, MovementState.Received), isFinal: false);
            return;
        }

        TellNothingFound(order);
    }

    private void TellNothingFound(Order order)
    {
        var nothing = new Charge(Provider, "", order.Attempt, order.Payment, null, 0, false, Card.Good, Now);
        Tell(nothing, new ProviderFact("", ProviderFactKind.VoidFailed, "") { ModificationReference = $"adyen-cancel-{order.Attempt}", AttemptId = order.Attempt, Decline = Cannot(Resolving.NotFoundCode) });
    }

    private static Decline Cannot(string code) => new(code, DeclineKind.Hard, MayCascade: false, null, "It cannot be cancelled.");

    private static ProviderFact Fact(ProviderFactKind kind, Charge charge, Movement movement) => new("", kind, charge.Reference)
    {
        ModificationReference = movement.Reference,
        AttemptId = movement.Attempt,
        Amount = charge.In(movement.Amount),
        Captured = movement.Kind == OperationKind.Capture && movement.State is MovementState.Done or MovementState.TakenBack,
    };

    private static Outcome OutcomeOf(Charge charge)
    {
        var outcome = new Outcome(OutcomeKind.Approved) { PaymentReference = charge.Reference };
        return charge.State switch
        {
            SimulatedChargeState.Held => outcome with { Captured = charge.CapturesAtOnce },
            SimulatedChargeState.Challenged => outcome with { Kind = OutcomeKind.NeedsAction, ActionUrl = "https://issuer.example/challenge" },
            SimulatedChargeState.Declined => outcome with { Kind = OutcomeKind.Declined, Decline = Refusal },
            _ => outcome with { Kind = OutcomeKind.Declined, Decline = Refusal },
        };
    }
}
