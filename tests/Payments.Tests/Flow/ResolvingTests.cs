using Payments.Core;
using Xunit;
using static Payments.Core.ResolvingStep;

namespace Payments.Tests.Flow;

public sealed class ResolvingTests
{
    private static readonly ResolvingLimits Limits = new(TimeSpan.FromSeconds(60), TimeSpan.FromHours(1), TimeSpan.FromHours(20), TimeSpan.FromDays(30));
    private static readonly TimeSpan Young = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Unwanted = TimeSpan.FromHours(2);
    private static readonly TimeSpan Forgotten = TimeSpan.FromHours(21);
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(61);

    private readonly PaymentSamples samples = new();

    private PaymentState WithCancellation(PaymentState payment, OperationState state, AttemptState attempt, string? code)
    {
        var opened = Opening.Cancellation(payment, samples.New()).Operation!;
        var decline = code is null ? null : new DeclineView(code, DeclineKind.Hard, code, code);
        return payment.With(opened with { State = state, Attempts = [opened.Current! with { State = attempt, Decline = decline }] });
    }

    private static ResolvingStep Next(PaymentState payment, AttemptState state, Reading? reading, TimeSpan age, TimeSpan? missing = null, FactOutcome? outcome = null, bool wanted = true, bool handedOver = false)
    {
        var operation = payment.Operations[0].Kind == OperationKind.Authorize && payment.Operations.Length > 1 && payment.Operations[^1].Origin != OperationOrigin.Expiry
            ? payment.Operations[^1]
            : payment.Operations[0];
        var attempt = operation.Current! with { State = state };
        var stood = payment.With(operation.With(attempt));
        return Resolving.Next(stood, attempt.Id, reading is { } r ? new Sighting(r, outcome, age, missing) { IsWanted = wanted, IsHandedOver = handedOver } : null, Limits);
    }

    [Fact]
    public void An_authorization_is_read_first_and_then_decided_by_the_table()
    {
        var unknown = samples.Opened();
        foreach (var state in new[] { AttemptState.Open, AttemptState.Unknown })
        {
            Assert.Equal(Read, Next(unknown, state, null, Young));
            Assert.Equal(Tell, Next(unknown, state, Reading.Found, Forgotten));
            Assert.Equal(NoteMissing, Next(unknown, state, Reading.Missing, Young));
            Assert.Equal(Wait, Next(unknown, state, Reading.Missing, Young, missing: TimeSpan.FromSeconds(59)));
            Assert.Equal(CloseAsUnexecuted, Next(unknown, state, Reading.Missing, Young, missing: Long));
            Assert.Equal(Wait, Next(unknown, state, Reading.Unanswered, Forgotten, missing: Long));
            Assert.Equal(Replay, Next(unknown, state, Reading.CannotAsk, Young));
            Assert.Equal(Cancel, Next(unknown, state, Reading.CannotAsk, Young, wanted: false));
            Assert.Equal(Cancel, Next(unknown, state, Reading.CannotAsk, Unwanted));
            Assert.Equal(Cancel, Next(unknown, state, Reading.CannotAsk, Forgotten));
        }
    }

    [Fact]
    public void What_the_provider_has_accepted_is_never_sent_again_nor_closed_as_missing()
    {
        var pending = samples.Opened();
        Assert.Equal(Wait, Next(pending, AttemptState.Pending, Reading.CannotAsk, Young));
        Assert.Equal(Wait, Next(pending, AttemptState.Pending, Reading.CannotAsk, Forgotten));
        Assert.Equal(Wait, Next(pending, AttemptState.Pending, Reading.Missing, Young, missing: Long));
        Assert.Equal(Tell, Next(pending, AttemptState.Pending, Reading.Found, Young));
    }

    [Fact]
    public void A_modification_that_cannot_be_read_is_sent_again_while_its_key_is_remembered_and_then_awaited_for_ever()
    {
        var capturing = samples.Capture(samples.Authorized());
        Assert.Equal(Replay, Next(capturing, AttemptState.Unknown, Reading.CannotAsk, Unwanted));
        Assert.Equal(Wait, Next(capturing, AttemptState.Unknown, Reading.CannotAsk, Forgotten));
        Assert.Equal(Wait, Next(capturing, AttemptState.Unknown, Reading.CannotAsk, TimeSpan.FromDays(300)));
    }

