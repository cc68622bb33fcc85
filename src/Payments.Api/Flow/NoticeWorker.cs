using Microsoft.Extensions.Options;
using Payments.Api.Disputes;
using Payments.Api.Recovery;
using Payments.Api.Reviews;
using Payments.Connectors;
using Payments.Core;

namespace Payments.Api.Flow;

/// <summary>Wakes the workers of this process; what a signal misses is found by looking at the tables.</summary>
public sealed class FlowSignal : IDisposable
{
    private readonly SemaphoreSlim notices = new(0);

    public void NoticeArrived() => notices.Release();

    internal async Task WaitForNoticeAsync(TimeSpan atMost, CancellationToken cancellationToken)
    {
        if (await notices.WaitAsync(atMost, cancellationToken))
        {
            while (notices.Wait(0, CancellationToken.None))
            {
                // One look at the table serves all that have arrived.
            }
        }
    }

    public void Dispose() => notices.Dispose();
}

/// <summary>Applies providers' notices to payments.</summary>
public sealed class NoticeWorker(
    NoticeStore notices, PaymentStore store, Learning learning, ProviderCalls calls, ConnectorRegistry connectors, Suspicions suspicions, Phantoms phantoms, ReportAnnouncements reports, DisputeLearning disputes, FlowSignal signal, IdSource ids, TimeProvider time, IOptions<FlowOptions> options,
    ILogger<NoticeWorker> logger) : BackgroundService
{
    private const int Batch = 64;
    private const int AtOnce = 32;

    private const int TriesBeforeIncident = 5;
    private const int MostTries = 20;

    private static readonly TimeSpan FailedAgainAfter = TimeSpan.FromMinutes(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var pause = TimeSpan.FromMilliseconds(options.Value.ResolverIntervalMilliseconds);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (await ApplyDueAsync(stoppingToken) < Batch)
                {
                    await signal.WaitForNoticeAsync(pause, stoppingToken);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is not InvariantException)
            {
                Log.WorkerFailed(logger, e, nameof(NoticeWorker));
                await Task.Delay(pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Applies what is due; returns how many notices that were.</summary>
    public async Task<int> ApplyDueAsync(CancellationToken cancellationToken)
    {
        var due = await notices.TakeDueAsync(Batch, options.Value.Deadlines.Notice, cancellationToken);
        // Many at once: what they read and write they read and write together.
        await Parallel.ForEachAsync(due, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken }, async (notice, token) => await TryApplyAsync(notice, token));
        return due.Count;
    }

    /// <summary>One notice that cannot be applied must not keep the others waiting: it is tried again later, and a person is told.</summary>
    private async Task TryApplyAsync(WaitingNotice notice, CancellationToken cancellationToken)
    {
        try
        {
            await ApplyAsync(notice, cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            Log.NoticeFailed(logger, e, notice.Key.Provider, notice.Key.NoticeId, notice.Tries);
            if (notice.Tries < TriesBeforeIncident)
            {
                return;
            }

            var incident = new Incident(ids.New<IncidentId>(), IncidentKinds.NoticeNotApplied, notice.Fact.AttemptId, $"Notice {notice.Key.NoticeId} of {Words.Of(notice.Key.Provider)} cannot be applied.");
            await notices.RaiseAsync(null, notice.Key.Mode, null, incident, cancellationToken);
            await notices.PostponeAsync(notice.Key, FailedAgainAfter, cancellationToken);
        }
    }

    private async Task ApplyAsync(WaitingNotice notice, CancellationToken cancellationToken)
    {
        var (key, told) = (notice.Key, notice.Fact);
        if (told.Kind == ProviderFactKind.FraudWarning)
        {
            await WarnedAsync(key, told, cancellationToken);
            return;
        }

        if (told.Dispute is { } dispute)
        {
            await DisputedAsync(notice, dispute, cancellationToken);
            return;
        }

        if (told.Kind == ProviderFactKind.ReportAvailable)
        {
            await reports.TellAsync(key, told, cancellationToken);
            await notices.MarkAsync(key, null, "applied");
            return;
        }

        if (Facts.Of(key.Provider, told, ids.New<OperationId>(), time.GetUtcNow()) is not { } fact)
        {
            await notices.MarkAsync(key, null, "ignored");
            return;
        }

        if (await LocateAsync(key, told, cancellationToken) is not { } payment || IsOfAnotherCharge(payment, told))
        {
            await UnknownAsync(notice, cancellationToken);
            return;
        }

        var learned = await learning.LearnAsync(payment, await InFullAsync(payment, fact), key, isEarly: current => NoticeOrder.MustWait(current, fact, notice.Tries));
        if (learned.As == LearnedAs.Early)
        {
            await notices.PostponeAsync(key, NoticeOrder.PauseAfter(notice.Tries), cancellationToken);
        }
    }

    /// <summary>A dispute may be told before the capture that it is about.</summary>
    private async Task DisputedAsync(WaitingNotice notice, DisputeFact dispute, CancellationToken cancellationToken)
    {
        if (await LocateAsync(notice.Key, notice.Fact, cancellationToken) is not { } payment)
        {
            await UnknownAsync(notice, cancellationToken);
            return;
        }

        payment = payment is { IsBankDebit: true, Authorization.IsUnsettled: true } ? await AskAsync(payment) : payment;
        if (payment.Amounts is { CapturedMinor: 0, CaptureExcessMinor: 0 }
            && (NoticeOrder.MayBeEarly(notice.Tries) || payment is { IsBankDebit: true, Authorization.IsUnsettled: true }))
        {
            await notices.PostponeAsync(notice.Key, NoticeOrder.PauseAfter(notice.Tries), cancellationToken);
        }
        else
        {
            await disputes.LearnAsync(payment, dispute, notice.Key);
        }
    }

    /// <summary>A debit that is returned had succeeded, whatever became of the notice of that: its provider tells.</summary>
    private async Task<PaymentState> AskAsync(PaymentState payment)
    {
        var (authorize, attempt) = (payment.Authorization!, payment.AuthorizingAttempt!);
        return await calls.ReadAsync(payment, authorize, attempt, CancellationToken.None) is { Kind: ReadBackKind.Found, Outcome: { Kind: OutcomeKind.Approved } told }
            ? (await learning.LearnAsync(payment, Facts.Of(OperationKind.Authorize, attempt, told, ids.New<OperationId>(), time.GetUtcNow()))).Payment
            : payment;
    }

    /// <summary>What is only held is released; what was captured is the merchant's to give back.</summary>
    private async Task WarnedAsync(ProviderNoticeKey key, ProviderFact told, CancellationToken cancellationToken)
    {
        if (await LocateAsync(key, told, cancellationToken) is not { } payment)
        {
            await notices.MarkAsync(key, null, "unknown_reference");
            return;
        }

        await suspicions.VoidAsync(PaymentKey.Of(payment), Words.Of(key.Provider), "the provider warned of fraud");
        await notices.MarkAsync(key, payment.Id, "applied");
    }

    /// <summary>
    /// A notice that comes before the customer's return, or before the call's answer, may say only that it succeeded. What else the answer would have told (how the
    /// customer was authenticated, until when to capture) is asked for; without an answer the payment goes on with what is known.
    /// </summary>
    private async Task<Fact> InFullAsync(PaymentState payment, Fact fact)
    {
        if (fact is not { Kind: OperationKind.Authorize, Outcome: FactOutcome.Succeeded, Authentication: null }
            || payment is not { Authorization: { IsUnsettled: true } authorize, AuthorizingAttempt: { } attempt } || attempt.Id != fact.AttemptId
            || (attempt.State != AttemptState.NeedsAction && Authenticating.Of(payment, attempt.Id).Requested == ThreeDSecureRequest.None))
        {
            return fact;
        }

        var read = await calls.ReadAsync(payment, authorize, attempt with { PaymentReference = fact.PaymentReference }, CancellationToken.None);
        return read is { Kind: ReadBackKind.Found, Outcome: { Kind: OutcomeKind.Approved } told }
            ? fact with { Authentication = told.Authentication, CaptureBefore = told.CaptureBefore, AvsResult = told.AvsResult, CvcResult = told.CvcResult }
            : fact;
    }

    /// <summary>
    /// It only names the payment, which has another charge: what the charge is to it is decided where all charges are matched, not here.
    /// </summary>
    private static bool IsOfAnotherCharge(PaymentState payment, ProviderFact told) =>
        told.PaymentReference.Length > 0
        && (told.AttemptId is not { } attempt || payment.OperationOf(attempt) is null)
        && payment.AuthorizingAttempt?.PaymentReference is not null
        && !payment.Operations.Any(o => Names(o).Any(name => name == told.PaymentReference || name == told.ModificationReference));

    private static IEnumerable<string?> Names(Operation operation) =>
        operation.Attempts.SelectMany(a => new[] { a.PaymentReference, a.ModificationReference }).Append(operation.ProviderReference).Where(name => name is not null);

    private async Task<PaymentState?> LocateAsync(ProviderNoticeKey key, ProviderFact told, CancellationToken cancellationToken)
    {
        return await store.LocateAsync(key.Mode, key.Provider, told.PaymentReference, told.ModificationReference, told.AttemptId, told.PaymentId, cancellationToken) is { } payment
            ? await store.FindAsync(payment, cancellationToken)
            : null;
    }

    private async Task UnknownAsync(WaitingNotice notice, CancellationToken cancellationToken)
    {
        if (NoticeOrder.MayBeEarly(notice.Tries))
        {
            await notices.PostponeAsync(notice.Key, NoticeOrder.PauseAfter(notice.Tries), cancellationToken);
            return;
        }

        if (await ChargeOfAsync(notice, cancellationToken) is { } charge)
        {
            await TakeInAsync(notice, charge, cancellationToken);
            return;
        }

        Log.UnknownReference(logger, notice.Key.Provider, notice.Fact.PaymentReference);
        var incident = new Incident(
            ids.New<IncidentId>(), IncidentKinds.UnknownProviderReference, notice.Fact.AttemptId,
            $"{Words.Of(notice.Key.Provider)} reported {notice.Fact.RawType} of {notice.Fact.PaymentReference}, which no payment here is called.");
        await notices.RaiseAsync(null, notice.Key.Mode, null, incident, cancellationToken);
        await notices.MarkAsync(notice.Key, null, "unknown_reference");
    }

    /// <summary>The charge itself: as the provider has it now, or, where that cannot be asked, as its notice told it.</summary>
    private async Task<ProviderCharge?> ChargeOfAsync(WaitingNotice notice, CancellationToken cancellationToken)
    {
        var (key, told) = (notice.Key, notice.Fact);
        if (told.PaymentReference.Length == 0 || connectors.Find(key.Provider, key.Mode) is not { Capabilities.ListsCharges: true } connector)
        {
            return told.Charge;
        }

        var reading = await connector.ReadChargeAsync(told.PaymentReference, cancellationToken);
        return reading.Kind == ReadBackKind.Unanswered ? throw new TimeoutException($"{key.Provider} does not tell of {told.PaymentReference} now.") : reading.Charge;
    }

    private async Task TakeInAsync(WaitingNotice notice, ProviderCharge charge, CancellationToken cancellationToken)
    {
        switch (await phantoms.TakeInAsync(charge, "provider notice", cancellationToken))
        {
            case ChargeVerdict.Recover:
                // There is a payment now, which knows this fact already or takes it.
                await notices.PostponeAsync(notice.Key, TimeSpan.Zero, cancellationToken);
                break;
            case ChargeVerdict.Suspend:
                await notices.MarkAsync(notice.Key, null, "unknown_reference");
                break;
            case ChargeVerdict.Ignore:
                await notices.MarkAsync(notice.Key, null, "ignored");
                break;
            default:
                await KnownAsync(notice, charge, cancellationToken);
                break;
        }
    }

    /// <summary>The charge was told to its payment, or stands in suspense: a fact beyond the charge itself waits for its name.</summary>
    private async Task KnownAsync(WaitingNotice notice, ProviderCharge charge, CancellationToken cancellationToken)
    {
        var located = await store.LocateAsync(notice.Key.Mode, notice.Key.Provider, charge.Reference, null, null, null, cancellationToken);
        Invariant.Holds(located is null || notice.Tries <= MostTries, "a provider's name that is known stands on an operation of its payment");
        await (located is not null
            ? notices.PostponeAsync(notice.Key, TimeSpan.Zero, cancellationToken)
            : notices.MarkAsync(notice.Key, null, "unknown_reference"));
    }
}
