using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using Payments.Core;
using Payments.Reconciliation;
using Payments.Reconciliation.Closing;
using Payments.Reconciliation.Reports;
using Xunit;
using static Payments.IntegrationTests.Reconciliation.Statements;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>What a closed day came to is signed, and whoever changes it past the service is found.</summary>
public sealed class ClosingTests(EmbeddedServers servers)
{
    private static readonly Book Stripe = new(Mode.Test, Leg.Provider, Book.Stripe);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Closings_follow_one_another_and_reports_show_them()
    {
        await using var database = await ClosedAsync();
        Assert.Empty(await database.Closings.VerifyAsync(null, Cancel));
        var closings = await database.Closings.ListAsync(Cancel);
        Assert.Equal([(null, 0), (0, 1)], closings.Select(c => (c.Days.After?.DayNumber - FirstDay.DayNumber, c.Days.Day.DayNumber - FirstDay.DayNumber)));
        Assert.Equal(closings[0].Hash, closings[1].PreviousHash);

        var report = (await database.Reports.FindAsync(Stripe, FirstDay, Cancel))!;
        Assert.Equal((FirstDay, Convert.ToHexStringLower(closings[0].Hash), closings[0].KeyId), (report.Closing!.Through, report.Closing.Hash, report.Closing.KeyId));
        Assert.Contains(report.Closing.Hash, ReportText.Html(report), StringComparison.Ordinal);
        Assert.Null((await database.Reports.FindAsync(Stripe, FirstDay.AddDays(2), Cancel))!.Closing);
    }

    [Fact]
    public async Task Days_that_are_closed_at_once_are_one_closing()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.AddAsync([Item(1, 10_000), Item(2, 5_000, day: 1)]);
        await database.ImportAsync("stripe.csv", Report((1, 10_000, 30, 0), (2, 5_000, 30, 1)));
        Assert.Equal(CloseResult.Now, await database.Closings.CloseAsync(Stripe, FirstDay.AddDays(1), Cancel));