    [Fact]
    public void A_cancellation_decides_by_how_it_ended()
    {
        PaymentState Cancelled(OperationState state, AttemptState attempt, string? code, int times = 1)
        {
            var payment = samples.Opened();
            for (var i = 0; i < times; i++)
            {
                payment = WithCancellation(payment, state, attempt, code);
            }

            return payment;
        }

        var open = Cancelled(OperationState.Open, AttemptState.Open, null);
        var notSent = Cancelled(OperationState.Failed, AttemptState.NotProcessed, null);
        var notFound = Cancelled(OperationState.Failed, AttemptState.Declined, Resolving.NotFoundCode);
        var notFoundTwice = Cancelled(OperationState.Failed, AttemptState.Declined, Resolving.NotFoundCode, times: 2);
        var exists = Cancelled(OperationState.Failed, AttemptState.Declined, Resolving.NotCancellableCode);
        var refused = Cancelled(OperationState.Failed, AttemptState.Declined, "request_refused");

        Assert.Equal(Wait, Next(open, AttemptState.Unknown, Reading.CannotAsk, Unwanted));
        Assert.Equal(Cancel, Next(notSent, AttemptState.Unknown, Reading.CannotAsk, Unwanted));
        Assert.Equal(NoteMissing, Next(notFound, AttemptState.Unknown, Reading.CannotAsk, Unwanted));
        Assert.Equal(Wait, Next(notFound, AttemptState.Unknown, Reading.CannotAsk, Unwanted, missing: Young / 2));
        Assert.Equal(Cancel, Next(notFound, AttemptState.Unknown, Reading.CannotAsk, Unwanted, missing: Long));
        Assert.Equal(CloseAsUnexecuted, Next(notFoundTwice, AttemptState.Unknown, Reading.CannotAsk, Unwanted, missing: Long));
        Assert.Equal(Replay, Next(exists, AttemptState.Unknown, Reading.CannotAsk, Unwanted, wanted: false));
        Assert.Equal(Wait, Next(exists, AttemptState.Unknown, Reading.CannotAsk, Forgotten));
        Assert.Equal(Wait, Next(refused, AttemptState.Unknown, Reading.CannotAsk, Unwanted));
    }

    [Fact]
    public void A_challenge_that_nobody_finished_is_read_then_cancelled_and_closed_only_when_there_was_nothing_to_cancel()
    {
        var challenge = samples.Opened();
        Assert.Equal(Tell, Next(challenge, AttemptState.NeedsAction, Reading.Found, Young, outcome: FactOutcome.Succeeded));
        Assert.Equal(Cancel, Next(challenge, AttemptState.NeedsAction, Reading.Found, Young, outcome: FactOutcome.NeedsAction));
        Assert.Equal(Cancel, Next(challenge, AttemptState.NeedsAction, Reading.CannotAsk, Young));
        Assert.Equal(Wait, Next(challenge, AttemptState.NeedsAction, Reading.Unanswered, Young));
        var cancelling = WithCancellation(challenge, OperationState.Pending, AttemptState.Pending, null);
        var notSent = WithCancellation(challenge, OperationState.Failed, AttemptState.NotProcessed, null);
        var nothing = WithCancellation(challenge, OperationState.Failed, AttemptState.Declined, null);
        Assert.Equal(Wait, Next(cancelling, AttemptState.NeedsAction, Reading.CannotAsk, Young));
        Assert.Equal(Cancel, Next(notSent, AttemptState.NeedsAction, Reading.CannotAsk, Young));
        Assert.Equal(CloseAsUnexecuted, Next(nothing, AttemptState.NeedsAction, Reading.CannotAsk, Young));
        Assert.Equal(Cancel, Next(nothing, AttemptState.NeedsAction, Reading.Found, Young, outcome: FactOutcome.NeedsAction));
    }

    [Fact]
    public void A_challenge_whose_result_was_handed_over_is_never_closed_by_a_cancellation_that_found_nothing()
    {
        var nothing = WithCancellation(samples.Opened(), OperationState.Failed, AttemptState.Declined, null);
        Assert.Equal(Cancel, Next(samples.Opened(), AttemptState.NeedsAction, Reading.CannotAsk, Young, handedOver: true));
        Assert.Equal(Wait, Next(nothing, AttemptState.NeedsAction, Reading.CannotAsk, Forgotten, handedOver: true));
        Assert.Equal(Tell, Next(nothing, AttemptState.NeedsAction, Reading.Found, Young, outcome: FactOutcome.Succeeded, handedOver: true));
    }

    [Fact]
    public void A_customer_who_comes_back_finishes_a_challenge_only_while_nobody_cancels_it()
    {
        var challenge = samples.Tell(samples.Opened(), OperationKind.Authorize, FactOutcome.NeedsAction);
        Assert.True(Resolving.MayBeFinished(challenge));
        Assert.False(Resolving.MayBeFinished(WithCancellation(challenge, OperationState.Open, AttemptState.Open, null)));
        Assert.False(Resolving.MayBeFinished(WithCancellation(challenge, OperationState.Failed, AttemptState.NotProcessed, null)));
        Assert.False(Resolving.MayBeFinished(samples.Authorized()));
    }
}
