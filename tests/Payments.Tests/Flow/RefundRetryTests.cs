using Payments.Api.Flow;
using Payments.Core;
using Payments.Core.Events;
using Xunit;

namespace Payments.Tests.Flow;

public sealed class RefundRetryTests
{
    private static readonly DeclineView Soft = new("refund_failed", DeclineKind.Soft, "unknown", "Not now.");
    private static readonly DeclineView Hard = new("refund_rejected", DeclineKind.Hard, "lost_or_stolen_card", "Never.");

    private readonly PaymentSamples samples = new();

    private Fact Failed(PaymentState payment, DeclineView? decline, FactOutcome outcome = FactOutcome.Declined, bool mayRetry = true) =>
        samples.FactOf(payment, OperationKind.Refund, outcome) with
        {
            Decline = decline,
            Instead = mayRetry ? new NewAttempt(samples.New().AttemptId, Provider.Stripe, PaymentSamples.Cost) : null,
        };

    private static Operation RefundOf(PaymentState payment) => payment.Operations.Single(o => o.Kind == OperationKind.Refund);

    [Fact]
    public void A_refund_that_comes_back_after_it_had_succeeded_is_taken_back_and_tried_again_in_one_step()
    {
        var refunded = samples.Tell(samples.Refund(samples.Captured(), 4_000), OperationKind.Refund, FactOutcome.Succeeded);

        var applied = (Application.Applied)Applying.Apply(refunded, Failed(refunded, Soft));

        Assert.Equal([PaymentEventTypes.RefundFailed, PaymentEventTypes.RefundPending], applied.Happenings.Select(h => h.Type));
        Assert.Equal([OperationState.Reversed, OperationState.Open], applied.Happenings.Select(h => h.Operation!.State));
        Assert.All(applied.Happenings, h => Assert.Equal(0, h.AsOf.View().AmountRefunded));
        var refund = RefundOf(applied.Payment);
        Assert.Equal((PaymentStatus.Refunding, 0L, 4_000L), (applied.Payment.Status, applied.Payment.Amounts.RefundedMinor, applied.Payment.Amounts.RefundPendingMinor));
        Assert.Equal([AttemptState.Declined, AttemptState.Scheduled], refund.Attempts.Select(a => a.State));
        Assert.Null(refund.ProviderReference);
        Assert.Single(RefundRetrying.TriedAgain(refunded, applied.Payment));
        Assert.Empty(RefundRetrying.GivenUp(refunded, applied.Payment));
    }

    [Fact]
    public void The_success_of_the_try_that_failed_since_says_nothing_new_however_late_it_comes()
    {
        var pending = samples.Tell(samples.Refund(samples.Captured(), 4_000), OperationKind.Refund, FactOutcome.Pending);
        var succeeded = samples.FactOf(pending, OperationKind.Refund, FactOutcome.Succeeded) with { ProviderTime = PaymentSamples.Noon };

        var waiting = ((Application.Applied)Applying.Apply(pending, Failed(pending, Soft) with { ProviderTime = PaymentSamples.Noon })).Payment;

        Assert.IsType<Application.NoOp>(Applying.Apply(waiting, succeeded));
        Assert.IsType<Application.Contradiction>(Applying.Apply(waiting, succeeded with { ProviderTime = PaymentSamples.Noon.AddSeconds(1) }));
        Assert.IsType<Application.Contradiction>(Applying.Apply(waiting, succeeded with { ProviderTime = null }));
    }

    [Fact]
    public void A_refund_that_fails_while_it_is_under_way_stays_under_way()
    {
        var pending = samples.Tell(samples.Refund(samples.Captured(), 4_000), OperationKind.Refund, FactOutcome.Pending);

        var applied = (Application.Applied)Applying.Apply(pending, Failed(pending, Soft));

        Assert.Empty(applied.Happenings);
        Assert.Equal((PaymentStatus.Refunding, 4_000L), (applied.Payment.Status, applied.Payment.Amounts.RefundPendingMinor));
    }

    [Theory]
    [InlineData(OperationState.Open, DeclineKind.Soft, FactOutcome.Declined, false)]
    [InlineData(OperationState.Pending, DeclineKind.Soft, FactOutcome.Declined, true)]
    [InlineData(OperationState.Unknown, DeclineKind.Soft, FactOutcome.Declined, true)]
    [InlineData(OperationState.Succeeded, DeclineKind.Soft, FactOutcome.Declined, true)]
    [InlineData(OperationState.Pending, DeclineKind.Hard, FactOutcome.Declined, false)]
    [InlineData(OperationState.Succeeded, DeclineKind.Hard, FactOutcome.Declined, false)]
    [InlineData(OperationState.Open, null, FactOutcome.NotProcessed, false)]
    [InlineData(OperationState.Unknown, null, FactOutcome.NotProcessed, true)]
    public void Only_what_the_merchant_was_told_is_on_its_way_and_what_may_work_is_tried_again(OperationState state, DeclineKind? kind, FactOutcome outcome, bool again)
    {
        var refund = RefundOf(samples.Refund(samples.Captured())) with { State = state };
        Assert.Equal(again, RefundRetrying.MayTryAgain(refund, outcome, kind is null ? null : kind == DeclineKind.Soft ? Soft : Hard));
        Assert.False(RefundRetrying.MayTryAgain(refund with { Origin = OperationOrigin.Provider }, outcome, Soft));
    }

