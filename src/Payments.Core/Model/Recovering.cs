using System.Collections.Immutable;
using Payments.Core.Events;

namespace Payments.Core;

/// <summary>A payment made of a provider's charge, with all that became true of it.</summary>
public sealed record RecoveredPayment(PaymentState Payment, ImmutableArray<Happening> Happenings);

/// <summary>Whose the payment is and what it costs: everything of a recovered payment that the provider cannot tell.</summary>
/// <param name="Opened">Numbers of the authorization; the attempt's is the echoed one where that is free.</param>
public sealed record RecoveredBlank(PaymentId Id, MerchantId MerchantId, int PlanVersion, Price Commission, Price Cost, NewOperation Opened);

/// <summary>
/// Makes payments of charges that a provider has and we do not. The facts go through the one apply function, so a recovered payment
/// has the operations, events and postings that it would have had.
/// </summary>
public static class Recovering
{
    /// <param name="number">Numbers for the operations that the provider's facts bring into being.</param>
    public static RecoveredPayment Payment(ProviderCharge charge, RecoveredBlank blank, Func<OperationId> number)
    {
        ArgumentNullException.ThrowIfNull(charge);
        ArgumentNullException.ThrowIfNull(blank);
        ArgumentNullException.ThrowIfNull(number);
        return Replay(charge, blank, Open(charge, blank), [], number);
    }

    /// <summary>A charge that stood in suspense and has found its merchant: its money leaves suspense first.</summary>
    public static RecoveredPayment Attributed(ProviderCharge charge, RecoveredBlank blank, OperationId suspended, Func<OperationId> number)
    {
        ArgumentNullException.ThrowIfNull(charge);
        ArgumentNullException.ThrowIfNull(blank);
        ArgumentNullException.ThrowIfNull(number);
        var payment = Open(charge, blank) with { Version = 2 };
        return Replay(charge, blank, payment, [new Happening(PaymentEventTypes.Attributed, payment, Suspended(charge, suspended, blank.Opened), null)], number);
    }

    /// <summary>A charge of nobody that we know: its money, against suspense.</summary>
    public static Happening Unattributed(ProviderCharge charge, RecoveredBlank blank, OperationId suspended)
    {
        ArgumentNullException.ThrowIfNull(charge);
        ArgumentNullException.ThrowIfNull(blank);
        return new Happening(PaymentEventTypes.Unattributed, Open(charge, blank), Suspended(charge, suspended, blank.Opened), null);
    }

    /// <summary>What of a charge stands in suspense: what was taken and not given back, else what is held.</summary>
    public static long SuspendedMinor(ProviderCharge charge)
    {
        ArgumentNullException.ThrowIfNull(charge);
        return charge.CapturedMinor > 0 ? Math.Max(0, charge.CapturedMinor - charge.Refunds.Sum(r => r.AmountMinor)) : charge.AmountMinor;
    }

    private static PaymentState Open(ProviderCharge charge, RecoveredBlank blank)
    {
        Invariant.Holds(charge.Counts, "only a charge that holds or took money becomes a payment");
        var details = new PaymentDetails(
            charge.CaptureMethod, charge.Card, blank.PlanVersion, blank.Commission, null, charge.Description, null, null, null, new Dictionary<string, string>())
        { Origin = PaymentOrigin.Recovered };
        return Opening.Payment(
            new PaymentState(blank.Id, blank.MerchantId, charge.Mode, charge.Amount, details), blank.Opened, new NewAttempt(blank.Opened.AttemptId, charge.Provider, blank.Cost));
    }

    private static RecoveredPayment Replay(ProviderCharge charge, RecoveredBlank blank, PaymentState payment, IEnumerable<Happening> before, Func<OperationId> number)
    {
        var happenings = before.ToImmutableArray().ToBuilder();
        foreach (var fact in FactsOf(charge, blank, number))
        {
            if (Applying.Apply(payment, fact) is not Application.Applied applied)
            {
                throw new InvariantException($"a fresh payment takes the {Words.Of(fact.Kind)} of its charge");
            }

            payment = applied.Payment;
            happenings.AddRange(applied.Happenings);
        }

        return new RecoveredPayment(payment, happenings.ToImmutable());
    }

    private static IEnumerable<Fact> FactsOf(ProviderCharge charge, RecoveredBlank blank, Func<OperationId> number)
    {
        var whole = charge.CapturedMinor >= charge.AmountMinor;
        yield return Told(OperationKind.Authorize) with { AttemptId = blank.Opened.AttemptId, Captured = whole, CaptureBefore = charge.CaptureBefore };
        if (charge.CapturedMinor > 0 && !whole)
        {
            yield return Told(OperationKind.Capture) with { AmountMinor = charge.CapturedMinor };
            if (charge.State == ChargeState.Taken)
            {
                yield return Told(OperationKind.Void);
            }
        }

        foreach (var refund in charge.Refunds)
        {
            yield return Told(OperationKind.Refund) with { ModificationReference = refund.Reference, AmountMinor = refund.AmountMinor, ProviderTime = refund.At };
        }

        Fact Told(OperationKind kind) => new(kind, FactOutcome.Succeeded, charge.Provider, number(), blank.Opened.At)
        {
            PaymentReference = charge.Reference,
            ProviderTime = charge.CreatedAt,
        };
    }

    private static OperationFact Suspended(ProviderCharge charge, OperationId operation, NewOperation opened)
    {
        var kind = charge.CapturedMinor > 0 ? OperationKind.Capture : OperationKind.Authorize;
        return new OperationFact(
            operation.ToString(), kind, OperationState.Succeeded, SuspendedMinor(charge), charge.Currency, opened.AttemptId.ToString(), charge.Provider,
            charge.Reference, opened.Reason, 0, 0, false);
    }
}
