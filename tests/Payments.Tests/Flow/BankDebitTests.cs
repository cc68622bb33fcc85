using Payments.Api;
using Payments.Api.Flow;
using Payments.Connectors;
using Payments.Core;
using Payments.Core.Events;
using Xunit;
using static Payments.Core.FactOutcome;
using static Payments.Core.OperationKind;

namespace Payments.Tests.Flow;

/// <summary>Debits of bank accounts (ACH) in the pure functions: days between the submission and the bank's word.</summary>
public sealed class BankDebitTests
{
    private static readonly PaymentSamples Samples = new();

    private static PaymentState Submitted()
    {
        var card = Samples.Opened(capture: CaptureMethod.Automatic);
        var opened = card with { Details = card.Details with { PaymentMethod = new PaymentMethodView(PaymentMethodTypes.Ach, null, "6789", "US", null, card.Details.PaymentMethod.Token) } };
        Assert.True(opened.IsBankDebit);
        return opened;
    }

    private static PaymentState Processing() => Samples.Tell(Submitted(), Authorize, Pending);

    [Fact]
    public void What_the_provider_has_accepted_is_processing_and_told_once()
    {
        var opened = Submitted();
        var fact = Samples.FactOf(opened, Authorize, Pending);

        var applied = Assert.IsType<Application.Applied>(Applying.Apply(opened, fact));

        Assert.Equal([PaymentEventTypes.Processing], applied.Happenings.Select(h => h.Type));
        Assert.Equal((PaymentStatus.Processing, OperationState.Pending), (applied.Payment.Status, applied.Payment.Authorization!.State));
        Assert.IsType<Application.NoOp>(Applying.Apply(applied.Payment, fact));
    }

    [Theory]
    [InlineData(Succeeded, PaymentStatus.Captured, "payment.captured")]
    [InlineData(Declined, PaymentStatus.Declined, "payment.declined")]
    public void Days_later_the_bank_has_paid_or_returned_it(FactOutcome outcome, PaymentStatus status, string told)
    {
        var processing = Processing();
        var fact = Samples.FactOf(processing, Authorize, outcome, captured: outcome == Succeeded);

        var applied = Assert.IsType<Application.Applied>(Applying.Apply(processing, fact));

        Assert.Equal((status, told), (applied.Payment.Status, string.Join(',', applied.Happenings.Select(h => h.Type))));
        Assert.IsType<Application.NoOp>(Applying.Apply(applied.Payment, fact));
        Assert.IsType<Application.NoOp>(Applying.Apply(applied.Payment, Samples.FactOf(processing, Authorize, Pending)));
    }

    [Fact]
    public void A_success_that_the_provider_dates_before_the_failure_comes_late_and_a_newer_one_contradicts()
    {
        var processing = Processing();
        var returned = PaymentSamples.Apply(processing, Samples.FactOf(processing, Authorize, Declined) with { ProviderTime = PaymentSamples.Noon });
        var success = Samples.FactOf(processing, Authorize, Succeeded, captured: true);

        Assert.IsType<Application.NoOp>(Applying.Apply(returned, success with { ProviderTime = PaymentSamples.Noon.AddMinutes(-1) }));
        Assert.IsType<Application.Contradiction>(Applying.Apply(returned, success with { ProviderTime = PaymentSamples.Noon.AddMinutes(1) }));
    }

    [Fact]
    public void A_return_after_success_takes_the_money_back_is_lost_at_once_and_forbids_refunds()
    {
        var processing = Processing();
        var captured = Samples.Tell(processing, Authorize, Succeeded, captured: true);
        var fact = new DisputeFact(Provider.Stripe, "du_1", 10_000, "USD")
        {
            Status = DisputeStatus.Lost,
            Movements = [new ToldMovement(1, 10_000, 1_500)],
            ProviderReason = "insufficient_funds",
            ProviderTime = PaymentSamples.Noon,
            LearnedAt = PaymentSamples.Noon,
        };

        var applied = Assert.IsType<Application.Applied>(Applying.Apply(captured, fact));

        Assert.Equal([PaymentEventTypes.DisputeOpened, PaymentEventTypes.DisputeFundsWithdrawn, PaymentEventTypes.DisputeClosed], applied.Happenings.Select(h => h.Type));
        Assert.Equal((PaymentStatus.Disputed, DisputeStatus.Lost, 10_000L), (applied.Payment.Status, applied.Payment.Disputes[0].Status, applied.Payment.Amounts.DisputedMinor));
        Assert.Equal("payment_disputed", Opening.Refund(applied.Payment, null, PaymentSamples.Everything, Samples.New()).Refusal!.Code);
        Assert.IsType<Application.NoOp>(Applying.Apply(applied.Payment, fact));
    }

    [Theory]
    [InlineData(Reading.Missing)]
    [InlineData(Reading.Unanswered)]
    public void What_is_pending_is_never_cancelled_sent_again_or_closed_however_old_it_is(Reading reading)
    {
        var processing = Processing();
        var seen = new Sighting(reading, null, TimeSpan.FromDays(30), TimeSpan.FromDays(20));
        Assert.Equal(ResolvingStep.Wait, Resolving.Next(processing, processing.AuthorizingAttempt!.Id, seen, new Deadlines().Limits));
    }

    [Theory]
    [InlineData(0, 300)]
    [InlineData(3, 2_400)]
    [InlineData(7, 21_600)]
    [InlineData(100_000, 21_600)]
    public void Looks_at_a_debit_back_off_to_a_quarter_of_a_day(int readings, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), new Deadlines().Pause(AttemptState.Pending, readings, isDebit: true));

    [Fact]
    public void A_person_is_told_after_ten_days() => Assert.Equal(TimeSpan.FromDays(10), new Deadlines().DebitAlert);

    // Amount, price of both the merchant and the provider: 0.8 %, at most 5 dollars.
    [Theory]
    [InlineData(50, 0)]
    [InlineData(63, 1)]
    [InlineData(10_000, 80)]
    [InlineData(62_499, 500)]
    [InlineData(62_500, 500)]
    [InlineData(10_000_000, 500)]
    public void A_debit_costs_a_rate_with_a_most(long amount, long price)
    {
        var (method, money) = (Submitted().Details.PaymentMethod, new Money(amount, Currency.Of("USD")));
        var plan = new FeePlan(1, new CardPrice(29_000, 30), new CardPrice(15_000, 25)).PriceOf(method, money);
        Assert.Equal(price, plan.Of(amount, withFixedPart: true));
        Assert.Equal(price, ProviderCosts.PriceOf(Provider.Stripe, method, money).Of(amount, withFixedPart: true));
    }
}
