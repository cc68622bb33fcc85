using Microsoft.Extensions.Options;
using Payments.Api.Flow;
using Payments.Core;
using Payments.Platform;

namespace Payments.Api.Reviews;

/// <summary>
/// Decides what nobody has decided in time, before the hold ends, and sees to it that what follows from any decision is done. Runs in
/// every replica: rows are leased, and the commit of a decision lets only one through.
/// </summary>
public sealed class ReviewClock(
    ReviewStore queue, ReviewDecisions decisions, TimeProvider time, IOptions<FlowOptions> options, ILogger<ReviewClock> logger) : BackgroundService
{
    public const string Actor = "review_clock";

    private const int AtOnce = 20;

    /// <summary>Longer than a decision takes with its provider's answer.</summary>
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(90);

    /// <summary>A payment that is being voided or changed at this moment is looked at again after this.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(15);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Rounds.RunAsync(
        TimeSpan.FromMilliseconds(options.Value.ReviewClockMilliseconds), time, RunAsync, e => Log.ClockFailed(logger, e), stoppingToken);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (await queue.TakeDueAsync(AtOnce, Lease, cancellationToken) is { Count: > 0 } due)
        {
            await Task.WhenAll(due.Select(TryAsync));
        }

        ReviewTelemetry.Queue = await queue.MeasureAsync(cancellationToken);
    }

    private async Task TryAsync(ReviewRow review)
    {
        try
        {
            await (review.Status == ReviewStatus.Open ? DecideAsync(review) : CarryOutAsync(review));
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // One review must not keep the others; the lease runs out, and another round tries again.
            Log.ReviewFailed(logger, e, review.Payment.Id);
        }
    }

    private async Task DecideAsync(ReviewRow review)
    {
        var outcome = Reviewing.AutomaticOutcome(review.Score);
        var decided = await decisions.DecideAsync(review.Payment, outcome, Actor, $"nobody decided in time, and the score is {review.Score?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "unknown"}", null);
        if (decided.Refusal is not null && ReviewView.Of(decided.Payment, decided.Payment.Status) is not { Status: ReviewStatus.Open })
        {
            // Its hold ended, or somebody was faster.
            await queue.LapseAsync(review.Payment, CancellationToken.None);
        }
        else if (decided.Refusal is not null)
        {
            await queue.PostponeAsync(review.Payment, Again, CancellationToken.None);
        }
    }

    private async Task CarryOutAsync(ReviewRow review)
    {
        var waited = time.GetUtcNow() - (review.DecidedAt ?? review.OpenedAt);
        var isOpen = review.Status != ReviewStatus.Lapsed && await decisions.CarryOutAsync(review.Payment);
        // Ever more rarely: as long again as it has taken until now, up to half an hour.
        await queue.PostponeAsync(review.Payment, isOpen ? TimeSpan.FromSeconds(Math.Clamp(waited.TotalSeconds, 5, 1_800)) : null, CancellationToken.None);
    }
}