        Assert.Single(await database.Closings.ListAsync(Cancel));
        Assert.Equal(FirstDay.AddDays(1), (await database.Reports.FindAsync(Stripe, FirstDay, Cancel))!.Closing!.Through);
        Assert.Equal(FirstDay.AddDays(1), (await database.Closings.FindAsync(Stripe, FirstDay, Cancel))!.Days.Day);
        await database.ExecuteAsync("UPDATE recon.items SET merchant_id = gen_random_uuid() WHERE gross = 10000");
        Assert.Single(await database.Closings.VerifyAsync(null, Cancel));
    }

    [Theory]
    [InlineData("UPDATE recon.lines SET gross = gross + 1, item_net = item_net + 1, net = net + 1 WHERE gross = 10000")]
    [InlineData("UPDATE recon.lines SET batch = 'po_9' WHERE gross = 10000")]
    [InlineData("DELETE FROM recon.lines WHERE gross = 10000")]
    [InlineData("UPDATE recon.items SET gross = gross + 1 WHERE gross = 10000")]
    [InlineData("UPDATE recon.items SET payment_id = gen_random_uuid() WHERE gross = 10000")]
    [InlineData("INSERT INTO recon.items SELECT gen_random_uuid(), gen_random_uuid(), 1, day, mode, leg, provider, kind, 'x', NULL, currency, 1, 0, NULL, NULL, source, NULL, occurred_at FROM recon.items WHERE gross = 10000")]
    [InlineData("UPDATE recon.entries SET amount = amount + 1, ours_net = ours_net + 1 WHERE day = '2026-03-10'")]
    [InlineData("UPDATE recon.day_classes SET items = items + 1 WHERE day = '2026-03-10'")]
    [InlineData("UPDATE recon.day_totals SET ours_volume = ours_volume + 1 WHERE day = '2026-03-10'")]
    [InlineData("UPDATE recon.imports SET content_hash = decode(repeat('ab', 32), 'hex') WHERE number = 1")]
    public async Task A_change_past_the_triggers_is_found(string change)
    {
        await using var database = await ClosedAsync();

        await TamperAsync(database, change);

        var broken = await database.Closings.VerifyAsync(null, Cancel);
        Assert.Equal(new BrokenClosing("test provider stripe 2026-03-10", "Its days are not what was hashed."), broken[0]);
        Assert.True(broken.Count == 1 || change.Contains("imports", StringComparison.Ordinal), "The file is of both days, the rest of one.");
    }

    [Fact]
    public async Task Who_hashes_anew_lacks_the_key_and_who_signs_with_another_is_not_us()
    {
        await using var database = await ClosedAsync();

        // The same rows, closed and signed with another key elsewhere, put in the place of ours.
        var key = Convert.ToBase64String(Enumerable.Repeat((byte)7, 32).ToArray());
        await TamperAsync(database, "DELETE FROM recon.closings WHERE day = '2026-03-11'; UPDATE recon.books SET closed_through = '2026-03-10'");
        Assert.Equal(CloseResult.Now, await database.Signed(key).CloseAsync(Stripe, FirstDay.AddDays(1), Cancel));
        Assert.Contains("which is not configured", Assert.Single(await database.Closings.VerifyAsync(null, Cancel)).Problem, StringComparison.Ordinal);
        Assert.Empty(await database.Signed(ReconciliationDatabase.ClosingKey, key).VerifyAsync(null, Cancel));

        // Under the name of our key.
        var ours = (await database.Closings.ListAsync(Cancel))[0].KeyId;
        await TamperAsync(database, $"UPDATE recon.closings SET key_id = '{ours}'");
        Assert.Equal("Its signature is not ours.", Assert.Single(await database.Closings.VerifyAsync(null, Cancel)).Problem);
        await TamperAsync(database, "UPDATE recon.closings SET previous_hash = decode(repeat('00', 32), 'hex')");
        Assert.Equal("It does not follow the closing before it.", Assert.Single(await database.Closings.VerifyAsync(null, Cancel)).Problem);
    }

    [Fact]
    public async Task The_database_closes_nothing_without_a_signature_and_changes_no_closing()
    {
        await using var database = await ClosedAsync();
        string[] attempts =
        [
            "SELECT recon.close_day('test', 'provider', 'stripe', '2026-03-12')", "UPDATE recon.books SET closed_through = '2026-03-12'", "UPDATE recon.books SET closed_through = '2026-03-09'",
            "UPDATE recon.books SET closed_through = NULL", "DELETE FROM recon.closings", "TRUNCATE recon.closings", "UPDATE recon.closings SET key_id = 'x'",
            "INSERT INTO recon.closings SELECT mode, leg, provider, day + 1, day, hash, hash, key_id, signature FROM recon.closings WHERE day = '2026-03-11'",
        ];
        foreach (var attempt in attempts)
        {
            var refused = await Assert.ThrowsAsync<PostgresException>(() => database.ExecuteAsync(attempt));
            Assert.Equal((attempt, PostgresErrorCodes.RestrictViolation), (attempt, refused.SqlState));
        }

        Assert.Equal(CloseResult.NoKey, await database.Signed().CloseAsync(Stripe, FirstDay.AddDays(2), Cancel));
        Assert.Equal(["2026-03-11"], await database.RowsAsync("SELECT to_char(closed_through, 'YYYY-MM-DD') FROM recon.books WHERE leg = 'provider'"));
        Assert.Empty(await database.Closings.VerifyAsync(null, Cancel));
    }

    [Fact]
    public async Task Rounds_come_to_every_closing_and_health_tells_until_it_is_mended()
    {
        await using var database = await ClosedAsync();
        var rounds = new ClosingRounds(database.Closings, Options.Create(new ReconciliationOptions()), TimeProvider.System, NullLogger<ClosingRounds>.Instance);
        var health = new ClosingHealth(rounds);
        await TamperAsync(database, "UPDATE recon.lines SET batch = 'po_9' WHERE gross = 10000");
        await rounds.RoundAsync(Cancel);
        await rounds.RoundAsync(Cancel);
        var told = await health.CheckHealthAsync(new(), Cancel);
        Assert.Equal((HealthStatus.Degraded, true), (told.Status, told.Description!.Contains("test provider stripe 2026-03-10", StringComparison.Ordinal)));

        await TamperAsync(database, "UPDATE recon.lines SET batch = 'po_0' WHERE gross = 10000");
        await rounds.RoundAsync(Cancel);
        await rounds.RoundAsync(Cancel);
        Assert.Equal(HealthStatus.Healthy, (await health.CheckHealthAsync(new(), Cancel)).Status);
    }

    /// <summary>Three days, of which two are closed, each by a closing of its own; the first has a difference.</summary>
    private async Task<ReconciliationDatabase> ClosedAsync()
    {
        var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.AddAsync([Item(1, 10_000), Item(2, 5_000), Item(3, 700, day: 1), Item(4, 800, day: 2)]);
        await database.ImportAsync("stripe.csv", Report((1, 10_000, 30, 0), (2, 5_003, 30, 0), (3, 700, 30, 1), (4, 800, 30, 2)));
        await database.MatchAsync();
        foreach (var day in new[] { 0, 1 })
        {
            Assert.Equal(CloseResult.Now, await database.Closings.CloseAsync(Stripe, FirstDay.AddDays(day), Cancel));
        }

        return database;
    }

    private static Task TamperAsync(ReconciliationDatabase database, string sql) => database.ExecuteAsync($"SET session_replication_role = replica; {sql}; SET session_replication_role = origin");
}
