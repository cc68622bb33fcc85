using Payments.Core;
using Xunit;

namespace Payments.Tests.Flow;

/// <summary>Second charges of one payment: found, undone by the provider that has them, outside the payment's own amounts.</summary>
public sealed class DoubleChargeTests
{
    private readonly PaymentSamples samples = new();
    private readonly IdSource ids = new(TimeProvider.System);

    [Theory]
    [InlineData(true, OperationKind.Refund)]
    [InlineData(false, OperationKind.Void)]
    public void A_second_charge_of_an_attempt_is_undone_and_the_payment_stands(bool taken, OperationKind kind)
    {
        var payment = samples.Captured();

        var (found, happened) = Tell(payment, Second(payment, taken));

        var undo = Assert.Single(found.Operations, o => o.IsExtra);
        Assert.Equal((kind, OperationState.Open, AttemptState.Scheduled, "pi_2", 10_000), (undo.Kind, undo.State, undo.Current!.State, undo.Current.PaymentReference, undo.AmountMinor));
        Assert.Equal((payment.Amounts, PaymentStatus.Captured, "pi_1"), (found.Amounts, found.Status, found.View().ProviderReference));
        Assert.Equal(["payment.double_charge_found"], happened);
        Assert.IsType<Application.NoOp>(Applying.Apply(found, Second(found, taken)));
        Assert.Equal([undo.Id], DoubleCharges.Found(payment, found).Select(o => o.Id));

        var begun = Opening.Beginning(found, undo.Current.Id);
        var (undone, then) = Tell(begun, Outcome(begun, FactOutcome.Succeeded));
        Assert.Equal((payment.Amounts, PaymentStatus.Captured), (undone.Amounts, undone.Status));
        Assert.Equal(["payment.double_charge_undone"], then);
        Assert.Single(DoubleCharges.Undone(begun, undone));
        Assert.IsType<Application.NoOp>(Applying.Apply(undone, Outcome(undone, FactOutcome.Succeeded)));
    }

    [Fact]
    public void A_second_charge_beside_a_voided_or_a_refunded_payment_is_undone_too()
    {
        var voided = samples.Tell(samples.Void(samples.Authorized()), OperationKind.Void, FactOutcome.Succeeded);
        var refunded = samples.Tell(samples.Refund(samples.Captured()), OperationKind.Refund, FactOutcome.Succeeded);
        foreach (var payment in new[] { voided, refunded })
        {
            var (found, _) = Tell(payment, Second(payment, true));
            Assert.Equal((payment.Status, payment.Amounts), (found.Status, found.Amounts));
        }
    }

    [Fact]
    public void A_closed_attempt_that_charged_after_the_payment_went_elsewhere_is_undone()
    {
        var opened = samples.Opened(capture: CaptureMethod.Automatic);
        var former = opened.AuthorizingAttempt!;
        var elsewhere = PaymentSamples.Apply(opened, samples.FactOf(opened, OperationKind.Authorize, FactOutcome.NotProcessed) with
        {
            PaymentReference = null,
            Instead = new NewAttempt(ids.New<AttemptId>(), Provider.Adyen, PaymentSamples.Cost),
        });
        var late = Second(elsewhere, true) with { AttemptId = former.Id };

        // While the other attempt is under way, and after it has succeeded.
        var (before, _) = Tell(elsewhere, late);
        Assert.Equal((PaymentStatus.Authorizing, Provider.Stripe), (before.Status, before.Operations[^1].Current!.Provider));
        var paid = PaymentSamples.Apply(elsewhere, new Fact(OperationKind.Authorize, FactOutcome.Succeeded, Provider.Adyen, ids.New<OperationId>(), PaymentSamples.Noon)
        {
            AttemptId = elsewhere.AuthorizingAttempt!.Id,
            PaymentReference = "psp_1",
            Captured = true,
        });
        var (after, happened) = Tell(paid, late);
        Assert.Equal((PaymentStatus.Captured, "psp_1"), (after.Status, after.View().ProviderReference));
        Assert.Equal(["payment.double_charge_found"], happened);
    }

    [Fact]
    public void The_only_charge_of_a_failed_payment_is_no_double_charge()
    {
        var opened = samples.Opened();
        var failed = PaymentSamples.Apply(opened, samples.FactOf(opened, OperationKind.Authorize, FactOutcome.NotProcessed) with { PaymentReference = null });

        Assert.IsType<Application.Contradiction>(Applying.Apply(failed, Second(failed, true)));
    }

    [Fact]
    public void What_becomes_of_another_charge_that_took_nothing_is_of_no_consequence()
    {
        var payment = samples.Captured();
        foreach (var outcome in new[] { FactOutcome.Declined, FactOutcome.NeedsAction, FactOutcome.Pending, FactOutcome.Unknown })
        {
            Assert.IsType<Application.NoOp>(Applying.Apply(payment, Second(payment, false) with { Outcome = outcome }));
        }

        Assert.IsType<Application.NoOp>(Applying.Apply(payment, Second(payment, true) with { TakenMinor = 0 }));
    }

