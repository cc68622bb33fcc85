using Microsoft.Extensions.Options;
using Payments.Api.Flow;
using Payments.Core;
using Payments.Platform;

namespace Payments.Api.Disputes;

/// <summary>Looks at disputes whose time has come: answers of which nobody knows the outcome, and evidence that nobody sent in time.</summary>
public sealed class DisputeWorker(
    DisputeStore disputes, PaymentStore payments, DisputeAnswers answers, DisputeLearning learning, Deadlines deadlines, TimeProvider time, IOptions<FlowOptions> options, ILogger<DisputeWorker> logger)
    : BackgroundService
{
    private const int AtOnce = 16;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Rounds.RunAsync(
        TimeSpan.FromMilliseconds(options.Value.ResolverIntervalMilliseconds), time,
        async cancellationToken =>
        {
            while (await LookAsync(cancellationToken) > 0)
            {
                // More may be due.
            }
        },
        e => Log.WorkerFailed(logger, e, nameof(DisputeWorker)), stoppingToken);

    /// <summary>Looks at what is due now; returns how many disputes that were.</summary>
    public async Task<int> LookAsync(CancellationToken cancellationToken)
    {
        var due = await disputes.TakeDueAsync(AtOnce, cancellationToken);
        await Task.WhenAll(due.Select(TryLookAsync));
        return due.Count;
    }

    private async Task TryLookAsync(DueDispute due)
    {
        try
        {
            await LookAtAsync(due);
        }
        catch (Exception e)
        {
            // One dispute must not stop the others. The lease runs out and another round tries again.
            Log.LookFailed(logger, e, due.Id);
        }
    }

    private async Task LookAtAsync(DueDispute due)
    {
        var payment = await payments.FindAsync(due.Payment, CancellationToken.None) ?? throw new InvariantException("a dispute belongs to a payment");
        var dispute = payment.Disputes.First(d => d.Id == due.Id);
        if (dispute.Submission is { IsUnsettled: true })
        {
            payment = await answers.ResolveAsync(payment, dispute);
        }
        else if (due.IsLate && dispute.TakesEvidence)
        {
            payment = await learning.LearnAsync(payment, new DisputeFact(dispute.Provider, dispute.Reference, dispute.AmountMinor, payment.Amount.Currency.Code) { Status = DisputeStatus.Expired, Reason = dispute.Reason }, null);
        }

        if (payment.Disputes.First(d => d.Id == due.Id).Submission is { IsUnsettled: true })
        {
            await disputes.PostponeAsync(due, deadlines.Unknown * 4);
        }
    }
}
