using Payments.Core;
using Payments.Core.Events;
using Payments.Ledger.Books;
using Payments.Tests.Ledger.Lives;
using Xunit;
using static Payments.Core.OperationKind;
using static Payments.Core.OperationState;

namespace Payments.Tests.Ledger;

public sealed class PostingsTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly CaptureFees Fees = new(3, 320, 175);
    private readonly PaymentLife payment = new(new IdSource(TimeProvider.System), Noon);

    [Fact]
    public void An_authorization_is_a_pending_transfer_and_moves_nothing() =>
        Expect(payment.Of(PaymentEventTypes.Authorized, Authorize, Succeeded, 10_000), "hold authorization stripe:provider_receivable > M:merchant_pending 100.00 USD");

    [Fact]
    public void A_payment_in_review_is_held_once()
    {
        var reviewed = new PaymentLife(new IdSource(TimeProvider.System), Noon) { Risk = FraudVerdict.Review };
        Assert.Equal(
            ["hold authorization stripe:provider_receivable > M:merchant_pending 100.00 USD"],
            Text(reviewed.Of(PaymentEventTypes.InReview, Authorize, Succeeded, 10_000), reviewed.Merchant));
        Assert.Empty(Text(reviewed.Of(PaymentEventTypes.Authorized, Authorize, Succeeded, 10_000), reviewed.Merchant));
    }

    [Fact]
    public void A_capture_releases_the_hold_and_books_gross_commission_and_cost() =>
        Expect(
            payment.Of(PaymentEventTypes.Captured, Capture, Succeeded, 10_000, Fees),
            "release authorization stripe:provider_receivable > M:merchant_pending 100.00 USD",
            "post capture stripe:provider_receivable > M:merchant_pending 100.00 USD",
            "post commission M:merchant_pending > platform:commission_revenue 3.20 USD",
            "post provider_cost platform:provider_cost_expense > stripe:provider_cost_payable 1.75 USD");

    [Fact]
    public void A_capture_that_came_with_its_authorization_releases_what_was_never_held_nowhere() =>
        Expect(
            payment.Sold(10_000, Fees),
            "post capture stripe:provider_receivable > M:merchant_pending 100.00 USD",
            "post commission M:merchant_pending > platform:commission_revenue 3.20 USD",
            "post provider_cost platform:provider_cost_expense > stripe:provider_cost_payable 1.75 USD");

    [Fact]
    public void A_final_partial_capture_releases_the_rest_of_the_hold_too() =>
        Expect(
            payment.Of(PaymentEventTypes.Captured, Capture, Succeeded, 4_000, new(3, 146, 0), released: 6_000),
            "release authorization stripe:provider_receivable > M:merchant_pending 100.00 USD",
            "post capture stripe:provider_receivable > M:merchant_pending 40.00 USD",
            "post commission M:merchant_pending > platform:commission_revenue 1.46 USD");

    [Fact]
    public void What_a_provider_captured_beyond_the_authorization_goes_to_suspense() =>
        Expect(
            payment.Of(PaymentEventTypes.Captured, Capture, Succeeded, 12_000, Fees, suspense: 2_000),
            "release authorization stripe:provider_receivable > M:merchant_pending 100.00 USD",
            "post capture stripe:provider_receivable > M:merchant_pending 100.00 USD",
            "post capture_suspense stripe:provider_receivable > platform:suspense 20.00 USD",
            "post commission M:merchant_pending > platform:commission_revenue 3.20 USD",
            "post provider_cost platform:provider_cost_expense > stripe:provider_cost_payable 1.75 USD");

    [Fact]
    public void A_capture_entirely_beyond_our_books_needs_no_fees() =>
        Expect(
            payment.Of(PaymentEventTypes.Captured, Capture, Succeeded, 500, fees: null, suspense: 500),
            "post capture_suspense stripe:provider_receivable > platform:suspense 5.00 USD");

    [Fact]
    public void The_reversal_of_a_capture_takes_back_gross_commission_and_cost_and_holds_nothing_again() =>
        Expect(
            payment.Of(PaymentEventTypes.CaptureFailed, Capture, Reversed, 12_000, Fees, released: 3_000, suspense: 2_000),
            "post capture_reversal M:merchant_pending > stripe:provider_receivable 100.00 USD",
            "post capture_reversal_suspense platform:suspense > stripe:provider_receivable 20.00 USD",
            "post commission_reversal platform:commission_revenue > M:merchant_pending 3.20 USD",
            "post provider_cost_reversal stripe:provider_cost_payable > platform:provider_cost_expense 1.75 USD");

    [Fact]
    public void A_refund_debits_the_merchant_in_full_and_keeps_the_commission() =>
        Expect(
            payment.Of(PaymentEventTypes.Refunded, Refund, Succeeded, 10_000),
            "post refund M:merchant_pending > stripe:provider_receivable 100.00 USD");

    [Fact]
    public void What_a_provider_refunded_beyond_the_capture_comes_from_suspense() =>
        Expect(
            payment.Of(PaymentEventTypes.Refunded, Refund, Succeeded, 10_000, suspense: 1),
            "post refund M:merchant_pending > stripe:provider_receivable 99.99 USD",
            "post refund_suspense platform:suspense > stripe:provider_receivable 0.01 USD");

    [Fact]
    public void A_refund_that_bounces_comes_back_to_the_merchant() =>
        Expect(
            payment.Of(PaymentEventTypes.RefundFailed, Refund, Reversed, 10_000, suspense: 1),
            "post refund_reversal stripe:provider_receivable > M:merchant_pending 99.99 USD",
            "post refund_reversal_suspense stripe:provider_receivable > platform:suspense 0.01 USD");

    [Theory]
    [InlineData(PaymentEventTypes.Voided, OperationKind.Void)]
    [InlineData(PaymentEventTypes.Expired, OperationKind.Void)]
    public void A_void_or_an_expiry_releases_what_was_held(string type, OperationKind kind) =>
        Expect(payment.Of(type, kind, Succeeded, 10_000, released: 7_000), "release authorization stripe:provider_receivable > M:merchant_pending 70.00 USD");

    [Fact]
    public void A_dispute_takes_its_money_and_fee_from_the_merchant_and_gives_them_back()
    {
        Expect(
            payment.OfDispute(1, 10_000, 0, 1_500),
            "post dispute M:merchant_pending > stripe:provider_receivable 100.00 USD",
            "post dispute_fee M:merchant_pending > stripe:provider_cost_payable 15.00 USD");
        Expect(
            payment.OfDispute(2, 10_000, 0, 1_500),
            "post dispute_reversal stripe:provider_receivable > M:merchant_pending 100.00 USD",
            "post dispute_fee_return stripe:provider_cost_payable > M:merchant_pending 15.00 USD");
        Expect(payment.OfDispute(3, 10_000, 0, 0), "post dispute M:merchant_pending > stripe:provider_receivable 100.00 USD");
    }

    [Fact]
    public void A_chargeback_beyond_what_was_left_comes_from_suspense_and_with_it_the_fee_where_nothing_was_left()
    {
        Expect(
            payment.OfDispute(1, 10_000, 7_000, 1_500),
            "post dispute M:merchant_pending > stripe:provider_receivable 30.00 USD",
            "post dispute_suspense platform:suspense > stripe:provider_receivable 70.00 USD",
            "post dispute_fee M:merchant_pending > stripe:provider_cost_payable 15.00 USD");
        Expect(
            payment.OfDispute(1, 10_000, 10_000, 1_500),
            "post dispute_suspense platform:suspense > stripe:provider_receivable 100.00 USD",
            "post dispute_fee_suspense platform:suspense > stripe:provider_cost_payable 15.00 USD");
        Expect(
            payment.OfDispute(2, 10_000, 10_000, 1_500),
            "post dispute_reversal_suspense stripe:provider_receivable > platform:suspense 100.00 USD",
            "post dispute_fee_return_suspense stripe:provider_cost_payable > platform:suspense 15.00 USD");
    }

    // Of 100.00 that were taken 40.00 came from suspense and come back first: the fee was the merchant's, and is again.
    [Fact]
    public void A_fee_goes_back_to_where_the_withdrawal_took_it_from()
    {
        Expect(
            payment.OfDispute(2, 4_000, 4_000, 1_500, ofMerchant: true),
            "post dispute_reversal_suspense stripe:provider_receivable > platform:suspense 40.00 USD",
            "post dispute_fee_return stripe:provider_cost_payable > M:merchant_pending 15.00 USD");
        Expect(
            payment.OfDispute(4, 4_000, 0, 1_500, ofMerchant: false),
            "post dispute_reversal stripe:provider_receivable > M:merchant_pending 40.00 USD",
            "post dispute_fee_return_suspense stripe:provider_cost_payable > platform:suspense 15.00 USD");
    }

    [Fact]
    public void A_movement_that_contradicts_its_event_is_refused()
    {
        var taken = payment.OfDispute(1, 10_000, 0, 0);
        Assert.Throws<InvariantException>(() => Postings.For(taken with { Type = PaymentEventTypes.DisputeFundsReinstated }));
        Assert.Throws<InvariantException>(() => Postings.For(payment.OfDispute(1, 10, 11, 0)));
        Assert.Throws<InvariantException>(() => Postings.For(taken with { Data = taken.Data with { Moved = null } }));
    }

    [Theory]
    [InlineData(PaymentEventTypes.Rejected, Authorize, Failed)]
    [InlineData(PaymentEventTypes.RequiresAction, Authorize, Pending)]
    [InlineData(PaymentEventTypes.Processing, Authorize, Unknown)]
    [InlineData(PaymentEventTypes.Declined, Authorize, Failed)]
    [InlineData(PaymentEventTypes.Failed, Authorize, Failed)]
    [InlineData(PaymentEventTypes.Expired, Authorize, Failed)]
    [InlineData(PaymentEventTypes.CaptureFailed, Capture, Failed)]
    [InlineData(PaymentEventTypes.VoidFailed, OperationKind.Void, Failed)]
    [InlineData(PaymentEventTypes.RefundPending, Refund, Pending)]
    [InlineData(PaymentEventTypes.RefundFailed, Refund, Failed)]
    public void Where_no_money_moved_nothing_is_posted(string type, OperationKind kind, OperationState state) =>
        Expect(payment.Of(type, kind, state, 10_000, released: 10_000));

    [Fact]
    public void A_rejected_payment_without_an_operation_posts_nothing() => Expect(payment.Of(PaymentEventTypes.Rejected, operation: null));

    // Every other pairing is a contradiction: it is refused aloud and never skipped.
    [Fact]
    public void Every_pair_of_type_and_state_is_posted_or_known_to_post_nothing_or_refused()
    {
        var posting = new HashSet<(string, OperationState)>
        {
            (PaymentEventTypes.InReview, Succeeded), (PaymentEventTypes.Authorized, Succeeded), (PaymentEventTypes.Captured, Succeeded),
            (PaymentEventTypes.CaptureFailed, Reversed), (PaymentEventTypes.Voided, Succeeded), (PaymentEventTypes.Expired, Succeeded),
            (PaymentEventTypes.Refunded, Succeeded), (PaymentEventTypes.RefundFailed, Reversed), (PaymentEventTypes.Unattributed, Succeeded),
            (PaymentEventTypes.Attributed, Succeeded), (PaymentEventTypes.DoubleChargeFound, Open), (PaymentEventTypes.DoubleChargeUndone, Succeeded),
            (PaymentEventTypes.DoubleChargeUndoFailed, Reversed),
        };
        string[] silent =
        [
            PaymentEventTypes.Rejected, PaymentEventTypes.ReviewDecided, PaymentEventTypes.RequiresAction, PaymentEventTypes.Processing, PaymentEventTypes.Declined,
            PaymentEventTypes.Failed, PaymentEventTypes.VoidFailed, PaymentEventTypes.RefundPending, PaymentEventTypes.DisputeOpened, PaymentEventTypes.DisputeUpdated, PaymentEventTypes.DisputeClosed,
        ];
        var quiet = new HashSet<(string, OperationState)> { (PaymentEventTypes.CaptureFailed, Failed), (PaymentEventTypes.RefundFailed, Failed), (PaymentEventTypes.DoubleChargeUndoFailed, Failed) };
        var kinds = new Dictionary<string, OperationKind>
        {
            [PaymentEventTypes.InReview] = Authorize,
            [PaymentEventTypes.Authorized] = Authorize,
            [PaymentEventTypes.Captured] = Capture,
            [PaymentEventTypes.CaptureFailed] = Capture,
            [PaymentEventTypes.Voided] = OperationKind.Void,
            [PaymentEventTypes.Expired] = OperationKind.Void,
            [PaymentEventTypes.Refunded] = Refund,
            [PaymentEventTypes.RefundFailed] = Refund,
            [PaymentEventTypes.DoubleChargeFound] = Refund,
            [PaymentEventTypes.DoubleChargeUndone] = Refund,
            [PaymentEventTypes.DoubleChargeUndoFailed] = Refund,
        };
        foreach (var type in PaymentEventTypes.All)
        {
            foreach (var state in Enum.GetValues<OperationState>())
            {
                var happened = payment.Of(type, kinds.GetValueOrDefault(type, Authorize), state, 10_000, Fees, released: 1);
                if (posting.Contains((type, state)))
                {
                    Assert.NotEmpty(Postings.For(happened));
                }
                else if (silent.Contains(type) || quiet.Contains((type, state)))
                {
                    Assert.Empty(Postings.For(happened));
                }
                else
                {
                    Assert.Throws<InvariantException>(() => Postings.For(happened));
                }
            }
        }
    }

    [Fact]
    public void An_event_that_contradicts_itself_is_refused()
    {
        Assert.Throws<InvariantException>(() => Postings.For(payment.Of(PaymentEventTypes.Captured, Refund, Succeeded, 10_000, Fees)));
        Assert.Throws<InvariantException>(() => Postings.For(payment.Of(PaymentEventTypes.Captured, Capture, Succeeded, 10_000, fees: null)));
        Assert.Throws<InvariantException>(() => Postings.For(payment.Of(PaymentEventTypes.Captured, Capture, Succeeded, -1, Fees)));
        Assert.Throws<InvariantException>(() => Postings.For(payment.Of(PaymentEventTypes.Captured, Capture, Succeeded, 10, Fees, suspense: 11)));
        Assert.Throws<InvariantException>(() => Postings.For(payment.Of(PaymentEventTypes.Captured, Capture, Succeeded, 10, new(1, -1, 0))));
        Assert.Throws<InvariantException>(() => Postings.For(payment.Of(PaymentEventTypes.Captured, operation: null)));
        var sold = payment.Sold(10_000, Fees);
        Assert.Throws<InvariantException>(() => Postings.For(sold with { Data = sold.Data with { Authorization = sold.Data.Authorization! with { AmountMinor = 10_001 } } }));
        Assert.Throws<InvariantException>(() => Postings.For(payment.Of("payment.teleported", Capture, Succeeded, 10, Fees)));
        var other = payment.Of(PaymentEventTypes.Refunded, Refund, Succeeded, 10);
        Assert.Throws<InvariantException>(() => Postings.For(other with { Data = other.Data with { Operation = other.Data.Operation! with { Currency = "EUR" } } }));
        Assert.Throws<InvariantException>(() => Postings.For(other with { Data = other.Data with { Operation = other.Data.Operation! with { Currency = "XXX" } } }));
    }

    // 2.9 % + 30 minor units with the first capture, 2.9 % afterwards: rounded once, half away from zero, never more than the amount.
    [Theory]
    [InlineData(5_000, true, "1.75")]
    [InlineData(10_000, true, "3.20")]
    [InlineData(50, true, "0.31")] // 1.45 rounds to 1
    [InlineData(17, false, "0.00")] // 0.493: no line
    [InlineData(18, false, "0.01")] // 0.522
    [InlineData(500, false, "0.15")] // 14.5 away from zero
    [InlineData(20, true, "0.20")] // 31 would be more than the capture
    public void Commission_is_rounded_once_per_capture(long amount, bool first, string commission)
    {
        var fees = new CaptureFees(1, new Price(29_000, 30).Of(amount, first), 0);
        var lines = Text(payment.Of(PaymentEventTypes.Captured, Capture, Succeeded, amount, fees), payment.Merchant);
        var expected = commission == "0.00" ? [] : new[] { $"post commission M:merchant_pending > platform:commission_revenue {commission} USD" };
        Assert.Equal(expected, lines.Where(l => l.Contains("commission", StringComparison.Ordinal)));
    }

    [Fact]
    public void Adyen_has_accounts_of_its_own_and_currencies_keep_their_digits()
    {
        var dinars = new PaymentLife(new IdSource(TimeProvider.System), Noon) { Provider = Provider.Adyen, Currency = "KWD" };
        Assert.Equal(
            ["post refund M:merchant_pending > adyen:provider_receivable 1.234 KWD"],
            Text(dinars.Of(PaymentEventTypes.Refunded, Refund, Succeeded, 1_234), dinars.Merchant));
    }

    private void Expect(PaymentEvent happened, params string[] lines) => Assert.Equal(lines, Text(happened, payment.Merchant));

    private static string[] Text(PaymentEvent happened, MerchantId merchant) =>
        [.. Postings.For(happened).Select(l => $"{Snake(l.Action)} {Snake(l.Kind)} {Name(l.Debit, merchant)} > {Name(l.Credit, merchant)} {l.Amount}")];

    private static string Name(AccountName account, MerchantId merchant) =>
        $"{(account.Owner == merchant.ToString() ? "M" : account.Owner)}:{Chart.Of(account.Kind).Code}";

    private static string Snake<T>(T value)
        where T : struct, Enum => System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());
}
