using Payments.Core;
using Payments.IntegrationTests.Ledger;
using Payments.Reconciliation;
using Payments.Reconciliation.Breaks;
using Xunit;
using static Payments.IntegrationTests.Reconciliation.Statements;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>What the bank has otherwise, or beyond, what anybody announced: people say who bears it, and the bank's account comes to the statement.</summary>
public sealed class BankCorrectionTests(EmbeddedServers servers, BookingLedger ledger) : IClassFixture<BookingLedger>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    // 99.70 were announced of a charge of 100.00: what the bank has, who bears the difference → what moves on the books in all
    [Theory]
    [InlineData(9_955, Bearer.BankCost, "bank 9955, provider_cost_expense 15, provider_cost_payable 30, provider_receivable -10000")]
    [InlineData(9_955, Bearer.Suspense, "bank 9955, provider_cost_payable 30, provider_receivable -10000, suspense 15")]
    [InlineData(9_955, Bearer.Provider, "bank 9955, provider_cost_payable 30, provider_receivable -9985")]
    [InlineData(9_990, Bearer.BankCost, "bank 9990, provider_cost_expense -20, provider_cost_payable 30, provider_receivable -10000")]
    [InlineData(9_990, Bearer.Suspense, "bank 9990, provider_cost_payable 30, provider_receivable -10000, suspense -20")]
    [InlineData(9_990, Bearer.Provider, "bank 9990, provider_cost_payable 30, provider_receivable -10020")]
    public async Task A_payout_on_which_the_bank_differs_is_booked_with_what_its_bearer_makes_of_the_difference(long credited, Bearer bearer, string expected)
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var found = await PaidAsync(database, 10_000, credited);
        Assert.Equal(("amount_mismatch", 9_970 - credited), (found.Class, found.Difference));
        Assert.Equal(["po_0|amount_mismatch"], await UnnotedAsync(database));

        Assert.Equal(ResolveVerdict.Done, await ResolveAsync(database, found, bearer));
        await SettleAsync(database);

        Assert.Empty(await UnnotedAsync(database));
        Assert.Equal(expected, string.Join(", ", await ledger.MovedAsync(await JournalsAsync(database))));
        var closed = (await Breaks(database).FindAsync(found.Id, Cancel))!;
        Assert.Equal((BreakState.Resolved, Words.Of(bearer)), (closed.State, closed.Correction));

        // Comparing again books nothing again.
        await database.ExecuteAsync("UPDATE recon.days SET dirty = true");
        await SettleAsync(database);
        Assert.Equal(expected, string.Join(", ", await ledger.MovedAsync(await JournalsAsync(database))));
    }

    [Fact]
    public async Task What_is_only_proposed_notes_nothing_and_what_a_corrected_file_explains_needs_nobody()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var found = await PaidAsync(database, 1_000_000, 900_000);
        Assert.Equal(ResolveVerdict.Done, await ResolveAsync(database, found, Bearer.Suspense));
        Assert.Equal(BreakState.Proposed, (await Breaks(database).FindAsync(found.Id, Cancel))!.State);
        await SettleAsync(database);
        Assert.Equal(["po_0|amount_mismatch"], await UnnotedAsync(database));

        // The provider's own file says now what the bank has.
        await database.ImportAsync("stripe.csv", Report((1, 1_000_000, 100_000, 0)));
        await SettleAsync(database);
        Assert.Empty(await UnnotedAsync(database));
        Assert.Equal(["bank 900000", "provider_cost_payable 30", "provider_cost_variance 99970", "provider_receivable -1000000"], await ledger.MovedAsync(await JournalsAsync(database)));
    }

    // an entry of nobody's, who bears it → what moves on the books; empty: nothing can be booked so
    [Theory]
    [InlineData(-500, "MONTHLY FEE", Bearer.BankCost, "bank -500, provider_cost_expense 500")]
    [InlineData(70, "INTEREST", Bearer.BankCost, "bank 70, provider_cost_expense -70")]
    [InlineData(70, "FROM SOMEBODY", Bearer.Suspense, "bank 70, suspense -70")]
    [InlineData(70, "FROM SOMEBODY", Bearer.Provider, "")]
    [InlineData(70, "FROM SOMEBODY", Bearer.Merchant, "")]
    [InlineData(70, "STRIPE PAYOUT po_9", Bearer.Provider, "bank 70, provider_receivable -70")]
    public async Task An_entry_that_nobody_announced_comes_to_the_banks_account(long amount, string words, Bearer bearer, string expected)
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.ImportAsync("bank.sta", Bank("1", (1, amount, words)));
        await database.MatchAsync();
        var found = Assert.Single(await Breaks(database).ListAsync(null, null, 10, Cancel));

        Assert.Equal(expected.Length == 0 ? ResolveVerdict.NothingToBook : ResolveVerdict.Done, await ResolveAsync(database, found, bearer));
        await SettleAsync(database);
        Assert.Equal(expected, string.Join(", ", await ledger.MovedAsync(await JournalsAsync(database))));
    }

    [Fact]
    public async Task A_payout_whose_entry_was_corrected_before_it_was_announced_is_not_booked_twice()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.ImportAsync("bank.sta", Bank("1", (2, 9_970, "STRIPE PAYOUT po_0")));
        await database.MatchAsync();
        var lone = Assert.Single(await Breaks(database).ListAsync(null, null, 10, Cancel));
        Assert.Equal(ResolveVerdict.Done, await ResolveAsync(database, lone, Bearer.Suspense));
        await SettleAsync(database);

        await database.AddAsync([Item(1, 10_000)]);
        await database.ImportAsync("stripe.csv", Report((1, 10_000, 30, 0)));
        await SettleAsync(database);
        Assert.Equal(["po_0|corrected"], await UnnotedAsync(database));
        Assert.Equal(["bank 9970", "suspense -9970"], await ledger.MovedAsync(await JournalsAsync(database)));
    }

    [Fact]
    public async Task A_payout_that_never_came_is_not_on_the_banks_account_and_leaves_nothing_to_book()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.AddAsync([Item(1, 10_000)]);
        await database.ImportAsync("stripe.csv", Report((1, 10_000, 30, 0)));
        await database.ImportAsync("bank.sta", Bank("1", (9, 70, "FROM SOMEBODY")));
        await database.MatchAsync();
        var missing = (await Breaks(database).ListAsync(null, null, 10, Cancel)).Single(b => b.Difference == 9_970);
        Assert.Equal(ResolveVerdict.NothingToBook, await ResolveAsync(database, missing, Bearer.Provider));
    }

    private static async Task<BreakView> PaidAsync(ReconciliationDatabase database, long gross, long credited)
    {
        await database.AddAsync([Item(1, gross)]);
        await database.ImportAsync("stripe.csv", Report((1, gross, 30, 0)));
        await database.ImportAsync("bank.sta", Bank("1", (2, credited, "STRIPE PAYOUT po_0")));
        await database.MatchAsync();
        return Assert.Single(await Breaks(database).ListAsync(null, null, 10, Cancel));
    }

    private static BreakStore Breaks(ReconciliationDatabase database) => new(database.Source, TimeProvider.System);

    private static Task<ResolveVerdict> ResolveAsync(ReconciliationDatabase database, BreakView found, Bearer bearer) =>
        new BreakCorrections(database.Source).ResolveAsync(found.Id, new(bearer, "seen", found.Version, null), "opk_1", Cancel);

    /// <summary>As a round does, until nothing is due: corrections, comparisons, and what they have the ledger book.</summary>
    private async Task SettleAsync(ReconciliationDatabase database)
    {
        await ledger.On(database).Booker.BookDueAsync(null, Cancel);
        await database.MatchAsync();
        await ledger.On(database).Booker.BookDueAsync(null, Cancel);
    }

    private static Task<List<string>> UnnotedAsync(ReconciliationDatabase database) => database.RowsAsync("SELECT reference, reason FROM recon.payouts_unnoted ORDER BY 1");

    private static async Task<Guid[]> JournalsAsync(ReconciliationDatabase database) => [.. (await database.RowsAsync("SELECT booking_id FROM recon.bookings")).Select(Guid.Parse)];
}
