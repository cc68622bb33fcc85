using Payments.Core;
using Payments.Core.Events;
using Xunit;
using static Payments.Core.DisputeStatus;

namespace Payments.Tests.Flow;

public sealed class DisputeTests
{
    private const string Reference = "du_1";
    private static readonly PaymentSamples Samples = new();

    private static DisputeFact Told(DisputeStatus? status, int seconds = 0, params (int Number, long Amount, long? Fee)[] moved) => new(Provider.Stripe, Reference, 10_000, "USD")
    {
        Status = status,
        Reason = DisputeReason.Fraudulent,
        ProviderTime = PaymentSamples.Noon.AddSeconds(seconds),
        LearnedAt = PaymentSamples.Noon,
        Movements = [.. moved.Select(m => new ToldMovement(m.Number, m.Amount, m.Fee))],
    };

    private static Application.Applied Apply(PaymentState payment, DisputeFact fact) => Assert.IsType<Application.Applied>(Applying.Apply(payment, fact));

    private static PaymentState At(DisputeStatus status)
    {
        var opened = Apply(Samples.Captured(), Told(status == Warning ? Warning : NeedsResponse)).Payment;
        return status is Warning or NeedsResponse ? opened : Apply(opened, Told(status, 1)).Payment;
    }

    // From each status, what a later word of the provider does: the documented table, row by row.
    private static readonly Dictionary<DisputeStatus, DisputeStatus[]> Successors = new()
    {
        [Warning] = [NeedsResponse, UnderReview, Won, Lost, Accepted, Expired, Withdrawn],
        [NeedsResponse] = [UnderReview, Won, Lost, Accepted, Expired, Withdrawn],
        [UnderReview] = [Won, Lost, Accepted, Withdrawn],
        [Expired] = [UnderReview, Won, Lost, Accepted, Withdrawn],
        [Won] = [Lost],
        [Lost] = [Won],
        [Accepted] = [Won],
        [Withdrawn] = [NeedsResponse],
    };

    private static readonly (DisputeStatus Now, DisputeStatus Told)[] Contradictions =
    [
        (Won, Accepted), (Won, Withdrawn), (Lost, Withdrawn), (Accepted, Withdrawn), (Withdrawn, Won), (Withdrawn, Lost), (Withdrawn, Accepted),
    ];

    [Fact]
    public void Every_pair_of_status_and_word_is_a_step_known_or_a_contradiction()
    {
        foreach (var now in Enum.GetValues<DisputeStatus>())
        {
            foreach (var told in Enum.GetValues<DisputeStatus>())
            {
                var what = $"{now} and then {told}";
                var application = Applying.Apply(At(now), Told(told, 2));
                if (Successors[now].Contains(told))
                {
                    var applied = Assert.IsType<Application.Applied>(application);
                    Assert.True(told == applied.Payment.Disputes[0].Status, what);
                    Assert.Equal(applied.Payment.Disputes[0].IsClosed ? PaymentEventTypes.DisputeClosed : PaymentEventTypes.DisputeUpdated, Assert.Single(applied.Happenings).Type);
                }
                else if (Contradictions.Contains((now, told)))
                {
                    Assert.True(application is Application.Contradiction, what);
                }
                else
                {
                    Assert.True(application is Application.NoOp, what);
                }
            }
        }
    }

    [Fact]
    public void What_is_over_begins_again_only_by_a_later_word()
    {
        var won = At(Won);
        Assert.IsType<Application.Contradiction>(Applying.Apply(won, Told(Lost, 1)));
        Assert.IsType<Application.NoOp>(Applying.Apply(won, Told(Lost)));
        Assert.Equal(Lost, Apply(won, Told(Lost, 2)).Payment.Disputes[0].Status);
    }

