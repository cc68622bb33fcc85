using Payments.Core;
using Payments.Core.Seams;
using Payments.Reconciliation.Reports;
using Xunit;

namespace Payments.Tests.Reconciliation;

/// <summary>The end of a payment's story: where the money is.</summary>
public sealed class StoryTests
{
    private static readonly DateTimeOffset At = new(2026, 1, 30, 12, 0, 0, TimeSpan.Zero);
    private static readonly IdSource Ids = new(TimeProvider.System);
    private static readonly PayoutId Payout = Ids.New<PayoutId>();
    private static readonly Guid AtBank = Ids.New<EventId>().Value;

    //         settled, payout's status, what is said of the merchant
    [Theory]
    [InlineData(false, null, "No settlement of the merchant has it yet.")]
    [InlineData(true, null, "Settlement stl_1 (48.50 EUR): not paid yet.")]
    [InlineData(true, "sent", "Settlement stl_1 (48.50 EUR): payout PAYOUT is sent.")]
    [InlineData(true, "paid", "Settlement stl_1 (48.50 EUR): paid by payout PAYOUT.")]
    [InlineData(true, "returned", "Settlement stl_1 (48.50 EUR): not paid yet.")]
    public void It_ends_with_whether_the_merchant_was_paid(bool settled, string? payout, string said)
    {
        var story = Story.Of(Explained("matched", Ledger(settled, payout)));

        Assert.Equal(["Of it 49.30 EUR came to our bank.", said.Replace("PAYOUT", Payout.ToString(), StringComparison.Ordinal), "No difference is open."], story.TakeLast(3));
        Assert.Equal(payout is not null, story.Any(s => s.Contains($"of 4850.00 EUR to the merchant, due on 2026-02-02, is {payout}, in bank file pof_1; the bank's statement has it on 2026-02-03 (matched).", StringComparison.Ordinal)));
    }

    [Fact]
    public void Of_each_settlement_it_says_by_which_payout_it_was_paid()
    {
        var (failed, paid) = (Ids.New<PayoutId>(), Ids.New<PayoutId>());
        var whole = Ledger(settled: true, null);
        var first = whole.Settlements[0] with { Payouts = [failed, paid] };
        var story = Story.Of(Explained("matched", whole with
        {
            Settlements = [first, first with { Id = "stl_2", Amount = -1_200, Payouts = [Payout] }, first with { Id = "stl_3", Amount = 300, Payouts = [] }],
            Payouts = [Made(failed, "failed"), Made(paid, "paid"), Made(Payout, "sent")],
        }));

        Assert.Equal(
            [$"Settlement stl_1 (48.50 EUR): paid by payout {paid}.", $"Settlement stl_2 (-12.00 EUR): payout {Payout} is sent.", "Settlement stl_3 (3.00 EUR): not paid yet."],
            story.SkipLast(1).TakeLast(3));
    }

    [Theory]
    [InlineData("timing", "Open: the capture ref may still come.")]
    [InlineData("not_compared", "Open: the capture ref is not compared yet.")]
    [InlineData("amount_mismatch", "Open: the capture ref is amount_mismatch.")]
    public void It_ends_with_what_is_open(string ofClass, string said)
    {
        var story = Story.Of(Explained(ofClass, null));

        Assert.Equal(["The ledger does not answer: what it has of the payment is not told here.", said], story.TakeLast(2));
    }

    //         class at the bank, told of its payout, open
    [Theory]
    [InlineData("timing", "Open: the payout batch 3 may still come to the bank.")]
    [InlineData("not_compared", "Open: the payout batch 3 is not compared with the bank yet.")]
    [InlineData("missing_there", "Open: the payout batch 3 is missing_there at the bank.")]
    public void A_payout_that_the_bank_does_not_have_is_told_as_what_it_is_there(string atBank, string open)
    {
        var whole = Explained("matched", null);
        var line = whole.Items[0].Lines[0] with { BankClass = atBank, Bank = null };
        var story = Story.Of(whole with { Items = [whole.Items[0] with { Lines = [line, line with { Line = 13 }] }] });

        Assert.Equal(["Nothing of it came to our bank yet.", open], [story[^3], story[^1]]);
        Assert.Contains($"2026-01-30 12:00:00 The bank's statement should have batch 3: {atBank}.", story);
    }

