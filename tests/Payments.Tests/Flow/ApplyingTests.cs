using Payments.Core;
using Payments.Core.Events;
using static Payments.Core.FactOutcome;
using static Payments.Core.OperationKind;

namespace Payments.Tests.Flow;

public class ApplyingTests
{
    private static readonly PaymentSamples Samples = new();

    private static Application.Applied Applied(PaymentState payment, Fact fact) => Assert.IsType<Application.Applied>(Applying.Apply(payment, fact));

    [Fact]
    public void An_automatic_payment_is_authorized_and_captured_in_one_event()
    {
        var opened = Samples.Opened(capture: CaptureMethod.Automatic);

        var applied = Applied(opened, Samples.FactOf(opened, Authorize, Succeeded, captured: true));

        var told = Assert.Single(applied.Happenings);
        Assert.Equal((PaymentEventTypes.Captured, 2L, PaymentStatus.Captured), (told.Type, told.AsOf.Version, told.AsOf.Status));
        Assert.Equal(new CaptureFees(1, 320, 210), told.Fees);
        Assert.Equal((Capture, OperationState.Succeeded, 10_000L, true), (told.Operation!.Kind, told.Operation.State, told.Operation.AmountMinor, told.Operation.Final));
        var authorize = applied.Payment.Authorization!;
        Assert.Equal((authorize.Id.ToString(), Authorize, OperationState.Succeeded, 10_000L), (told.Authorization!.Id, told.Authorization.Kind, told.Authorization.State, told.Authorization.AmountMinor));
        Assert.Equal((authorize.Current!.Id.ToString(), authorize.RequestKey), (told.Authorization.AttemptId, told.Authorization.RequestKey));
        Assert.Equal((PaymentSamples.Noon, PaymentSamples.Noon), (applied.Payment.AuthorizedAt, applied.Payment.CapturedAt));
        Assert.Equal(2, applied.Payment.Version);
    }

    [Fact]
    public void A_capture_that_is_told_after_its_authorization_has_an_event_of_its_own()
    {
        var authorized = Samples.Tell(Samples.Opened(capture: CaptureMethod.Automatic), Authorize, Succeeded);

        var told = Assert.Single(Applied(authorized, Samples.FactOf(authorized, Authorize, Succeeded, captured: true)).Happenings);

        Assert.Equal((PaymentEventTypes.Captured, null), (told.Type, told.Authorization));
    }

    [Fact]
    public void What_was_captured_although_a_person_was_to_look_at_it_is_held_first()
    {
        var opened = Samples.Opened(capture: CaptureMethod.Automatic) with { HeldForReview = true };

        var applied = Applied(opened, Samples.FactOf(opened, Authorize, Succeeded, captured: true));

        Assert.Equal([PaymentEventTypes.InReview, PaymentEventTypes.Captured], applied.Happenings.Select(h => h.Type));
        Assert.All(applied.Happenings, h => Assert.Null(h.Authorization));
    }

    [Fact]
    public void A_payment_that_was_lost_comes_back_out_of_that_one_event()
    {
        var opened = Samples.Opened(capture: CaptureMethod.Automatic);
        var applied = Applied(opened, Samples.FactOf(opened, Authorize, Succeeded, captured: true));
        var told = applied.Happenings[0];

        var restored = Reinstating.Apply(
            null,
            new PaymentEvent(
                new IdSource(TimeProvider.System).New<EventId>(), told.Type, opened.Id, opened.MerchantId, opened.Mode, told.AsOf.Version, PaymentSamples.Noon,
                new PaymentEventData(told.AsOf.View(), told.Operation, told.Fees) { Authorization = told.Authorization }),
            (1, PaymentSamples.Commission), _ => PaymentSamples.Cost);

        Assert.Equal((applied.Payment.Version, applied.Payment.Status, applied.Payment.Amounts), (restored.Version, restored.Status, restored.Amounts));
        Assert.Equal(
            applied.Payment.Operations.Select(o => (o.Id, o.Kind, o.State, o.AmountMinor, o.Fees, o.RequestKey, o.Current?.Id)),
            restored.Operations.Select(o => (o.Id, o.Kind, o.State, o.AmountMinor, o.Fees, o.RequestKey, o.Current?.Id)));
    }