    [Fact]
    public void A_dispute_tells_that_it_was_opened_what_was_taken_and_how_it_ended_each_in_a_version_of_its_own()
    {
        var payment = Samples.Captured();
        var taken = Apply(payment, Told(NeedsResponse, 0, (1, 10_000, 1_500)));
        Assert.Equal([PaymentEventTypes.DisputeOpened, PaymentEventTypes.DisputeFundsWithdrawn], taken.Happenings.Select(h => h.Type));
        Assert.Equal([payment.Version + 1, payment.Version + 2], taken.Happenings.Select(h => h.AsOf.Version));
        Assert.Equal(PaymentStatus.Disputed, taken.Payment.Status);
        Assert.Equal((10_000, 0, 1_500), (taken.Payment.Disputes[0].WithheldMinor, taken.Payment.Disputes[0].WithheldMinor - taken.Payment.Disputes[0].BookedMinor, taken.Payment.Disputes[0].FeeMinor));
        Assert.IsType<Application.NoOp>(Applying.Apply(taken.Payment, Told(NeedsResponse, 0, (1, 10_000, 1_500))));

        var won = Apply(taken.Payment, Told(Won, 9, (1, 10_000, 1_500), (2, 10_000, 1_500)));
        Assert.Equal([PaymentEventTypes.DisputeFundsReinstated, PaymentEventTypes.DisputeClosed], won.Happenings.Select(h => h.Type));
        Assert.Equal((0, 0, PaymentStatus.Captured), (won.Payment.Disputes[0].WithheldMinor, won.Payment.Disputes[0].FeeMinor, won.Payment.Status));
        Assert.Equal(10_000, won.Payment.Amounts.RefundableMinor);
    }

    [Fact]
    public void Words_in_any_order_end_in_the_same()
    {
        DisputeFact[] words = [Told(NeedsResponse), Told(null, 1, (1, 10_000, null)), Told(UnderReview, 2), Told(UnderReview, 3, (2, 10_000, null)), Told(Lost, 4, (3, 10_000, null))];
        var payment = Samples.Captured();
        foreach (var order in Orders(words))
        {
            var end = order.Aggregate(payment, (state, fact) => Applying.Apply(state, fact) switch
            {
                Application.Applied applied => applied.Payment,
                Application.NoOp => state,
                var other => throw new InvalidOperationException($"{other} in {string.Join(", ", order.Select(o => Array.IndexOf(words, o)))}"),
            });
            Assert.Equal((Lost, 10_000, 3, 1_500), (end.Disputes[0].Status, end.Disputes[0].WithheldMinor, end.Disputes[0].Movements.Length, end.Disputes[0].FeeMinor + DisputeFees.ReturnedOf(Provider.Stripe, Currency.Of("USD"))));
        }
    }

    private static IEnumerable<DisputeFact[]> Orders(DisputeFact[] facts) => facts.Length <= 1
        ? [facts]
        : facts.SelectMany((first, i) => Orders([.. facts[..i], .. facts[(i + 1)..]]).Select(rest => (DisputeFact[])[first, .. rest]));

    // refunded before, taken, given back → whether the fee was and is the merchant's
    [Theory]
    [InlineData(4_000, 10_000, 4_000, true)]
    [InlineData(4_000, 10_000, 10_000, true)]
    [InlineData(10_000, 10_000, 4_000, false)]
    [InlineData(10_000, 10_000, 10_000, false)]
    [InlineData(0, 10_000, 1, true)]
    public void A_fee_is_given_back_to_whoever_bore_it(long refunded, long taken, long back, bool ofMerchant)
    {
        var payment = refunded == 0 ? Samples.Captured() : Samples.Tell(Samples.Refund(Samples.Captured(), refunded), OperationKind.Refund, FactOutcome.Succeeded);
        var withdrawn = Apply(payment, Told(NeedsResponse, 0, (1, taken, 1_500)));
        Assert.Equal(ofMerchant, withdrawn.Happenings[1].Moved!.MerchantBearsFee);
        var reinstated = Apply(withdrawn.Payment, Told(Won, 5, (1, taken, 1_500), (2, back, 1_500)));
        Assert.Equal(ofMerchant, reinstated.Happenings[0].Moved!.MerchantBearsFee);

        // What a later withdrawal took without a fee says nothing about the fee of the first.
        var again = Apply(reinstated.Payment, Told(Lost, 6, (3, 10_000, 0)));
        Assert.Equal(ofMerchant, Apply(again.Payment, Told(Won, 7, (4, back, 1_500))).Happenings[0].Moved!.MerchantBearsFee);
    }