    [Fact]
    public void A_void_that_is_refused_is_followed_by_a_refund()
    {
        var payment = samples.Captured();
        var (found, _) = Tell(payment, Second(payment, false));
        var begun = Opening.Beginning(found, found.Operations[^1].Current!.Id);

        var (refused, happened) = Tell(begun, Outcome(begun, FactOutcome.Declined));

        Assert.Equal(["payment.double_charge_undo_failed", "payment.double_charge_found"], happened);
        Assert.Equal((OperationKind.Refund, AttemptState.Scheduled, "pi_2"), (refused.Operations[^1].Kind, refused.Operations[^1].Current!.State, refused.Operations[^1].Current!.PaymentReference));
        Assert.Empty(DoubleCharges.GivenUp(begun, refused));
        Assert.Empty(DoubleCharges.Found(begun, refused));
    }

    [Fact]
    public void A_refund_that_is_refused_three_times_is_left_to_a_person()
    {
        var payment = samples.Captured();
        var (now, _) = Tell(payment, Second(payment, true));
        for (var refusal = 1; refusal <= 3; refusal++)
        {
            var begun = Opening.Beginning(now, now.Operations[^1].Current!.Id);
            (now, _) = Tell(begun, Outcome(begun, FactOutcome.Declined));
            Assert.Equal(refusal == 3 ? 1 : 0, DoubleCharges.GivenUp(begun, now).Count());
        }

        Assert.DoesNotContain(now.Operations, o => o is { IsExtra: true, IsUnsettled: true });
    }

    [Fact]
    public void What_is_proven_missing_is_sent_again_under_another_key_and_nothing_before_that_proof()
    {
        var payment = samples.Captured();
        var (found, _) = Tell(payment, Second(payment, true));
        var begun = Opening.Beginning(found, found.Operations[^1].Current!.Id);

        var (unsent, quiet) = Tell(begun, Outcome(begun, FactOutcome.NotProcessed));
        Assert.Equal((OperationState.Unknown, begun.Operations[^1].Current!.Id), (unsent.Operations[^1].State, unsent.Operations[^1].Current!.Id));
        Assert.Empty(quiet);
        var (again, silent) = Tell(unsent, Outcome(unsent, FactOutcome.NotProcessed));
        Assert.Equal((OperationState.Failed, AttemptState.NotProcessed), (again.Operations[^2].State, again.Operations[^2].Current!.State));
        Assert.Equal((OperationState.Open, AttemptState.Scheduled), (again.Operations[^1].State, again.Operations[^1].Current!.State));
        Assert.NotEqual(again.Operations[^2].Current!.Id, again.Operations[^1].Current!.Id);
        Assert.Empty(silent);
    }

    [Fact]
    public void Cancelling_the_second_charge_says_nothing_about_the_payments_own_hold()
    {
        var payment = samples.Authorized();
        var (found, _) = Tell(payment, Second(payment, false));
        var cancelled = new Fact(OperationKind.Void, FactOutcome.Succeeded, Provider.Stripe, ids.New<OperationId>(), PaymentSamples.Noon) { PaymentReference = "pi_2" };

        var (undone, happened) = Tell(found, cancelled);

        Assert.Equal(["payment.double_charge_undone"], happened);
        Assert.Equal((PaymentStatus.Authorized, 10_000), (undone.Status, undone.Amounts.CapturableMinor));
    }

    private Fact Second(PaymentState payment, bool taken) => new(OperationKind.Authorize, FactOutcome.Succeeded, Provider.Stripe, ids.New<OperationId>(), PaymentSamples.Noon)
    {
        AttemptId = payment.AuthorizingAttempt!.Id,
        PaymentReference = "pi_2",
        AmountMinor = 10_000,
        Captured = taken,
    };

    private Fact Outcome(PaymentState payment, FactOutcome outcome)
    {
        var undo = payment.Operations.Last(o => o.IsExtra);
        return new Fact(undo.Kind, outcome, undo.Current!.Provider, ids.New<OperationId>(), PaymentSamples.Noon)
        {
            AttemptId = undo.Current.Id,
            PaymentReference = undo.Current.PaymentReference,
            ModificationReference = outcome == FactOutcome.Succeeded && undo.Kind == OperationKind.Refund ? "re_2" : null,
        };
    }

    private static (PaymentState Payment, string[] Happened) Tell(PaymentState payment, Fact fact)
    {
        var applied = Assert.IsType<Application.Applied>(Applying.Apply(payment, fact));
        Assert.True(applied.Payment.Version > payment.Version, "what changes has another version");
        return (applied.Payment, [.. applied.Happenings.Select(h => h.Type)]);
    }
}
