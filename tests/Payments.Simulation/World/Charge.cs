using Payments.Core;

namespace Payments.Simulation.World;

/// <summary>How a card behaves wherever it is charged.</summary>
internal enum Card
{
    Good,
    Declined,

    /// <summary>Refused by Stripe in a way that lets another provider be tried; good at Adyen.</summary>
    DeclinedAtStripe,

    /// <summary>Wants the customer to finish a challenge.</summary>
    Challenge,

    /// <summary>At Adyen its captures are taken back some minutes later.</summary>
    CaptureTakenBack,

    /// <summary>Its refunds bounce some minutes later, for good.</summary>
    RefundTakenBack,

    /// <summary>Its first refund bounces some minutes later, in a way that lets another try work.</summary>
    RefundBouncesOnce,

    /// <summary>All of its refunds bounce that way.</summary>
    RefundBouncesAlways,

    /// <summary>At Stripe its refunds are accepted first and succeed later.</summary>
    RefundLater,
}

internal enum SimulatedChargeState
{
    Challenged,
    Held,
    Declined,
    Cancelled,
}

internal enum MovementState
{
    /// <summary>To be decided later.</summary>
    Received,
    Done,
    Refused,

    /// <summary>It was done, and taken back.</summary>
    TakenBack,
}

/// <summary>A capture, refund or cancellation in a provider's books.</summary>
/// <param name="attempt">Ours; null where it was done in the provider's dashboard.</param>
/// <param name="orderedBy">The merchant's request behind it, for the oracle only: no provider knows it.</param>
internal sealed class Movement(OperationKind kind, string reference, AttemptId? attempt, string? orderedBy, long amount, DateTimeOffset madeAt)
{
    public OperationKind Kind => kind;

    public string Reference => reference;

    public AttemptId? Attempt => attempt;

    public string? OrderedBy => orderedBy;

    public long Amount => amount;

    public MovementState State { get; set; } = MovementState.Done;

    public DateTimeOffset MadeAt => madeAt;

    public DateTimeOffset? TakenBackAt { get; private set; }

    public void TakeBack(DateTimeOffset at) => (State, TakenBackAt) = (MovementState.TakenBack, at);

    public override string ToString() => $"{kind} of {amount} {State}{(attempt is null ? ", by the provider's dashboard" : "")}{(orderedBy is null ? "" : $", for {orderedBy}")}";
}

/// <summary>A charge in a provider's books: the outside truth.</summary>
internal sealed class Charge(Provider provider, string reference, AttemptId attempt, PaymentId payment, string? orderedBy, long amount, bool capturesAtOnce, Card card, DateTimeOffset createdAt)
{
    public Provider Provider => provider;

    public string Reference => reference;

    public AttemptId Attempt => attempt;

    public PaymentId Payment => payment;

    public string? OrderedBy => orderedBy;

    public long Amount => amount;

    /// <summary>The amount tells, so that a history need not: every third of them is in another one.</summary>
    public static Currency CurrencyOf(long amount) => amount % 300 == 0 ? Currency.Of("EUR") : Currency.Of("USD");

    public Currency Currency { get; } = CurrencyOf(amount);

    public Money In(long minor) => new(minor, Currency);

    public bool CapturesAtOnce => capturesAtOnce;

    public Card Card => card;

    public DateTimeOffset CreatedAt => createdAt;

    public SimulatedChargeState State { get; set; }

    /// <summary>It was held once, whatever came after.</summary>
    public bool WasHeld { get; set; }

    /// <summary>Nothing is held any more: all captured, a final capture, or a cancellation.</summary>
    public bool IsReleased { get; set; }

    public List<Movement> Movements { get; } = [];

    public long EverCaptured => Sum(OperationKind.Capture, MovementState.Done) + Sum(OperationKind.Capture, MovementState.TakenBack);

    public long Captured => Sum(OperationKind.Capture, MovementState.Done);

    public long Refunded => Sum(OperationKind.Refund, MovementState.Done);

    public long Held => State == SimulatedChargeState.Held && !IsReleased ? Math.Max(0, amount - EverCaptured) : 0;

    public bool Bounces(Movement refund) => card switch
    {
        Card.RefundTakenBack or Card.RefundBouncesAlways => true,
        Card.RefundBouncesOnce => Movements.Find(m => m is { Kind: OperationKind.Refund, Attempt: not null }) == refund,
        _ => false,
    };

    /// <summary>As the provider's list shows it.</summary>
    public ProviderCharge Listed(MerchantId merchant) => new(provider, Mode.Test, reference, amount, Currency.Code, ListedState, createdAt)
    {
        CapturedMinor = EverCaptured,
        CaptureMethod = capturesAtOnce ? CaptureMethod.Automatic : CaptureMethod.Manual,
        AttemptId = attempt,
        PaymentId = payment,
        MerchantId = merchant,
        Card = new PaymentMethodView("card", "visa", "4242", "US", "credit", null),
        Refunds = [.. Movements.Where(m => m is { Kind: OperationKind.Refund, State: MovementState.Done }).Select(m => new ProviderRefund(m.Reference, m.Amount, null))],
    };

    private ChargeState ListedState => State switch
    {
        SimulatedChargeState.Held when IsReleased && EverCaptured > 0 => ChargeState.Taken,
        SimulatedChargeState.Held when IsReleased => ChargeState.Released,
        SimulatedChargeState.Held => ChargeState.Held,
        SimulatedChargeState.Cancelled => ChargeState.Released,
        _ => ChargeState.Nothing,
    };

    private long Sum(OperationKind kind, MovementState state)
    {
        var sum = 0L;
        foreach (var movement in Movements)
        {
            sum += movement.Kind == kind && movement.State == state ? movement.Amount : 0;
        }

        return sum;
    }

    public override string ToString() =>
        $"{provider} charge {reference} of {amount}, {State}{(orderedBy is null ? "" : $", for {orderedBy}")}{string.Concat(Movements.Select(m => $"; {m}"))}";
}
