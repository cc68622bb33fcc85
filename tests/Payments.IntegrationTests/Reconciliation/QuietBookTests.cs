using Payments.Core;
using Payments.Reconciliation.Matching;
using Xunit;
using static Payments.IntegrationTests.Reconciliation.Statements;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>What the timer leaves: a book in which nothing changed but what is expected of today.</summary>
public sealed class QuietBookTests(EmbeddedServers servers)
{
    /// <summary>As days after the first of the statements.</summary>
    private static readonly int Today = DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime).DayNumber - FirstDay.DayNumber;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Payments_of_today_wait_until_somebody_asks_or_an_hour_has_passed()
    {
        await using var database = await QuietAsync();
        Assert.Equal(["2|1"], await database.RowsAsync("SELECT count(*), (SELECT sum(ours_count) FROM recon.day_totals) FROM recon.items"));

        Assert.Equal(new MatchResult(1, 1), await database.MatchAsync());
        Assert.Equal(["2"], await database.RowsAsync("SELECT sum(ours_count) FROM recon.day_totals"));

        await database.ExecuteAsync("UPDATE recon.books SET compared_at = now() - interval '59 minutes'");
        Assert.Equal(0, await DueAsync(database));
        await database.ExecuteAsync("UPDATE recon.books SET compared_at = now() - interval '61 minutes'");
        Assert.Equal(1, await DueAsync(database));
    }

    [Fact]
    public async Task A_comparison_that_took_long_is_not_made_again_at_once_and_one_of_a_time_to_come_is()
    {
        await using var database = await QuietAsync();

        await database.ExecuteAsync("UPDATE recon.books SET compared_at = now() - interval '3 hours', compared_for = interval '10 minutes'");
        Assert.Equal(0, await DueAsync(database));
        await database.ExecuteAsync("UPDATE recon.books SET compared_at = now() - interval '4 hours', compared_for = interval '10 minutes'");
        Assert.Equal(1, await DueAsync(database));

        // The clock was wrong, then or now.
        await database.ExecuteAsync("UPDATE recon.books SET compared_at = now() + interval '1 minute'");
        Assert.Equal(1, await DueAsync(database));
    }

    [Fact]
    public async Task What_another_day_expects_is_compared()
    {
        await using var database = await QuietAsync();

        await database.AddAsync([Item(3, 700, day: Today - 1)]);

        Assert.Equal(new MatchResult(1, 2), await database.Matcher.MatchDueAsync(Cancel));
        Assert.Equal(0, await DueAsync(database));
    }

    [Fact]
    public async Task What_a_provider_tells_of_today_is_compared_and_so_is_every_payment_after_it()
    {
        await using var database = await QuietAsync();

        await database.ImportAsync("today.csv", Report((1, 10_000, 30, Today)));
        await database.Matcher.MatchDueAsync(Cancel);
        Assert.Equal(["2|1"], await database.RowsAsync("SELECT ours_count, theirs_count FROM recon.day_totals WHERE leg = 'provider'"));

        await database.AddAsync([Item(3, 700, day: Today)]);
        await database.Matcher.MatchDueAsync(Cancel);
        Assert.Equal(["3|1"], await database.RowsAsync("SELECT ours_count, theirs_count FROM recon.day_totals WHERE leg = 'provider'"));
    }

    [Fact]
    public async Task A_statement_that_speaks_of_a_later_day_is_heard_whatever_is_in_it()
    {
        await using var database = await QuietAsync();
        await database.AddAsync([Item(3, 700, day: Today - 9)]);
        await database.Matcher.MatchDueAsync(Cancel);
        Assert.Equal(["timing"], await database.RowsAsync("SELECT DISTINCT class FROM recon.entries"));

        await database.ExecuteAsync("UPDATE recon.books SET statement_through = current_date - 1");

        Assert.Equal(1, await DueAsync(database));
        Assert.Equal(["missing_there"], await database.RowsAsync("SELECT class FROM recon.breaks"));
    }

    [Fact]
    public async Task An_open_break_is_closed_by_a_payment_of_today()
    {
        await using var database = await QuietAsync();
        await database.ImportAsync("yesterday.csv", Report((3, 700, 30, Today - 1)));
        await database.Matcher.MatchDueAsync(Cancel);
        Assert.Equal(["missing_here|open"], await database.RowsAsync("SELECT class, state FROM recon.breaks"));

        await database.AddAsync([Item(3, 700, day: Today)]);
        await database.Matcher.MatchDueAsync(Cancel);

        Assert.Equal(["missing_here|resolved"], await database.RowsAsync("SELECT class, state FROM recon.breaks"));
    }

    private static async Task<int> DueAsync(ReconciliationDatabase database) => (await database.Matcher.MatchDueAsync(Cancel)).Books;

    /// <summary>New, then compared with one payment of today, and a second one came.</summary>
    private async Task<ReconciliationDatabase> QuietAsync()
    {
        var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.AddAsync([Item(1, 10_000, day: Today)]);
        Assert.Equal(new MatchResult(0, 0), await database.Matcher.MatchDueAsync(Cancel));
        Assert.Equal(new MatchResult(1, 1), await database.MatchAsync());
        await database.AddAsync([Item(2, 5_000, day: Today)]);
        Assert.Equal(new MatchResult(0, 0), await database.Matcher.MatchDueAsync(Cancel));
        return database;
    }
}