    [Fact]
    public void The_fixed_part_of_the_fee_is_taken_with_the_first_capture_only()
    {
        var first = Samples.Tell(Samples.Capture(Samples.Authorized(), 4_000, false), Capture, Succeeded);
        var second = Samples.Tell(Samples.Capture(first), Capture, Succeeded);

        Assert.Equal([116 + 30, 174], second.Operations.Where(o => o.Kind == Capture).Select(o => o.Fees!.CommissionMinor));
    }

    [Fact]
    public void A_final_capture_releases_the_rest()
    {
        var captured = Applied(Samples.Capture(Samples.Authorized(), 4_000, true), Samples.FactOf(Samples.Authorized(), Capture, Succeeded) with { AttemptId = null });

        Assert.Equal(6_000, captured.Happenings[0].Operation!.ReleasedMinor);
        Assert.Equal(0, captured.Payment.Amounts.CapturableMinor);
    }

    [Fact]
    public void The_same_fact_again_changes_nothing()
    {
        var opened = Samples.Opened(capture: CaptureMethod.Automatic);
        var fact = Samples.FactOf(opened, Authorize, Succeeded, captured: true);
        var captured = PaymentSamples.Apply(opened, fact);
        var refunding = Samples.Refund(captured);
        var refund = Samples.FactOf(refunding, Refund, Succeeded) with { ModificationReference = "re_1" };
        var refunded = PaymentSamples.Apply(refunding, refund);

        Assert.IsType<Application.NoOp>(Applying.Apply(captured, fact));
        Assert.IsType<Application.NoOp>(Applying.Apply(refunded, refund));
        Assert.IsType<Application.NoOp>(Applying.Apply(refunded, refund with { AttemptId = null }));
    }

    [Fact]
    public void A_declined_attempt_goes_on_elsewhere_only_with_a_new_attempt_in_the_same_change()
    {
        var opened = Samples.Opened();
        var next = new NewAttempt(Samples.New().AttemptId, Provider.Adyen, PaymentSamples.Cost);

        var moved = Applied(opened, Samples.FactOf(opened, Authorize, Declined) with { Instead = next });
        var authorized = Samples.Tell(moved.Payment, Authorize, Succeeded);

        Assert.Empty(moved.Happenings);
        Assert.Equal([AttemptState.Declined, AttemptState.Open], moved.Payment.Authorization!.Attempts.Select(a => a.State));
        Assert.Equal(PaymentStatus.Authorizing, moved.Payment.Status);
        Assert.Equal(Provider.Adyen, authorized.AuthorizingAttempt!.Provider);
    }

    [Fact]
    public void An_unknown_attempt_never_goes_on_elsewhere()
    {
        var opened = Samples.Opened();
        var next = new NewAttempt(Samples.New().AttemptId, Provider.Adyen, PaymentSamples.Cost);

        var unknown = Applied(opened, Samples.FactOf(opened, Authorize, Unknown) with { Instead = next }).Payment;

        Assert.Single(unknown.Authorization!.Attempts);
        Assert.Equal(PaymentStatus.Processing, unknown.Status);
    }

    [Fact]
    public void A_success_of_an_attempt_that_was_left_is_a_second_charge()
    {
        var opened = Samples.Opened();
        var left = Samples.FactOf(opened, Authorize, Succeeded);
        var moved = PaymentSamples.Apply(opened, Samples.FactOf(opened, Authorize, NotProcessed) with { Instead = new NewAttempt(Samples.New().AttemptId, Provider.Adyen, PaymentSamples.Cost) });

        Assert.Equal([PaymentEventTypes.DoubleChargeFound], Applied(moved, left).Happenings.Select(h => h.Type));
        Assert.IsType<Application.NoOp>(Applying.Apply(moved, left with { Outcome = Declined }));
    }