    [Fact]
    public void After_the_last_try_the_refund_fails_for_good_and_the_money_may_be_refunded_anew()
    {
        var payment = samples.Tell(samples.Refund(samples.Captured(), 4_000), OperationKind.Refund, FactOutcome.Pending);
        for (var i = 0; i < RefundRetrying.Most; i++)
        {
            payment = PaymentSamples.Apply(payment, Failed(payment, Soft));
            payment = samples.Tell(Opening.Beginning(payment, RefundOf(payment).Current!.Id), OperationKind.Refund, FactOutcome.Pending);
        }

        var failed = (Application.Applied)Applying.Apply(payment, Failed(payment, Soft));

        Assert.Equal(PaymentEventTypes.RefundFailed, Assert.Single(failed.Happenings).Type);
        Assert.Equal((OperationState.Failed, RefundRetrying.Most + 1), (RefundOf(failed.Payment).State, RefundOf(failed.Payment).Attempts.Length));
        Assert.Equal((PaymentStatus.Captured, 10_000L), (failed.Payment.Status, failed.Payment.Amounts.RefundableMinor));
        Assert.Single(RefundRetrying.GivenUp(payment, failed.Payment));
    }

    [Fact]
    public void A_try_that_never_reached_the_provider_is_none_however_often_that_happens()
    {
        var payment = samples.Tell(samples.Refund(samples.Captured(), 4_000), OperationKind.Refund, FactOutcome.Pending);
        payment = PaymentSamples.Apply(payment, Failed(payment, Soft));
        for (var i = 0; i < 10; i++)
        {
            payment = Opening.Beginning(payment, RefundOf(payment).Current!.Id);
            payment = PaymentSamples.Apply(payment, Failed(payment, null, FactOutcome.NotProcessed));
            Assert.Equal((OperationState.Open, AttemptState.Scheduled), (RefundOf(payment).State, RefundOf(payment).Current!.State));
        }

        Assert.Equal(1, RefundRetrying.Reached(RefundOf(payment), RefundOf(payment).Attempts.Length - 1));
    }

    // what became of the tries before (D: declined, N: never arrived), pause in seconds
    [Theory]
    [InlineData("D", 3_600)]
    [InlineData("DD", 18_000)]
    [InlineData("DDD", 90_000)]
    [InlineData("DN", 10)]
    [InlineData("DNN", 50)]
    [InlineData("DNNN", 250)]
    [InlineData("DNNNNN", 3_600)]
    [InlineData("DNNNNNNNNNNNNNNNN", 3_600)]
    [InlineData("DNND", 18_000)]
    [InlineData("DNNDN", 10)]
    public void The_pause_before_the_next_try_depends_on_what_became_of_those_before(string before, double seconds)
    {
        var refund = RefundOf(samples.Refund(samples.Captured()));
        var attempts = before.Select(b => refund.Current! with { State = b == 'D' ? AttemptState.Declined : AttemptState.NotProcessed }).Append(refund.Current! with { State = AttemptState.Scheduled });

        Assert.Equal(seconds, new Deadlines().DueIn(refund with { Attempts = [.. attempts] }, refund.Current! with { State = AttemptState.Scheduled }, before.Length)!.Value.TotalSeconds);
    }

    [Fact]
    public void Without_a_number_for_another_try_or_with_a_hard_decline_nothing_is_tried_again()
    {
        var refunded = samples.Tell(samples.Refund(samples.Captured()), OperationKind.Refund, FactOutcome.Succeeded);
        foreach (var fact in new[] { Failed(refunded, Soft, mayRetry: false), Failed(refunded, Hard) })
        {
            var applied = (Application.Applied)Applying.Apply(refunded, fact);
            Assert.Equal(OperationState.Reversed, RefundOf(applied.Payment).State);
            Assert.Single(RefundRetrying.GivenUp(refunded, applied.Payment));
        }
    }

    [Fact]
    public void What_is_told_of_a_try_that_is_over_changes_nothing_unless_it_says_that_money_went_out()
    {
        var refunded = samples.Tell(samples.Refund(samples.Captured()), OperationKind.Refund, FactOutcome.Succeeded);
        var former = RefundOf(refunded).Current!.Id;
        var again = PaymentSamples.Apply(refunded, Failed(refunded, Soft));

        Assert.IsType<Application.NoOp>(Applying.Apply(again, Failed(refunded, Hard)));
        Assert.IsType<Application.NoOp>(Applying.Apply(again, samples.FactOf(refunded, OperationKind.Refund, FactOutcome.Pending)));
        Assert.IsType<Application.Contradiction>(Applying.Apply(again, samples.FactOf(refunded, OperationKind.Refund, FactOutcome.Succeeded)));
        Assert.NotEqual(former, RefundOf(again).Current!.Id);
    }
}
