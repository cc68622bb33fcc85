using Payments.Core;
using Payments.IntegrationTests.Ledger;
using Payments.Ledger.Payouts;
using Payments.Reconciliation;
using Payments.Reconciliation.Closing;
using Payments.Reconciliation.Bookings;
using Payments.Reconciliation.Matching;
using Xunit;
using static Payments.IntegrationTests.Reconciliation.Statements;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>What the bank's statement says of payouts to merchants: the ledger is told, and an entry that it does not take is a break.</summary>
public sealed class MerchantPayoutTests(EmbeddedServers servers, BookingLedger fixture) : IClassFixture<BookingLedger>
{
    private const string Breaks = "SELECT provider, class, amount FROM recon.breaks WHERE state = 'open' ORDER BY 1, 2, 3";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_payout_on_the_statement_is_paid_and_comes_back_once_and_nothing_is_left_open()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var (bed, id) = await SentAsync(7_000);
        var book = fixture.On(database);
        var words = $"PAYOUT {BankReference.Of(id).ToUpperInvariant()}";

        await database.ImportAsync("bank.sta", Bank("1", (0, -7_000, words)));
        Assert.Equal(1, await book.Booker.BookDueAsync(null, Cancel));
        Assert.Equal((0, 0), await bed.PayableAsync("USD"));
        await database.MatchAsync();
        Assert.Empty(await database.RowsAsync(Breaks));