    [Fact]
    public void A_refund_of_the_providers_dashboard_is_recorded_and_what_exceeds_the_books_goes_to_suspense()
    {
        var captured = Samples.Captured();

        var within = Applied(captured, Samples.Foreign(Refund, 4_000, "re_a"));
        var beyond = Applied(within.Payment, Samples.Foreign(Refund, 7_000, "re_b"));

        Assert.Equal(0, within.Happenings[0].Operation!.SuspenseMinor);
        Assert.Equal(1_000, beyond.Happenings[0].Operation!.SuspenseMinor);
        Assert.Equal(7_000, beyond.Happenings[0].Operation!.AmountMinor);
        Assert.Equal((10_000, 1_000), (beyond.Payment.Amounts.RefundedMinor, beyond.Payment.Amounts.RefundExcessMinor));
        Assert.Equal(PaymentStatus.Refunded, beyond.Payment.Status);
        Assert.IsType<Application.NoOp>(Applying.Apply(beyond.Payment, Samples.Foreign(Refund, 7_000, "re_b")));
    }

    [Fact]
    public void A_capture_beyond_the_authorization_is_recorded_with_its_excess()
    {
        var over = Applied(Samples.Authorized(), Samples.Foreign(Capture, 12_000, "cap_1"));

        Assert.Equal((10_000, 2_000), (over.Payment.Amounts.CapturedMinor, over.Payment.Amounts.CaptureExcessMinor));
        Assert.Equal(2_000, over.Happenings[0].Operation!.SuspenseMinor);
    }

    [Fact]
    public void A_capture_that_fails_later_is_reversed_with_its_fees_and_takes_the_hold_with_it()
    {
        var captured = Samples.Tell(Samples.Capture(Samples.Authorized()), Capture, Succeeded);

        var reversed = Applied(captured, Samples.FactOf(captured, Capture, Declined));

        var happening = Assert.Single(reversed.Happenings);
        Assert.Equal(PaymentEventTypes.CaptureFailed, happening.Type);
        Assert.Equal(OperationState.Reversed, happening.Operation!.State);
        Assert.Equal(new CaptureFees(1, 320, 210), happening.Fees);
        Assert.Equal(0, reversed.Payment.Amounts.CapturableMinor);
        Assert.Equal(0, reversed.Payment.View().AmountCaptured);
    }

    [Fact]
    public void An_older_notice_that_arrives_late_changes_nothing()
    {
        var captured = Samples.Capture(Samples.Authorized());
        var failed = PaymentSamples.Apply(captured, Samples.FactOf(captured, Capture, Declined) with { ProviderTime = PaymentSamples.Noon.AddMinutes(2) });

        Assert.IsType<Application.NoOp>(Applying.Apply(failed, Samples.FactOf(captured, Capture, Succeeded) with { ProviderTime = PaymentSamples.Noon.AddMinutes(1) }));
        Assert.IsType<Application.Contradiction>(Applying.Apply(failed, Samples.FactOf(captured, Capture, Succeeded) with { ProviderTime = PaymentSamples.Noon.AddMinutes(3) }));
    }

    [Fact]
    public void A_refund_that_bounced_within_a_second_of_its_success_may_be_told_in_either_order()
    {
        var captured = Samples.Captured();
        var refunding = Opening.Refund(captured, 4_000, PaymentSamples.Everything, Samples.New()).Payment!;
        var succeeded = Samples.FactOf(refunding, Refund, Succeeded) with { ProviderTime = PaymentSamples.Noon };
        var failed = Samples.FactOf(refunding, Refund, Declined) with { ProviderTime = PaymentSamples.Noon };

        var inOrder = PaymentSamples.Apply(PaymentSamples.Apply(refunding, succeeded), failed);
        var turned = PaymentSamples.Apply(refunding, failed);

        Assert.IsType<Application.NoOp>(Applying.Apply(inOrder, succeeded));
        Assert.IsType<Application.NoOp>(Applying.Apply(turned, succeeded));
        Assert.IsType<Application.Contradiction>(Applying.Apply(turned, succeeded with { ProviderTime = PaymentSamples.Noon.AddSeconds(1) }));
        Assert.Equal((0, 0), (inOrder.Amounts.RefundedMinor, turned.Amounts.RefundedMinor));
    }

