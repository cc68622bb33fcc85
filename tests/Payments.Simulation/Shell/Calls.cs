using Payments.Connectors;
using Payments.Core;
using Payments.Simulation.Engine;
using Payments.Simulation.World;

namespace Payments.Simulation.Shell;

/// <summary>The way to the providers and back, on which everything may go wrong.</summary>
internal sealed class Calls(IReadOnlyDictionary<Provider, SimulatedProvider> providers, IReadOnlyDictionary<string, Card> vault, Database database, Faults faults, Scheduler scheduler, Process outside)
{
    private static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(10);

    /// <summary>Less than the spacing of two readings that prove an attempt missing, counted from when the caller gave up.</summary>
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(45);

    public async Task<Outcome> MakeAsync(PaymentState payment, Operation operation, Attempt attempt)
    {
        var (provider, order) = (providers[attempt.Provider], OrderOf(payment, operation, attempt));
        await scheduler.Step();
        if (!faults.Strikes(faults.Calls, out var fault))
        {
            var answer = provider.Receive(order);
            await scheduler.Step();
            return answer;
        }

        switch (fault)
        {
            case CallFault.TurnedAway:
                return new Outcome(OutcomeKind.NotProcessed) { Detail = "429" };
            case CallFault.ErrorAfter or CallFault.ErrorBefore:
                var error = provider.ReceiveAndFail(order, fault == CallFault.ErrorAfter);
                await scheduler.Step();
                return error;
            case CallFault.TimeoutAfter:
                provider.Receive(order);
                break;
            case CallFault.DoneLate:
                scheduler.StartAt(scheduler.Now + Late, outside, () => Task.FromResult(provider.Receive(order)));
                break;
            default:
                break;
        }

        await scheduler.Sleep(TimeLimit);
        return new Outcome(OutcomeKind.Unknown) { Detail = "timeout" };
    }

    public async Task<ReadBack> ReadAsync(PaymentState payment, Operation operation, Attempt attempt)
    {
        await scheduler.Step();
        if (faults.StrikesReading())
        {
            return new ReadBack(ReadBackKind.Unanswered);
        }

        // Without a reference the provider is searched.
        var reference = attempt.PaymentReference ?? (operation.Kind == OperationKind.Authorize ? null : payment.AuthorizingAttempt?.PaymentReference);
        var read = providers[attempt.Provider].Read(OrderOf(payment, operation, attempt) with { Reference = reference }, database.Attempts[attempt.Id].OpenedAt, attempt.ModificationReference);
        await scheduler.Step();
        return read;
    }

    public async Task<Outcome> CompleteAsync(Attempt attempt, bool isGood)
    {
        await scheduler.Step();
        var provider = providers[attempt.Provider];
        var outcome = provider.Charges.Find(c => c.Reference == attempt.PaymentReference) is { } charge
            ? provider.CompleteChallenge(charge, isGood)
            : new Outcome(OutcomeKind.Unknown);
        await scheduler.Step();
        return outcome;
    }

    private Order OrderOf(PaymentState payment, Operation operation, Attempt attempt)
    {
        var authorized = payment.AuthorizingAttempt ?? throw new InvariantException("what is modified was tried at a provider");
        return new Order(
            operation.Kind, attempt.Id, payment.Id,
            operation.Kind == OperationKind.Authorize ? null : attempt.PaymentReference ?? authorized.PaymentReference ?? authorized.Id.ToString(),
            operation.AmountMinor, payment.Details.CaptureMethod == CaptureMethod.Automatic && !payment.HeldForReview, operation.Final,
            vault[payment.Details.PaymentMethod.Token!], operation.RequestKey?.Text);
    }
}