    [Fact]
    public void A_chargeback_after_a_refund_takes_the_excess_from_suspense()
    {
        var refunded = Samples.Tell(Samples.Refund(Samples.Captured(), 7_000), OperationKind.Refund, FactOutcome.Succeeded);
        var taken = Apply(refunded, Told(NeedsResponse, 0, (1, 10_000, 1_500)));
        Assert.Equal((10_000, 7_000), (taken.Happenings[1].Moved!.AmountMinor, taken.Happenings[1].Moved!.SuspenseMinor));
        Assert.Equal(0, taken.Payment.Amounts.RefundableMinor);
        var back = Apply(taken.Payment, Told(Won, 5, (1, 10_000, 1_500), (2, 10_000, 1_500)));
        Assert.Equal((7_000, 3_000), (back.Happenings[0].Moved!.SuspenseMinor, back.Payment.Amounts.RefundableMinor));
    }

    [Fact]
    public void Nothing_is_refunded_while_disputed_or_after_it_was_lost()
    {
        foreach (var status in new[] { NeedsResponse, UnderReview, Expired })
        {
            Assert.Equal("payment_disputed", Opening.Refund(At(status), null, PaymentSamples.Everything, Samples.New()).Refusal!.Code);
        }

        var lost = Apply(At(NeedsResponse), Told(Lost, 3, (1, 10_000, null))).Payment;
        Assert.Equal("payment_disputed", Opening.Refund(lost, null, PaymentSamples.Everything, Samples.New()).Refusal!.Code);
        Assert.Null(Opening.Refund(At(Warning), null, PaymentSamples.Everything, Samples.New()).Refusal);
        Assert.Null(Opening.Refund(At(Won), null, PaymentSamples.Everything, Samples.New()).Refusal);
    }

    [Fact]
    public void Another_amount_of_the_same_movement_another_currency_and_a_dispute_of_nothing_are_contradictions()
    {
        var taken = Apply(Samples.Captured(), Told(NeedsResponse, 0, (1, 10_000, null))).Payment;
        Assert.IsType<Application.Contradiction>(Applying.Apply(taken, Told(NeedsResponse, 1, (1, 9_999, null))));
        Assert.IsType<Application.Contradiction>(Applying.Apply(Samples.Captured(), Told(NeedsResponse) with { Currency = "EUR" }));
        Assert.IsType<Application.Contradiction>(Applying.Apply(Samples.Authorized(), Told(NeedsResponse)));
    }

    [Fact]
    public void Authentication_that_shifted_liability_marks_a_fraud_dispute_and_proposes_evidence()
    {
        var authenticated = Samples.Captured() with { Authentication = new(AuthenticationResult.Authenticated, AuthenticationFlow.Challenge, "05", "2.2.0", true) };
        var fraud = Apply(authenticated, Told(NeedsResponse)).Payment;
        Assert.True(fraud.Disputes[0].LiabilityShifted);
        Assert.Contains("ECI 05", DisputeView.Of(fraud, fraud.Disputes[0]).ProposedEvidence, StringComparison.Ordinal);
        var other = Apply(authenticated, Told(NeedsResponse) with { Reason = DisputeReason.ProductNotReceived }).Payment;
        Assert.False(other.Disputes[0].LiabilityShifted);
        Assert.Null(DisputeView.Of(other, other.Disputes[0]).ProposedEvidence);
    }

