using Npgsql;
using Payments.Core;
using Payments.IntegrationTests.Ledger;
using Payments.Reconciliation.Breaks;
using Xunit;
using static Payments.IntegrationTests.Reconciliation.Statements;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>Breaks that are closed by journals: planned from the break, agreed, booked in a real ledger, and then closed.</summary>
public sealed class BreakCorrectionTests(EmbeddedServers servers, BookingLedger ledger) : IClassFixture<BookingLedger>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    // what happens to a charge of 90.00 for which 0.30 is accrued, who bears it → what moves on the books
    [Theory]
    [InlineData("missing", Bearer.Merchant, "merchant_pending 9000, provider_cost_expense -30, provider_cost_payable 30, provider_receivable -9000")]
    [InlineData("missing", Bearer.Suspense, "provider_cost_expense -30, provider_cost_payable 30, provider_receivable -9000, suspense 9000")]
    [InlineData("twice", Bearer.Bank, "bank -9000, provider_cost_expense 30, provider_cost_variance -30, provider_receivable 9000")]
    [InlineData("more", Bearer.Merchant, "merchant_pending -7, provider_receivable 7")]
    [InlineData("more", Bearer.Chargebacks, "chargebacks -7, provider_receivable 7")]
    [InlineData("more", Bearer.ProviderCost, "provider_cost_expense -7, provider_receivable 7")]
    [InlineData("dearer", Bearer.ProviderCost, "provider_cost_expense 5, provider_cost_variance -5")]
    public async Task A_break_is_closed_by_what_its_bearer_makes_of_it_in_the_ledger(string what, Bearer bearer, string expected)
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var (breaks, id) = await OpenAsync(database, what, 9_000);
        Assert.Equal(ResolveVerdict.Done, await ResolveAsync(database, breaks, id, bearer));
        Assert.Equal((BreakState.Booking, null), ((await breaks.FindAsync(id, Cancel))!.State, (await breaks.FindAsync(id, Cancel))!.Journal));
        await BookAsync(database);

        var closed = (await breaks.FindAsync(id, Cancel))!;
        Assert.Equal((BreakState.Resolved, "opk_1", Words.Of(bearer)), (closed.State, closed.ResolvedBy, closed.Correction));
        Assert.Equal(expected, string.Join(", ", await ledger.MovedAsync(await JournalsAsync(database))));
        Assert.StartsWith("jrn_", closed.Journal, StringComparison.Ordinal);
        Assert.Equal(ResolveVerdict.WrongState, await ResolveAsync(database, breaks, id, bearer));
    }

    [Fact]
    public async Task Above_the_limit_another_person_agrees_to_exactly_what_was_proposed_and_both_are_in_the_books()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var (breaks, id) = await OpenAsync(database, "missing", 1_000_000);
        Assert.Equal(ResolveVerdict.Done, await ResolveAsync(database, breaks, id, Bearer.Suspense));
        var seen = (await breaks.FindAsync(id, Cancel))!;
        Assert.Equal(BreakState.Proposed, seen.State);
        await BookAsync(database);
        Assert.Empty(await ledger.MovedAsync(await JournalsAsync(database)));

        // Between being seen and being agreed to it is proposed anew.
        Assert.Equal(ResolveVerdict.Done, await ResolveAsync(database, breaks, id, Bearer.Merchant));
        Assert.Equal(ResolveVerdict.Changed, await breaks.ApproveAsync(id, seen.Version, "opk_2", "opk_2", Cancel));
        var now = (await breaks.FindAsync(id, Cancel))!.Version;
        Assert.Equal(ResolveVerdict.SamePerson, await breaks.ApproveAsync(id, now, "opk_1", "opk_1", Cancel));
        var forged = await Assert.ThrowsAsync<PostgresException>(() => database.ExecuteAsync("UPDATE recon.breaks SET state = 'booking' WHERE state = 'proposed'"));
        Assert.Equal("RC002", forged.SqlState);

        Assert.Equal(ResolveVerdict.Done, await breaks.ApproveAsync(id, now, "opk_2", "opk_2", Cancel));
        await BookAsync(database);
        Assert.Equal((BreakState.Resolved, "opk_1", "opk_2"), await PeopleAsync(breaks, id));
        Assert.Equal(["merchant_pending 1000000", "provider_cost_expense -30", "provider_cost_payable 30", "provider_receivable -1000000"], await ledger.MovedAsync(await JournalsAsync(database)));
        var journals = string.Join(", ", (await JournalsAsync(database)).Select(j => $"'{j}'"));
        Assert.Equal(3, await ledger.Ledger.Books.ValueAsync<long>(
            $"SELECT count(*) FROM ledger.house_journals WHERE id IN ({journals}) AND content ->> 'break' = '{id}' AND proposed_by = 'opk_1' AND approved_by = 'opk_2'", Cancel));
    }

    [Fact]
    public async Task A_ledger_with_a_lower_limit_makes_a_proposal_of_what_one_person_agreed_to()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.ExecuteAsync("UPDATE recon.four_eyes SET above = 1000000000");
        var (breaks, id) = await OpenAsync(database, "missing", 20_000);
        Assert.Equal(ResolveVerdict.Done, await ResolveAsync(database, breaks, id, Bearer.Merchant));
        await BookAsync(database);
        Assert.Equal((BreakState.Proposed, "opk_1", null), await PeopleAsync(breaks, id));
        Assert.Empty(await ledger.MovedAsync(await JournalsAsync(database)));

        Assert.Equal(ResolveVerdict.Done, await breaks.ApproveAsync(id, (await breaks.FindAsync(id, Cancel))!.Version, "opk_2", "opk_2", Cancel));
        await BookAsync(database);
        Assert.Equal((BreakState.Resolved, "opk_1", "opk_2"), await PeopleAsync(breaks, id));
    }

    [Fact]
    public async Task What_is_agreed_is_booked_when_the_ledger_answers_again_and_a_comparison_meanwhile_leaves_it_alone()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var (breaks, id) = await OpenAsync(database, "more", 9_000);
        await ResolveAsync(database, breaks, id, Bearer.Merchant);
        Assert.Equal(0, await ledger.On(database, away: true).Booker.BookDueAsync(null, Cancel));
        await database.ImportAsync("stripe.csv", Report((1, 9_009, 30, 0)));
        await database.MatchAsync();
        Assert.Equal(BreakState.Booking, (await breaks.FindAsync(id, Cancel))!.State);

        await database.ExecuteAsync("UPDATE recon.bookings SET due_at = now()");
        await BookAsync(database);
        Assert.Equal(["merchant_pending -7", "provider_receivable 7"], await ledger.MovedAsync(await JournalsAsync(database)));
        Assert.Equal(BreakState.Resolved, (await breaks.FindAsync(id, Cancel))!.State);

        // The difference is another one now: what was booked for it is not booked again.
        await database.ExecuteAsync("UPDATE recon.days SET dirty = true");
        await database.MatchAsync();
        Assert.Equal((BreakState.Open, -9L), ((await breaks.FindAsync(id, Cancel))!.State, (await breaks.FindAsync(id, Cancel))!.Difference));
        await ResolveAsync(database, breaks, id, Bearer.Merchant);
        await BookAsync(database);
        Assert.Equal(["merchant_pending -9", "provider_receivable 9"], await ledger.MovedAsync(await JournalsAsync(database)));
    }

    [Fact]
    public async Task What_nobody_here_knows_needs_a_merchant_and_what_moves_nothing_is_no_correction()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var (breaks, id) = await OpenAsync(database, "unknown", 9_000);
        Assert.Equal(ResolveVerdict.MerchantMissing, await ResolveAsync(database, breaks, id, Bearer.Merchant));
        Assert.Equal(ResolveVerdict.Changed, await new BreakCorrections(database.Source).ResolveAsync(id, new(Bearer.Suspense, "found", 99, null), "opk_1", Cancel));
        Assert.Equal(ResolveVerdict.NotFound, await new BreakCorrections(database.Source).ResolveAsync(new(Guid.Empty), new(Bearer.Suspense, "found", 1, null), "opk_1", Cancel));
        Assert.Equal(ResolveVerdict.MerchantUnknown, await ResolveAsync(database, breaks, id, Bearer.Merchant, LedgerDatabase.Ids.New<MerchantId>()));
        Assert.Equal(ResolveVerdict.Done, await ResolveAsync(database, breaks, id, Bearer.Merchant, await MerchantAsync(database)));
        await BookAsync(database);
        Assert.Equal(["merchant_pending -9000", "provider_cost_expense 30", "provider_cost_variance -30", "provider_receivable 9000"], await ledger.MovedAsync(await JournalsAsync(database)));
        Assert.Equal(ResolveVerdict.WrongState, await ResolveAsync(database, breaks, id, Bearer.BankCost));

        // What a bank took is nothing that a provider's line could be.
        await using var other = await ReconciliationDatabase.CreateAsync(servers);
        var (store, line) = await OpenAsync(other, "unknown", 9_000);
        Assert.Equal(ResolveVerdict.NothingToBook, await ResolveAsync(other, store, line, Bearer.BankCost));
    }

    // what the payment path made of the charge → whether people may correct it
    [Theory]
    [InlineData("NULL", ResolveVerdict.WrongState)]
    [InlineData("'suspend'", ResolveVerdict.WrongState)]
    [InlineData("'recover'", ResolveVerdict.WrongState)]
    [InlineData("'tell'", ResolveVerdict.Done)]
    [InlineData("'known'", ResolveVerdict.Done)]
    [InlineData("'left'", ResolveVerdict.Done)]
    [InlineData("'refused'", ResolveVerdict.Done)]
    public async Task What_comes_into_the_books_by_itself_is_not_corrected_too(string verdict, ResolveVerdict expected)
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var (breaks, id) = await OpenAsync(database, "unknown", 9_000);
        await database.ExecuteAsync($"INSERT INTO recon.told_charges (break_id, mode, verdict) SELECT break_id, mode, {verdict} FROM recon.breaks");

        Assert.Equal(expected, await ResolveAsync(database, breaks, id, Bearer.Suspense));
    }

    [Fact]
    public async Task A_rounding_that_a_rule_closes_goes_from_the_variance_to_the_cost()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var (breaks, id) = await OpenAsync(database, "rounded", 9_000);
        Assert.Equal("rule 10", (await breaks.FindAsync(id, Cancel))!.ResolvedBy);
        for (var i = 0; i < 2; i++)
        {
            await new BreakCorrections(database.Source).AskForRulesAsync(Cancel);
            await BookAsync(database);
        }

        Assert.Equal(["provider_cost_expense 1", "provider_cost_variance -1"], await ledger.MovedAsync(await JournalsAsync(database)));
    }

    private static async Task<MerchantId> MerchantAsync(ReconciliationDatabase database)
    {
        var merchant = LedgerDatabase.Ids.New<MerchantId>();
        await database.ExecuteAsync($"INSERT INTO recon.merchants (mode, merchant_id) VALUES ('test', '{merchant.Value}')");
        return merchant;
    }

    private static async Task<(BreakStore Breaks, ReconciliationBreakId Id)> OpenAsync(ReconciliationDatabase database, string what, long amount)
    {
        var (items, lines) = what switch
        {
            "missing" => ((int[])[1], ((int, long, long, int)[])[(8, 100, 30, 9)]),
            "twice" => ([1], [(1, amount, 30, 0), (1, amount, 30, 0)]),
            "more" => ([1], [(1, amount + 7, 30, 0)]),
            "dearer" => ([1], [(1, amount, 35, 0)]),
            "rounded" => ([1], [(1, amount, 31, 0)]),
            _ => ([], [(1, amount, 30, 0)]),
        };
        await database.AddAsync([.. items.Select(i => Item(i, amount))]);
        await database.ImportAsync("stripe.csv", Report(lines));
        await database.MatchAsync();
        var breaks = new BreakStore(database.Source, TimeProvider.System);
        return (breaks, (await breaks.ListAsync(null, null, 10, Cancel)).Single(b => Math.Abs(b.Difference) != 70).Id);
    }

    private static async Task<ResolveVerdict> ResolveAsync(ReconciliationDatabase database, BreakStore breaks, ReconciliationBreakId id, Bearer bearer, MerchantId? merchant = null) =>
        await new BreakCorrections(database.Source).ResolveAsync(id, new(bearer, "found", (await breaks.FindAsync(id, Cancel))!.Version, merchant), "opk_1", Cancel);

    private Task<int> BookAsync(ReconciliationDatabase database) => ledger.On(database).Booker.BookDueAsync(null, Cancel);

    private static async Task<Guid[]> JournalsAsync(ReconciliationDatabase database) =>
        [.. (await database.RowsAsync("SELECT booking_id FROM recon.bookings WHERE what = 'correction'")).Select(Guid.Parse)];

    private static async Task<(BreakState State, string? Proposed, string? Resolved)> PeopleAsync(BreakStore breaks, ReconciliationBreakId id)
    {
        var found = (await breaks.FindAsync(id, Cancel))!;
        return (found.State, found.ProposedBy, found.ResolvedBy);
    }
}