    [Fact]
    public void A_notice_of_a_void_is_about_the_one_that_succeeded_and_not_about_one_that_never_reached_the_provider()
    {
        var unreached = Samples.Tell(Samples.Void(Samples.Authorized()), OperationKind.Void, NotProcessed);
        var voided = Samples.Tell(Samples.Void(unreached), OperationKind.Void, Succeeded);

        Assert.Equal(2, voided.Operations.Count(o => o.Kind == OperationKind.Void));
        Assert.IsType<Application.NoOp>(Applying.Apply(voided, Samples.FactOf(voided, OperationKind.Void, Succeeded) with { AttemptId = null }));
    }

    [Fact]
    public void A_capture_notice_before_the_authorization_brings_both()
    {
        var opened = Samples.Opened();

        var applied = Applied(opened, Samples.Foreign(Capture, 4_000, "cap_1"));

        Assert.Equal([PaymentEventTypes.Authorized, PaymentEventTypes.Captured], applied.Happenings.Select(h => h.Type));
        Assert.Equal(4_000, applied.Payment.Amounts.CapturedMinor);
        Assert.Equal(6_000, applied.Payment.Amounts.CapturableMinor);
        Assert.Equal([opened.Version + 1, opened.Version + 2], applied.Happenings.Select(h => h.AsOf.Version));
    }

    [Fact]
    public void A_hold_that_the_provider_gave_up_is_voided()
    {
        var authorized = Samples.Authorized();

        var voided = Applied(authorized, Samples.FactOf(authorized, OperationKind.Void, Succeeded));

        Assert.Equal(PaymentStatus.Voided, voided.Payment.Status);
        Assert.Equal(10_000, voided.Happenings[0].Operation!.ReleasedMinor);
        Assert.IsType<Application.NoOp>(Applying.Apply(voided.Payment, Samples.FactOf(authorized, OperationKind.Void, Succeeded)));
    }

    [Fact]
    public void A_void_without_a_name_means_the_one_that_ended_so()
    {
        var authorized = Samples.Authorized();
        var unnamed = Samples.FactOf(authorized, OperationKind.Void, Succeeded);
        var lost = Samples.Tell(Samples.Void(authorized), OperationKind.Void, NotProcessed);
        var voided = Samples.Tell(Samples.Void(lost), OperationKind.Void, Succeeded);

        Assert.Null(unnamed.AttemptId);
        Assert.IsType<Application.NoOp>(Applying.Apply(voided, unnamed));
        Assert.IsType<Application.NoOp>(Applying.Apply(voided, unnamed with { Outcome = Declined }));
    }

    [Fact]
    public void A_fact_in_another_currency_or_of_another_amount_is_a_contradiction()
    {
        var opened = Samples.Opened();

        Assert.IsType<Application.Contradiction>(Applying.Apply(opened, Samples.FactOf(opened, Authorize, Succeeded) with { Currency = "EUR", AmountMinor = 10_000 }));
        Assert.IsType<Application.Contradiction>(Applying.Apply(opened, Samples.FactOf(opened, Authorize, Succeeded) with { Currency = "USD", AmountMinor = 9_999 }));
    }

    [Fact]
    public void A_review_holds_an_authorization_that_is_not_captured()
    {
        var opened = Samples.Opened(capture: CaptureMethod.Automatic, review: true);

        var held = Applied(opened, Samples.FactOf(opened, Authorize, Succeeded));

        Assert.Equal([PaymentEventTypes.InReview], held.Happenings.Select(h => h.Type));
        Assert.Equal(0, held.Payment.View().AmountCapturable);
    }

