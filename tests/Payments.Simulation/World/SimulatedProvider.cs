using Payments.Connectors;
using Payments.Core;
using Payments.Simulation.Engine;

namespace Payments.Simulation.World;

/// <summary>What reaches a provider.</summary>
/// <param name="Reference">The provider's reference of the charge, or our own attempt's id for a cancellation by our reference.</param>
internal sealed record Order(OperationKind Kind, AttemptId Attempt, PaymentId Payment, string? Reference, long Amount, bool CaptureNow, bool Final, Card Card, string? OrderedBy);

/// <summary>
/// A provider with books of its own. It never fails; what goes wrong happens on the way to it and back. A key is remembered for a day
/// together with its answer, be that an error.
/// </summary>
internal abstract class SimulatedProvider(Provider provider, Scheduler scheduler, Process outside, Action<ProviderFact> tell)
{
    private static readonly TimeSpan KeysLive = TimeSpan.FromHours(24);
    protected static readonly TimeSpan MuchLater = TimeSpan.FromMinutes(10);
    private static readonly Decline Bounced = new("refund_bounced", DeclineKind.Soft, MayCascade: false, "could_not_process", "Try again.");
    private static readonly Decline BouncedForGood = new("refund_bounced", DeclineKind.Hard, MayCascade: false, "lost_or_stolen_card", "The card is gone.");
    private readonly Dictionary<AttemptId, (Outcome Answer, DateTimeOffset At)> keys = [];
    private int names;
    private int notices;

    public Provider Provider => provider;

    public List<Charge> Charges { get; } = [];

    /// <summary>Also an error that came before anything was done.</summary>
    protected abstract bool KeepsEveryError { get; }

    protected DateTimeOffset Now => scheduler.Now;

    public Outcome Receive(Order order) => Remembered(order.Attempt) ?? Remember(order.Attempt, Execute(order));

    /// <summary>An internal error is stored under the key and given again for a day; what never began, not everywhere.</summary>
    public Outcome ReceiveAndFail(Order order, bool isExecuted)
    {
        if (Remembered(order.Attempt) is { } answer)
        {
            return answer;
        }

        if (isExecuted)
        {
            Execute(order);
        }

        var error = new Outcome(OutcomeKind.Unknown) { Detail = "500" };
        return isExecuted || KeepsEveryError ? Remember(order.Attempt, error) : error;
    }

    /// <summary>What reading an attempt back brings.</summary>
    public abstract ReadBack Read(Order asked, DateTimeOffset openedAt, string? modificationReference);

    /// <summary>The customer finishes a challenge at the issuer's page.</summary>
    public abstract void FinishChallenge(Charge charge, bool isGood);

    /// <summary>We finish a challenge with what the browser brought back.</summary>
    public abstract Outcome CompleteChallenge(Charge charge, bool isGood);

    /// <summary>Somebody moves money in the provider's dashboard.</summary>
    public void ByDashboard(Charge charge, OperationKind kind, long amount)
    {
        var movement = new Movement(kind, Name(kind), null, null, amount, Now);
        charge.Movements.Add(movement);
        if (kind != OperationKind.Refund)
        {
            charge.IsReleased = true;
        }

        if (kind == OperationKind.Void)
        {
            charge.State = SimulatedChargeState.Cancelled;
        }

        Tell(charge, DashboardFact(charge, movement));
    }

    protected abstract Outcome Execute(Order order);

    protected abstract ProviderFact DashboardFact(Charge charge, Movement movement);

    protected Charge New(Order order, SimulatedChargeState state)
    {
        var charge = new Charge(provider, Name(OperationKind.Authorize), order.Attempt, order.Payment, order.OrderedBy, order.Amount, order.CaptureNow, order.Card, Now) { State = state };
        Charges.Add(charge);
        return charge;
    }

    protected void Hold(Charge charge)
    {
        (charge.State, charge.WasHeld) = (SimulatedChargeState.Held, true);
        if (charge.CapturesAtOnce)
        {
            charge.Movements.Add(new Movement(OperationKind.Capture, Name(OperationKind.Capture), charge.Attempt, charge.OrderedBy, charge.Amount, Now));
            charge.IsReleased = true;
        }
    }

    protected Movement Move(Charge charge, Order order, MovementState state)
    {
        var movement = new Movement(order.Kind, Name(order.Kind), order.Attempt, order.OrderedBy, order.Amount, Now) { State = state };
        charge.Movements.Add(movement);
        return movement;
    }

    protected Charge? Find(string? reference) => Charges.Find(c => c.Reference == reference);

    protected void Later(TimeSpan delay, Action then) => scheduler.StartAt(Now + delay, outside, () =>
    {
        then();
        return Task.CompletedTask;
    });

    /// <summary>Providers date what happened to the second.</summary>
    protected void Tell(Charge charge, ProviderFact fact) => tell(fact with
    {
        NoticeId = $"{provider}-{++notices}",
        PaymentId = charge.Payment,
        OccurredAt = new DateTimeOffset(Now.UtcTicks - (Now.UtcTicks % TimeSpan.TicksPerSecond), TimeSpan.Zero),
    });

    /// <summary>Why a refund of this charge came back.</summary>
    protected static Decline BounceOf(Charge charge) => charge.Card == Card.RefundTakenBack ? BouncedForGood : Bounced;

    private Outcome? Remembered(AttemptId key) => keys.TryGetValue(key, out var stored) && Now - stored.At < KeysLive ? stored.Answer : null;

    private Outcome Remember(AttemptId key, Outcome answer)
    {
        keys[key] = (answer, Now);
        return answer;
    }

    private string Name(OperationKind kind) => $"{provider}-{kind}-{++names}".ToLowerInvariant();
}
