using Payments.Core;
using Payments.Reconciliation;
using Payments.Reconciliation.Breaks;
using Payments.Reconciliation.Closing;
using Payments.Reconciliation.Reports;
using Xunit;
using static Payments.IntegrationTests.Reconciliation.Statements;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>A day is as healthy as what of it nobody has resolved.</summary>
public sealed class UnresolvedShareTests(EmbeddedServers servers)
{
    private static readonly Book Stripe = new(Mode.Test, Leg.Provider, Book.Stripe);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_a_person_a_rule_or_a_later_comparison_resolves_is_not_unresolved_and_the_figures_of_a_closed_day_stay()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.AddAsync([Item(1, 10_000), Item(2, 10_000), Item(3, 10_000), Item(4, 10_000), Item(5, 10_000)]);

        // 1 agrees; 2 differs by 20; 3 by a rounding, which a rule resolves; 4 is missing there, until it comes too late; 9 is nobody's.
        await database.ImportAsync("stripe.csv", Report((1, 10_000, 30, 0), (2, 10_020, 30, 0), (3, 10_000, 31, 0), (5, 10_000, 30, 0), (9, 300, 0, 0), (10, 100, 0, 5)));
        await database.MatchAsync();
        Assert.Equal((20L + 9_970 + 300, false), await UnresolvedAsync(database));
        Assert.Equal(CloseResult.Now, await database.Closings.CloseAsync(Stripe, FirstDay, Cancel));
        var closed = await FiguresAsync(database);

        await ResolveAsync(database, -20);
        Assert.Equal((9_970L + 300, false), await UnresolvedAsync(database));

        // It comes after all, with another fee: what is left of it is the later day's.
        await database.ImportAsync("late.csv", Report((4, 10_000, 37, 6)));
        await database.MatchAsync();
        Assert.Equal((300L, false), await UnresolvedAsync(database));
        Assert.Equal(["missing_here|-300|open", "missing_here|-100|open", "fee_difference|7|open"], await database.RowsAsync("SELECT class, amount, state FROM recon.breaks WHERE state <> 'resolved' ORDER BY day, amount"));

        await ResolveAsync(database, -300);
        Assert.Equal((0L, true), await UnresolvedAsync(database));

        // The list says the same, and what was closed is as it was.
        var listed = Assert.Single(await database.ReportsAsync(), r => r.Day == FirstDay);
        Assert.Equal((0L, true, true), (Assert.Single(listed.Currencies).Share, listed.Healthy, listed.Closed));
        Assert.Equal(closed, await FiguresAsync(database));
        Assert.Empty(await database.Closings.VerifyAsync(null, Cancel));
    }

    [Fact]
    public async Task A_break_that_opens_again_is_unresolved_again()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.AddAsync([Item(1, 10_000)]);
        await database.ImportAsync("stripe.csv", Report((1, 10_020, 30, 0)));
        await database.MatchAsync();
        await ResolveAsync(database, -20);
        Assert.Equal((0L, true), await UnresolvedAsync(database));

        await database.ImportAsync("stripe.csv", Report((1, 10_050, 30, 0)));
        await database.MatchAsync();
        Assert.Equal((50L, false), await UnresolvedAsync(database));
    }

    private static async Task ResolveAsync(ReconciliationDatabase database, long difference)
    {
        var breaks = new BreakStore(database.Source, TimeProvider.System);
        var found = (await breaks.ListAsync(BreakState.Open, null, 100, Cancel)).Single(b => b.Difference == difference);
        Assert.Equal(ResolveVerdict.Done, await breaks.ResolveAsync(found.Id, null, "Found.", "opk_1", Cancel));
    }

    /// <summary>In minor units, and whether the day is healthy.</summary>
    private static async Task<(long Unresolved, bool Healthy)> UnresolvedAsync(ReconciliationDatabase database)
    {
        var report = (await database.Reports.FindAsync(Stripe, FirstDay, Cancel))!;
        var volume = long.Parse((await database.RowsAsync($"SELECT greatest(ours_volume, theirs_volume) FROM recon.day_totals WHERE leg = 'provider' AND day = '{FirstDay:yyyy-MM-dd}'")).Single(), System.Globalization.CultureInfo.InvariantCulture);
        return ((long)Math.Ceiling(Assert.Single(report.Currencies).Share * (decimal)volume / 1_000_000), report.Healthy);
    }

    private static async Task<string> FiguresAsync(ReconciliationDatabase database)
    {
        var report = (await database.Reports.FindAsync(Stripe, FirstDay, Cancel))!;
        var currency = Assert.Single(report.Currencies);
        return $"{currency with { Classes = [], Share = 0, Healthy = true }} {string.Join(' ', currency.Classes)} {report.Closing}";
    }
}
