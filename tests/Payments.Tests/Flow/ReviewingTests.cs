using Payments.Core;
using Payments.Core.Events;
using Xunit;
using static Payments.Core.ReviewOutcome;

namespace Payments.Tests.Flow;

public class ReviewingTests
{
    private static readonly PaymentSamples Samples = new();

    private static PaymentState InReview(CaptureMethod capture = CaptureMethod.Automatic) =>
        Samples.Tell(Samples.Opened(capture: capture, review: true), OperationKind.Authorize, FactOutcome.Succeeded);

    // Outcome, how the merchant captures, and what follows: operation, status, reason.
    private static readonly (ReviewOutcome Outcome, CaptureMethod Capture, OperationKind? Follows, PaymentStatus Status, string? Reason)[] Table =
    [
        (Approved,           CaptureMethod.Automatic, OperationKind.Capture, PaymentStatus.Capturing,  null),
        (Approved,           CaptureMethod.Manual,    null,                  PaymentStatus.Authorized, null),
        (Rejected,           CaptureMethod.Automatic, OperationKind.Void,    PaymentStatus.Voiding,    "review_rejected"),
        (Rejected,           CaptureMethod.Manual,    OperationKind.Void,    PaymentStatus.Voiding,    "review_rejected"),
        (ChallengeRequested, CaptureMethod.Automatic, OperationKind.Void,    PaymentStatus.Voiding,    "authentication_requested"),
    ];

    public static TheoryData<int> Rows() => new(Enumerable.Range(0, Table.Length));

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_decision_and_what_follows_are_one_change(int row)
    {
        var (outcome, capture, follows, status, reason) = Table[row];
        var payment = InReview(capture);

        var reviewed = Reviewing.Decide(payment, outcome, automatic: false, PaymentSamples.Everything, Samples.New());

        Assert.Null(reviewed.Refusal);
        Assert.Equal((follows, status, reason), (reviewed.Operation?.Kind, reviewed.Payment!.Status, reviewed.Operation?.Reason));
        Assert.Equal(new ReviewDecision(outcome, false, PaymentSamples.Noon), reviewed.Payment.Review);
        var told = Assert.Single(reviewed.Happenings);
        Assert.Equal((PaymentEventTypes.ReviewDecided, payment.Version + 1, null), (told.Type, told.AsOf.Version, told.Operation));
        Assert.Equal(Words.Of(outcome), Words.Of(told.AsOf.View().Review!.Status));
        Assert.Equal(reviewed.Operation is null ? payment.Version + 1 : payment.Version + 2, reviewed.Payment.Version);
        Assert.Equal(reviewed.Operation?.Kind == OperationKind.Void ? OperationOrigin.Review : OperationOrigin.Merchant, reviewed.Operation?.Origin ?? OperationOrigin.Merchant);
    }

    [Fact]
    public void Only_what_waits_is_decided_and_only_once()
    {
        var opened = Samples.New();
        foreach (var payment in new[]
        {
            Samples.Authorized(), Samples.Captured(), Samples.Opened(review: true), Samples.Void(InReview()),
            Reviewing.Decide(InReview(), Approved, false, PaymentSamples.Everything, opened).Payment!,
            Reviewing.Decide(InReview(), Rejected, true, PaymentSamples.Everything, opened).Payment!,
        })
        {
            Assert.Equal("payment_not_in_review", Reviewing.Decide(payment, Rejected, false, PaymentSamples.Everything, opened).Refusal?.Code);
        }
    }

    [Fact]
    public void What_was_not_approved_stays_closed_to_captures_also_if_its_void_fails()
    {
        var rejected = Reviewing.Decide(InReview(), Rejected, false, PaymentSamples.Everything, Samples.New()).Payment!;
        var failed = Samples.Tell(rejected, OperationKind.Void, FactOutcome.Declined);

        Assert.Equal("payment_not_capturable", Opening.Capture(failed, null, null, PaymentSamples.Everything, Samples.New()).Refusal?.Code);
        Assert.Equal(0, failed.View().AmountCapturable);
        Assert.Null(Reviewing.Effect(failed, PaymentSamples.Everything, Samples.New()));
        Assert.Equal(OrphanReason.VoidAsked, Holding.Orphaned(failed, new Hold(Holding.Grace, TimeSpan.FromDays(7), null, false)));
    }

    [Theory]
    [InlineData(Approved, OperationKind.Capture)]
    [InlineData(Rejected, OperationKind.Void)]
    public void What_certainly_did_not_reach_the_provider_is_done_again(ReviewOutcome outcome, OperationKind kind)
    {
        var decided = Reviewing.Decide(InReview(), outcome, false, PaymentSamples.Everything, Samples.New()).Payment!;
        Assert.Null(Reviewing.Effect(decided, PaymentSamples.Everything, Samples.New()));

        var missed = Samples.Tell(decided, kind, FactOutcome.NotProcessed);
        var again = Reviewing.Effect(missed, PaymentSamples.Everything, Samples.New());
        Assert.Equal(kind, again!.Operation!.Kind);

        var done = Samples.Tell(again.Payment!, kind, FactOutcome.Succeeded);
        Assert.Null(Reviewing.Effect(done, PaymentSamples.Everything, Samples.New()));
        Assert.Equal(outcome == Approved ? PaymentStatus.Captured : PaymentStatus.Voided, done.Status);
    }

    [Fact]
    public void A_merchants_void_ends_the_review_without_a_decision()
    {
        var voided = Samples.Tell(Samples.Void(InReview()), OperationKind.Void, FactOutcome.Succeeded);

        Assert.Equal((ReviewStatus.Lapsed, PaymentStatus.Voided), (voided.View().Review!.Status, voided.Status));
        Assert.Equal(ReviewStatus.Open, InReview().View().Review!.Status);
        Assert.Null(Samples.Opened(review: true).View().Review);
        Assert.Null(Samples.Authorized().View().Review);
    }

    [Theory]
    [InlineData(0, Approved)]
    [InlineData(74, Approved)]
    [InlineData(75, Rejected)]
    [InlineData(100, Rejected)]
    [InlineData(null, Rejected)]
    public void The_clock_decides_by_the_score(int? score, ReviewOutcome outcome) => Assert.Equal(outcome, Reviewing.AutomaticOutcome(score));

    [Theory]
    [InlineData(null, 7_200)]
    [InlineData(604_800, 7_200)]
    [InlineData(9_000, 7_200)]
    [InlineData(8_999, 7_199)]
    [InlineData(3_600, 1_800)]
    [InlineData(1_800, 0)]
    [InlineData(60, 0)]
    public void A_decision_beats_the_end_of_the_hold(int? holdSeconds, int dueSeconds) => Assert.Equal(
        TimeSpan.FromSeconds(dueSeconds),
        Reviewing.DueIn(Reviewing.Sla, holdSeconds is { } held ? TimeSpan.FromSeconds(held) : null, TimeSpan.FromMinutes(30)));
}