    [Fact]
    public void A_capture_that_is_taken_back_before_its_success_was_told_took_the_hold_with_it()
    {
        var capturing = Samples.Tell(Samples.Capture(Samples.Authorized()), Capture, Pending);
        var takenBack = Samples.FactOf(capturing, Capture, Declined, captured: true) with { ProviderTime = PaymentSamples.Noon.AddMinutes(10) };

        var applied = Applied(capturing, takenBack);

        Assert.Equal([PaymentEventTypes.Captured, PaymentEventTypes.CaptureFailed], applied.Happenings.Select(h => h.Type));
        Assert.Equal((0, 10_000), (applied.Payment.Amounts.CapturableMinor, applied.Payment.Amounts.CaptureReversedMinor));
        Assert.Equal(PaymentStatus.Failed, applied.Payment.Status);
        Assert.IsType<Application.NoOp>(Applying.Apply(applied.Payment, Samples.FactOf(capturing, Capture, Succeeded) with { ProviderTime = PaymentSamples.Noon }));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_automatic_capture_that_is_taken_back_is_known_by_the_authorizing_attempt(bool isAuthorizationKnown)
    {
        var payment = isAuthorizationKnown ? Samples.Captured() : Samples.Tell(Samples.Opened(capture: CaptureMethod.Automatic), Authorize, Unknown);
        var takenBack = Samples.FactOf(payment, Capture, Declined, captured: true) with
        {
            AttemptId = payment.AuthorizingAttempt!.Id,
            ModificationReference = "psp_1",
            AmountMinor = 10_000,
            ProviderTime = PaymentSamples.Noon.AddMinutes(10),
        };

        var applied = Applied(payment, takenBack);

        Assert.Equal(PaymentEventTypes.CaptureFailed, applied.Happenings[^1].Type);
        Assert.Equal((PaymentStatus.Failed, 0L), (applied.Payment.Status, applied.Payment.View().AmountCaptured));
        Assert.IsType<Application.NoOp>(Applying.Apply(applied.Payment, Samples.FactOf(payment, Authorize, Succeeded, captured: true)));
    }

    [Fact]
    public void A_refund_told_before_the_authorization_means_that_an_automatic_capture_came_first()
    {
        var unknown = Samples.Tell(Samples.Opened(capture: CaptureMethod.Automatic), Authorize, Unknown);

        var applied = Applied(unknown, Samples.Foreign(Refund, 4_000, "re_1"));

        Assert.Equal([PaymentEventTypes.Captured, PaymentEventTypes.Refunded], applied.Happenings.Select(h => h.Type));
        Assert.Equal([Authorize, Capture, Refund], applied.Payment.Operations.Select(o => o.Kind));
        Assert.Equal((10_000, 4_000, 0), (applied.Payment.Amounts.CapturedMinor, applied.Payment.Amounts.RefundedMinor, applied.Payment.Amounts.RefundExcessMinor));
    }

    [Fact]
    public void The_approval_of_an_authorization_that_was_cancelled_later_comes_too_late_to_matter()
    {
        var opened = Samples.Opened();
        var cancelled = Applied(opened, Samples.FactOf(opened, OperationKind.Void, Succeeded) with { ProviderTime = PaymentSamples.Noon.AddSeconds(1) }).Payment;

        Assert.Equal(PaymentStatus.Failed, cancelled.Status);
        Assert.IsType<Application.NoOp>(Applying.Apply(cancelled, Samples.FactOf(opened, Authorize, Succeeded) with { ProviderTime = PaymentSamples.Noon }));
        Assert.IsType<Application.Contradiction>(Applying.Apply(cancelled, Samples.FactOf(opened, Authorize, Succeeded) with { ProviderTime = PaymentSamples.Noon.AddSeconds(2) }));
    }

    [Fact]
    public void A_capture_without_a_name_is_not_the_one_that_came_to_nothing()
    {
        var failed = Samples.Tell(Samples.Capture(Samples.Authorized()), Capture, NotProcessed);

        var captured = Applied(failed, new Fact(Capture, Succeeded, Provider.Stripe, Samples.New().Id, PaymentSamples.Noon) { PaymentReference = "pi_1", AmountMinor = 10_000, Captured = true });

        Assert.Equal(PaymentStatus.Captured, captured.Payment.Status);
        Assert.Equal(OperationOrigin.Provider, captured.Payment.Operations[^1].Origin);
    }

    [Fact]
    public void A_cancellation_during_a_capture_is_not_passed_over()
    {
        var capturing = Samples.Capture(Samples.Authorized());

        Assert.IsType<Application.Contradiction>(Applying.Apply(capturing, Samples.FactOf(capturing, OperationKind.Void, Succeeded)));
    }
}