    // status, answer, late, texts, files, provider takes texts → refusal
    [Theory]
    [InlineData(NeedsResponse, DisputeAnswer.Evidence, false, 1, 0, true, null)]
    [InlineData(Warning, DisputeAnswer.Evidence, false, 0, 1, true, null)]
    [InlineData(NeedsResponse, DisputeAnswer.Evidence, false, 0, 1, false, null)]
    [InlineData(NeedsResponse, DisputeAnswer.Evidence, false, 0, 0, true, "evidence_missing")]
    [InlineData(NeedsResponse, DisputeAnswer.Evidence, false, 1, 0, false, "evidence_missing")]
    [InlineData(NeedsResponse, DisputeAnswer.Evidence, true, 1, 1, true, "evidence_deadline_passed")]
    [InlineData(Expired, DisputeAnswer.Evidence, false, 1, 1, true, "evidence_deadline_passed")]
    [InlineData(UnderReview, DisputeAnswer.Evidence, false, 1, 1, true, "dispute_already_answered")]
    [InlineData(UnderReview, DisputeAnswer.Acceptance, false, 0, 0, true, "dispute_already_answered")]
    [InlineData(Won, DisputeAnswer.Evidence, false, 1, 1, true, "dispute_closed")]
    [InlineData(Lost, DisputeAnswer.Acceptance, false, 0, 0, true, "dispute_closed")]
    [InlineData(Warning, DisputeAnswer.Acceptance, false, 0, 0, true, "dispute_not_acceptable")]
    [InlineData(NeedsResponse, DisputeAnswer.Acceptance, true, 0, 0, true, null)]
    public void An_answer_is_decided_or_refused_by_name(DisputeStatus status, DisputeAnswer answer, bool late, int texts, int files, bool takesTexts, string? code)
    {
        var payment = At(status);
        var decision = Disputing.Answer(payment, payment.Disputes[0], answer, Samples.New().AttemptId, PaymentSamples.Noon, late, texts, files, takesTexts);
        Assert.Equal(code, decision.Refusal?.Code);
        Assert.Equal(code is null ? OperationState.Open : null, decision.Dispute?.Submission?.State);
    }

    [Fact]
    public void An_answer_is_settled_by_its_call_or_by_what_the_provider_tells_whoever_is_first()
    {
        var open = At(NeedsResponse);
        var sent = Disputing.Answer(open, open.Disputes[0], DisputeAnswer.Evidence, Samples.New().AttemptId, PaymentSamples.Noon, false, 1, 0, true);
        var submission = sent.Dispute!.Submission!;
        var told = Apply(sent.Payment!, Told(UnderReview, 3)).Payment;
        Assert.Equal((UnderReview, OperationState.Succeeded), (told.Disputes[0].Status, told.Disputes[0].Submission!.State));
        Assert.IsType<Application.NoOp>(Applying.Apply(told, Told(null) with { Submission = submission with { State = OperationState.Unknown } }));

        var unknown = Apply(sent.Payment!, Told(null) with { Submission = submission with { State = OperationState.Unknown } }).Payment;
        Assert.Equal((NeedsResponse, OperationState.Unknown, false), (unknown.Disputes[0].Status, unknown.Disputes[0].Submission!.State, unknown.Disputes[0].TakesEvidence));
        var refused = Apply(unknown, Told(null) with { Submission = submission with { State = OperationState.Failed } }).Payment;
        Assert.True(refused.Disputes[0].TakesEvidence);

        var given = Disputing.Answer(open, open.Disputes[0], DisputeAnswer.Acceptance, Samples.New().AttemptId, PaymentSamples.Noon, false, 0, 0, true);
        Assert.Equal(Accepted, Apply(given.Payment!, Told(Lost, 3)).Payment.Disputes[0].Status);
    }

    [Fact]
    public void A_restored_payment_gets_its_disputes_back_from_its_events()
    {
        var ids = new IdSource(TimeProvider.System);
        var before = Samples.Captured();
        var taken = Apply(before, Told(NeedsResponse, 0, (1, 10_000, 1_500)));
        var won = Apply(taken.Payment, Told(Won, 9, (1, 10_000, 1_500), (2, 10_000, 1_500)));
        var restored = taken.Happenings.AddRange(won.Happenings).Aggregate(before, (state, told) => Reinstating.Apply(
            state,
            new PaymentEvent(
                ids.New<EventId>(), told.Type, state.Id, state.MerchantId, state.Mode, told.AsOf.Version, PaymentSamples.Noon,
                new PaymentEventData(told.AsOf.View(), null, null) { Dispute = told.Dispute, Moved = told.Moved }),
            (1, PaymentSamples.Commission), _ => PaymentSamples.Cost));
        Assert.Equal(won.Payment.Disputes[0].Movements, restored.Disputes[0].Movements);
        Assert.Equal(won.Payment.Disputes[0] with { Movements = [], ProviderTime = null }, restored.Disputes[0] with { Movements = [], ProviderTime = null });
        Assert.Equal((won.Payment.Version, won.Payment.Status), (restored.Version, restored.Status));
    }
}