        // A corrected file says it again, and that it came back.
        await database.ImportAsync("bank.sta", Bank("1", (0, -7_000, words), (1, 7_000, words + " ACCOUNT CLOSED")));
        Assert.Equal(1, await book.Booker.BookDueAsync(null, Cancel));
        Assert.Equal((7_000, 0), await bed.PayableAsync("USD"));
        await database.MatchAsync();
        Assert.Empty(await database.RowsAsync(Breaks));
        Assert.Equal(["merchants|2|2|0"], await database.RowsAsync("SELECT provider, sum(ours_count), sum(theirs_count), sum(ours_net - theirs_net) FROM recon.day_totals GROUP BY provider"));
        Assert.Empty(await database.RowsAsync("SELECT reference FROM recon.settlements"));
    }

    [Fact]
    public async Task A_return_that_is_told_before_its_payment_waits_for_it()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var (bed, id) = await SentAsync(800);
        var book = fixture.On(database);
        await database.ImportAsync("later.sta", Bank("2", (2, 800, BankReference.Of(id))));
        Assert.Equal(0, await book.Booker.BookDueAsync(null, Cancel));
        Assert.Equal(new WaitingBookings(1, 1, $"payout merchants {BankReference.Of(id)} returned: payout_state_conflict payout"), await book.List.CountAsync(1, Cancel));

        await database.ImportAsync("earlier.sta", Bank("1", (0, -800, BankReference.Of(id))));
        await database.ExecuteAsync("UPDATE recon.bookings SET due_at = now() + tries * interval '1 millisecond'");
        while ((await book.List.CountAsync(1, Cancel)).Waiting > 0)
        {
            await database.ExecuteAsync("UPDATE recon.bookings SET due_at = now() WHERE booked_at IS NULL");
            await book.Booker.BookDueAsync(null, Cancel);
        }

        Assert.Equal((800, 0), await bed.PayableAsync("USD"));
    }

    [Fact]
    public async Task An_entry_of_another_amount_is_a_break_until_a_corrected_file_says_better()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var (bed, id) = await SentAsync(900);
        var book = fixture.On(database);
        await database.ImportAsync("bank.sta", Bank("1", (0, -901, BankReference.Of(id)), (20, 5, "INTEREST")));
        Assert.Equal(0, await book.Booker.BookDueAsync(null, Cancel));
        Assert.Equal(new WaitingBookings(1, 1, $"payout merchants {BankReference.Of(id)}: payout_amount_differs amount_minor"), await book.List.CountAsync(1, Cancel));
        await database.MatchAsync();
        Assert.Equal(["merchants|missing_here|901", "other|missing_here|-5"], await database.RowsAsync(Breaks));
        Assert.Equal((900, 900), await bed.PayableAsync("USD"));

        await database.ImportAsync("bank.sta", Bank("1", (0, -900, BankReference.Of(id)), (20, 5, "INTEREST")));
        Assert.Equal(1, await book.Booker.BookDueAsync(null, Cancel));
        await database.MatchAsync();
        Assert.Equal(["other|missing_here|-5"], await database.RowsAsync(Breaks));
        Assert.Equal((0, 0), await bed.PayableAsync("USD"));
    }

    [Fact]
    public async Task A_process_that_dies_while_it_tells_the_ledger_leaves_what_the_next_one_tells_once()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        foreach (var step in ReconciliationSteps.OfBooking)
        {
            var (bed, id) = await SentAsync(600);
            await database.ImportAsync($"{step}.sta", Bank(step, (0, -600, BankReference.Of(id))));
            Assert.NotEqual(0, await BookInAProcessAsync(database, step));
            await database.ExecuteAsync("UPDATE recon.bookings SET due_at = now() WHERE booked_at IS NULL");
            await fixture.On(database).Booker.BookDueAsync(null, Cancel);
            Assert.Equal((step, (0L, 0L)), (step, await bed.PayableAsync("USD")));
        }

        await database.MatchAsync();
        Assert.Empty(await database.RowsAsync(Breaks));
    }

    [Theory]
    [InlineData("")]
    [InlineData("status_report 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")]
    public async Task A_payout_that_is_paid_by_another_word_is_a_break_when_no_statement_shows_it_and_none_when_one_does(string evidence)
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var (bed, id) = await SentAsync(1_200);
        Assert.Equal(PayoutVerdict.Done, await bed.Books.ChangeAsync(id, new(PayoutState.Paid, "ref", "", "opk_1", PayoutBed.Now, evidence), Cancel));
        Assert.Equal((1, 0), (await fixture.Expecting(database).TakeAsync(Cancel), await fixture.Expecting(database).TakeAsync(Cancel)));
        var today = PayoutBed.Today.DayNumber - FirstDay.DayNumber;

        // Five days it may still come.
        await database.ImportAsync("early.sta", Bank("1", (today + 5, 5, "INTEREST")));
        await database.MatchAsync();
        Assert.DoesNotContain(await database.RowsAsync(Breaks), b => b.StartsWith("merchants", StringComparison.Ordinal));
        await database.ImportAsync("late.sta", Bank("2", (today + 6, 5, "INTEREST")));
        await database.MatchAsync();
        Assert.Equal(["merchants|missing_there|-1200"], (await database.RowsAsync(Breaks)).Where(b => b.StartsWith("merchants", StringComparison.Ordinal)));

        // It was on a statement that came late: what the ledger knew already, and one item.
        await database.ImportAsync("lost.sta", Bank("3", (today + 1, -1_200, BankReference.Of(id))));
        Assert.Equal(1, await fixture.On(database).Booker.BookDueAsync(null, Cancel));
        await database.MatchAsync();
        Assert.DoesNotContain(await database.RowsAsync(Breaks), b => b.StartsWith("merchants", StringComparison.Ordinal));
        Assert.Equal(["merchants|1|1|0"], await database.RowsAsync("SELECT provider, sum(ours_count), sum(theirs_count), sum(ours_net - theirs_net) FROM recon.day_totals WHERE provider = 'merchants' GROUP BY provider"));
        Assert.Equal(CloseResult.Now, await database.Closings.CloseAsync(new(Mode.Test, Leg.Bank, Book.Merchants), PayoutBed.Today, Cancel));
    }

    [Fact]
    public async Task A_process_that_dies_while_it_takes_payouts_over_leaves_what_the_next_one_expects_once()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        foreach (var step in ReconciliationSteps.OfExpecting)
        {
            var (bed, id) = await SentAsync(600);
            Assert.Equal(PayoutVerdict.Done, await bed.Books.ChangeAsync(id, new(PayoutState.Paid, "ref", "", "opk_1", PayoutBed.Now), Cancel));
            Assert.NotEqual(0, await BookInAProcessAsync(database, step));
            Assert.Equal((step, 1), (step, await fixture.Expecting(database).TakeAsync(Cancel)));
            Assert.Equal([$"{BankReference.Of(id)}|-600"], await database.RowsAsync($"SELECT reference, gross FROM recon.items WHERE reference = '{BankReference.Of(id)}'"));
        }

        Assert.Equal(0, await fixture.Expecting(database).TakeAsync(Cancel));
    }

    private Task<int> BookInAProcessAsync(ReconciliationDatabase database, string step) => ReconProcess.RunAsync(
        database, ["book"], step, ("Payments__Urls__Ledger", fixture.Ledger.Address.ToString()), ("Payments__InternalKey", Payments.IntegrationTests.Events.EventTestBed.InternalKey));

    /// <summary>A payout of today that is in a bank file. The books are the service's: they are not disposed of with the bed.</summary>
    private async Task<(PayoutBed Bed, PayoutId Id)> SentAsync(long amount)
    {
        var bed = await PayoutBed.OnAsync(fixture.Ledger.Books, "USD", amount);
        await bed.Books.CreateDueAsync(PayoutBed.Today, Cancel);
        Assert.NotNull(await bed.FileAsync("USD"));
        return (bed, PayoutIds.Of(Mode.Test, bed.Merchant, Currency.Of("USD"), PayoutBed.Today));
    }
}
