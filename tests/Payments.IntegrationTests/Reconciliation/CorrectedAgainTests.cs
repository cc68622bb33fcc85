using Npgsql;
using Payments.Core;
using Payments.IntegrationTests.Ledger;
using Payments.Reconciliation.Breaks;
using Payments.Reconciliation.Intake;
using Xunit;
using static Payments.IntegrationTests.Reconciliation.Statements;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>What becomes of a correction when files, proposals and rules go on around it: nothing is booked twice, and nothing that nobody saw.</summary>
public sealed class CorrectedAgainTests(EmbeddedServers servers, BookingLedger ledger) : IClassFixture<BookingLedger>
{
    private const string Moved = "SELECT component, sum(moved)::bigint FROM recon.bookings WHERE booked_at IS NOT NULL AND component = 'gross' GROUP BY component";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Another_merchant_than_was_seen_is_not_agreed_to_and_who_agrees_sees_what_is_booked_for_whom()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var (breaks, id) = await OpenAsync(database, [], (9, 1_000_000, 30, 0));
        var (seen, other) = (LedgerDatabase.Ids.New<MerchantId>(), LedgerDatabase.Ids.New<MerchantId>());
        await database.ExecuteAsync($"INSERT INTO recon.merchants (mode, merchant_id) VALUES ('test', '{seen.Value}'), ('test', '{other.Value}'), ('live', '{LedgerDatabase.Ids.New<MerchantId>().Value}')");

        Assert.Equal(ResolveVerdict.Done, await ResolveAsync(database, breaks, id, Bearer.Merchant, seen));
        var shown = (await breaks.FindAsync(id, Cancel))!;
        Assert.Equal((BreakState.Proposed, seen), (shown.State, shown.Merchant));
        Assert.Equal(["refund_missing_at_provider USD 1000000", "fee_variance_expensed USD 30"], (await breaks.StepsAsync(id, Cancel)).Select(s => $"{s.Kind} {s.Currency} {s.Amount}{s.Journal}"));

        Assert.Equal(ResolveVerdict.Done, await ResolveAsync(database, breaks, id, Bearer.Merchant, other));
        Assert.Equal(ResolveVerdict.Changed, await breaks.ApproveAsync(id, shown.Version, "opk_2", "opk_2", Cancel));
        var now = (await breaks.FindAsync(id, Cancel))!;
        Assert.Equal(other, now.Merchant);
        Assert.Equal(ResolveVerdict.Done, await breaks.ApproveAsync(id, now.Version, "opk_2", "opk_2", Cancel));
        await BookAsync(database);
        Assert.All(await breaks.StepsAsync(id, Cancel), s => Assert.StartsWith("jrn_", s.Journal, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_line_that_comes_again_in_a_corrected_file_is_the_same_break_and_only_what_changed_is_booked()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var (breaks, id) = await OpenAsync(database, [Item(1, 500)], (9, 9_000, 30, 0), (1, 500, 30, 0));
        await ResolveAsync(database, breaks, id, Bearer.Suspense);
        await BookAsync(database);

        // Another line is corrected, and the one that was booked stands elsewhere in the file.
        await CorrectAsync(database, (1, 500, 29, 0), (9, 9_000, 30, 0));
        var same = Assert.Single(await breaks.ListAsync(null, null, 10, Cancel), b => b.Class == "missing_here");
        Assert.Equal((id, BreakState.Resolved), (same.Id, same.State));
        Assert.Equal(["gross|-9000"], await database.RowsAsync(Moved));

        await CorrectAsync(database, (1, 500, 30, 0), (9, 9_100, 30, 0));
        Assert.Equal(BreakState.Open, (await breaks.FindAsync(id, Cancel))!.State);
        Assert.Equal(ResolveVerdict.Done, await ResolveAsync(database, breaks, id, Bearer.Suspense));
        await BookAsync(database);
        Assert.Equal(["gross|-9100"], await database.RowsAsync(Moved));
        Assert.Equal(["100", "30", "9000"], await database.RowsAsync("SELECT content ->> 'amount_minor' FROM recon.bookings ORDER BY 1"));
    }

    [Fact]
    public async Task A_rule_books_nothing_for_what_a_comparison_makes_another_break_of_meanwhile()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await OpenAsync(database, [Item(1, 9_000)], (1, 9_000, 31, 0));
        await using var connection = await database.Source.OpenConnectionAsync(Cancel);
        await using var comparison = await connection.BeginTransactionAsync(Cancel);
        await using (var reopen = new NpgsqlCommand("""
            UPDATE recon.breaks SET class = 'amount_mismatch', amount = -5000, state = 'open', reason = NULL, proposed_by = NULL, resolved_by = NULL, resolved_how = NULL, resolved_at = NULL;
            UPDATE recon.entries SET class = 'amount_mismatch', gross_diff = -5000
            """, connection, comparison))
        {
            await reopen.ExecuteNonQueryAsync(Cancel);
        }

        var asked = new BreakCorrections(database.Source).AskForRulesAsync(Cancel);
        while (!asked.IsCompleted && await database.RowsAsync("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") is [])
        {
            await Task.Delay(20, Cancel);
        }

        await comparison.CommitAsync(Cancel);
        await asked;
        Assert.Empty(await database.RowsAsync("SELECT content FROM recon.bookings"));
    }

    [Fact]
    public async Task What_the_ledger_may_have_booked_for_a_rule_is_never_planned_again()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var (breaks, id) = await OpenAsync(database, [Item(1, 9_000)], (1, 9_000, 31, 0));
        await new BreakCorrections(database.Source).AskForRulesAsync(Cancel);
        Assert.Equal(BreakState.Booking, (await breaks.FindAsync(id, Cancel))!.State);
        await ledger.On(database, away: true).Booker.BookDueAsync(null, Cancel);