    [Theory]
    [InlineData("open", "Open: break rbk_1 (missing_there of payout batch 3 at the bank, 4930.00 EUR).")]
    [InlineData("resolved", "No difference is open.")]
    public void A_break_of_its_payout_at_the_bank_is_one_of_its_story(string state, string open)
    {
        var whole = Explained("matched", null);
        var line = whole.Items[0].Lines[0] with { BankClass = "missing_there", Bank = null };
        var atBank = new ExplainedBreak(
            "rbk_1", "bank", "batch 3", "missing_there", "EUR", 493_000, state, null, state == "resolved" ? "It came by another account" : null, null, state == "resolved" ? "ben" : null, null, At.AddDays(5), [], AtBank);
        var story = Story.Of(whole with { Items = [whole.Items[0] with { Lines = [line] }], Breaks = [atBank] });

        Assert.Equal(open, story[^1]);
        Assert.Contains(story, s => s.StartsWith($"2026-02-04 12:00:00 Break rbk_1 (bank, payout batch 3): missing_there of 4930.00 EUR, {state}", StringComparison.Ordinal));
    }

    [Fact]
    public void It_is_told_in_the_order_in_which_it_happened()
    {
        var story = Story.Of(Explained("matched", Ledger(settled: true, "paid")));

        Assert.Equal(
            ["2026-01-30 12:00:00 The ledge", "2026-01-30 12:00:00 adyen's r", "2026-01-30 12:00:00 adyen's r", "2026-01-31 00:00:00 Settlemen", "2026-02-01 00:00:00 The bank'", "2026-02-01 08:00:00 The ledge", "2026-02-03 08:00:00 Payout po"],
            story.SkipLast(3).Select(s => s[..29]));
    }

    private static LedgerStory Ledger(bool settled, string? payout) => new(
        Ids.New<PaymentId>(), Mode.Live, Ids.New<MerchantId>(), false,
        [new(Ids.New<JournalId>(), "payment.captured", At, [new("post", "capture", "provider_receivable", "adyen", "merchant_pending", "mer_1", 5_000, "EUR")])],
        settled ? [new("stl_1", new(2026, 1, 31, 0, 0, 0, TimeSpan.Zero), "EUR", 4_850, "EUR", new(2026, 2, 2), payout is null ? [] : [Payout])] : [],
        payout is null ? [] : [Made(Payout, payout)]);

    private static LedgerStoryPayout Made(PayoutId id, string status) => new(id, "EUR", 485_000, new(2026, 2, 2), status, new(2026, 2, 3, 8, 0, 0, TimeSpan.Zero), "pof_1");

    private static Explanation Explained(string ofClass, LedgerStory? ledger)
    {
        var bank = new ExplainedLine("bank", "adyen", "payout", "batch 3", new(2026, 2, 1), "EUR", 493_000, "EUR", 0, 493_000, "batch 3", "statement.xml", 8, null, null, null, null);
        var line = new ExplainedLine(
            "provider", "adyen", "capture", "ref", new(2026, 1, 30), "EUR", 5_000, "EUR", 70, 4_930, "batch 3", "report.csv", 12, "matched", bank, new(Ids.New<JournalId>(), new(2026, 2, 1, 8, 0, 0, TimeSpan.Zero)), AtBank);
        var item = new ExplainedItem(Ids.New<EventId>().Value, "payment.captured", "adyen", "capture", "ref", new(2026, 1, 30), "EUR", 5_000, 70, At, ofClass, 0, null, [line]);
        return new(Ids.New<PaymentId>(), "explanation", Mode.Live, Ids.New<MerchantId>(), [item], [], ledger, [.. ledger?.Payouts.Select(p => new ExplainedPayout(p, new(new(2026, 2, 3), "matched", Ids.New<EventId>().Value))) ?? []], []);
    }
}