        await CorrectAsync(database, (1, 9_000, 35, 0));
        Assert.Equal(BreakState.Booking, (await breaks.FindAsync(id, Cancel))!.State);
        Assert.Equal(ResolveVerdict.WrongState, await ResolveAsync(database, breaks, id, Bearer.ProviderCost));

        // Also where the break is open for whatever reason.
        await database.ExecuteAsync("UPDATE recon.breaks SET state = 'open', closing_rule = NULL, reason = NULL, correction = NULL, proposed_by = NULL");
        Assert.Equal(ResolveVerdict.WrongState, await ResolveAsync(database, breaks, id, Bearer.ProviderCost));
        await database.ExecuteAsync("UPDATE recon.bookings SET due_at = now()");
        await BookAsync(database);
        await database.ExecuteAsync("UPDATE recon.days SET dirty = true");
        await database.MatchAsync();
        Assert.Equal(ResolveVerdict.Done, await ResolveAsync(database, breaks, id, Bearer.ProviderCost));
        await BookAsync(database);
        Assert.Equal(["1", "4"], await database.RowsAsync("SELECT moved FROM recon.bookings WHERE booked_at IS NOT NULL ORDER BY noted_at"));
    }

    [Fact]
    public async Task A_rule_also_books_what_follows_an_earlier_correction_and_closes_as_a_rule()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var (breaks, id) = await OpenAsync(database, [Item(1, 9_000)], (1, 9_000, 35, 0));
        await ResolveAsync(database, breaks, id, Bearer.ProviderCost);
        await BookAsync(database);

        await CorrectAsync(database, (1, 9_000, 31, 0));
        for (var twice = 0; twice < 2; twice++)
        {
            await new BreakCorrections(database.Source).AskForRulesAsync(Cancel);
            await BookAsync(database);
        }

        Assert.Equal(["5", "-4"], await database.RowsAsync("SELECT moved FROM recon.bookings WHERE booked_at IS NOT NULL ORDER BY noted_at"));
        Assert.Equal(["resolved|rule|rule 10"], await database.RowsAsync("SELECT state, resolved_how, resolved_by FROM recon.breaks"));
    }

    [Fact]
    public async Task A_rule_is_not_held_up_by_what_was_proposed_for_an_earlier_difference()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var (breaks, id) = await OpenAsync(database, [Item(1, 2_000_000)], (1, 900_000, 40, 0));
        await ResolveAsync(database, breaks, id, Bearer.Suspense);
        Assert.Equal(BreakState.Proposed, (await breaks.FindAsync(id, Cancel))!.State);

        await CorrectAsync(database, (1, 2_000_000, 31, 0));
        await new BreakCorrections(database.Source).AskForRulesAsync(Cancel);
        await BookAsync(database);
        Assert.Equal((BreakState.Resolved, "rule 10"), ((await breaks.FindAsync(id, Cancel))!.State, (await breaks.FindAsync(id, Cancel))!.ResolvedBy));
        Assert.Equal(["1"], await database.RowsAsync("SELECT moved FROM recon.bookings"));
    }

    [Fact]
    public async Task A_difference_that_survives_a_corrected_file_can_still_be_corrected()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var (breaks, id) = await OpenAsync(database, [Item(1, 9_000)], (1, 9_007, 30, 0));
        await CorrectAsync(database, (1, 9_007, 30, 0), (2, 100, 30, 0));
        Assert.Equal(ResolveVerdict.Done, await ResolveAsync(database, breaks, id, Bearer.Merchant));
    }

    [Fact]
    public async Task A_difference_of_the_same_net_with_other_parts_is_another_one()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var (breaks, id) = await OpenAsync(database, [Item(1, 9_000)], (1, 9_007, 30, 0));
        await breaks.ResolveAsync(id, null, "Their rounding.", "opk_1", Cancel);
        var before = (await breaks.FindAsync(id, Cancel))!;

        await CorrectAsync(database, (1, 9_010, 33, 0));
        var after = (await breaks.FindAsync(id, Cancel))!;
        Assert.Equal((before.Difference, before.Class, BreakState.Open), (after.Difference, after.Class, after.State));
        Assert.True(after.Version > before.Version);
        Assert.Equal(["-10|3|0"], await database.RowsAsync("SELECT gross_diff, fee_diff, fx_diff FROM recon.breaks"));
    }

    private static async Task<(BreakStore Breaks, ReconciliationBreakId Id)> OpenAsync(ReconciliationDatabase database, IReadOnlyList<ExpectedItem> items, params (int, long, long, int)[] lines)
    {
        await database.AddAsync(items);
        await CorrectAsync(database, lines);
        var breaks = new BreakStore(database.Source, TimeProvider.System);
        return (breaks, Assert.Single(await breaks.ListAsync(null, null, 10, Cancel)).Id);
    }

    private static async Task CorrectAsync(ReconciliationDatabase database, params (int, long, long, int)[] lines)
    {
        Assert.Equal("complete", (await database.ImportAsync("stripe.csv", Report(lines))).State);
        await database.MatchAsync();
    }

    private static async Task<ResolveVerdict> ResolveAsync(ReconciliationDatabase database, BreakStore breaks, ReconciliationBreakId id, Bearer bearer, MerchantId? merchant = null) =>
        await new BreakCorrections(database.Source).ResolveAsync(id, new(bearer, "found", (await breaks.FindAsync(id, Cancel))!.Version, merchant), "opk_1", Cancel);

    private Task<int> BookAsync(ReconciliationDatabase database) => ledger.On(database).Booker.BookDueAsync(null, Cancel);
}
