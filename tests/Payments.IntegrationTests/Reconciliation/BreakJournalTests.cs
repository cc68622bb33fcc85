using System.Net;
using Payments.Core;
using Payments.Core.Seams;
using Payments.IntegrationTests.Ledger;
using Payments.Ledger.Settlement;
using Payments.Reconciliation.Breaks;
using Xunit;
using static Payments.IntegrationTests.Reconciliation.Statements;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>A journal closes a break when the ledger has it, in the break's mode and currency, and says so.</summary>
public sealed class BreakJournalTests(EmbeddedServers servers, BookingLedger fixture) : IClassFixture<BookingLedger>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_break_is_closed_by_a_journal_that_the_ledger_has_and_by_no_other()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var (breaks, id) = await OpenAsync(database);
        await using var host = await ReconciliationHost.StartAsync(database, fixture.Ledger.Address);

        foreach (var (journal, code) in new[]
        {
            (LedgerDatabase.Ids.New<JournalId>(), "journal_unknown"),
            (await BookAsync(Mode.Live, "USD"), "journal_of_other_books"),
            (await BookAsync(Mode.Test, "EUR"), "journal_of_other_books"),
        })
        {
            var (status, body) = await host.AskAsync(HttpMethod.Post, $"breaks/{id}/resolve", new { journal = journal.ToString() });
            Assert.Equal((HttpStatusCode.Conflict, code, "journal"), (status, body.GetProperty("code").GetString(), body.GetProperty("param").GetString()));
            Assert.Equal((BreakState.Open, null), await StateAsync(breaks, id));
        }

        var booked = await BookAsync(Mode.Test, "USD");
        Assert.Equal(HttpStatusCode.OK, (await host.AskAsync(HttpMethod.Post, $"breaks/{id}/resolve", new { journal = booked.ToString() })).Status);
        Assert.Equal((BreakState.Resolved, booked.ToString()), await StateAsync(breaks, id));
        Assert.Equal(HttpStatusCode.NotFound, (await host.AskAsync(HttpMethod.Post, $"breaks/{new ReconciliationBreakId(Guid.Empty)}/resolve", new { journal = booked.ToString() })).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await fixture.Ledger.AskAsync(HttpMethod.Get, $"/internal/ledger/journals/{booked}", key: null)).Status);
    }

    [Fact]
    public async Task While_the_ledger_is_away_nothing_is_closed_by_a_journal_and_the_caller_is_told_to_come_again()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var (breaks, id) = await OpenAsync(database);
        await using var host = await ReconciliationHost.StartAsync(database, BookingLedger.Nowhere);

        using var answer = await host.SendAsync(HttpMethod.Post, $"breaks/{id}/resolve", new { journal = LedgerDatabase.Ids.New<JournalId>().ToString() });
        Assert.Equal((HttpStatusCode.ServiceUnavailable, TimeSpan.FromSeconds(2)), (answer.StatusCode, answer.Headers.RetryAfter?.Delta));
        Assert.Equal((BreakState.Open, null), await StateAsync(breaks, id));
        Assert.Equal(HttpStatusCode.OK, (await host.AskAsync(HttpMethod.Post, $"breaks/{id}/resolve", new { reason = "Their rounding." })).Status);
    }

    private async Task<JournalId> BookAsync(Mode mode, string currency)
    {
        var id = LedgerDatabase.Ids.New<LedgerCorrectionId>();
        var correction = new LedgerCorrection(
            id, mode, "provider_fee", Provider.Stripe, currency, 7, TimeProvider.System.GetUtcNow().AddHours(-1), "found", LedgerDatabase.Ids.New<ReconciliationBreakId>(), "opk_1");
        Assert.Equal(HouseVerdict.Booked, await new HouseBooks(fixture.Ledger.Books.Writer, TimeProvider.System).BookAsync(correction, Cancel));
        return new(id.Value);
    }

    private static async Task<(BreakStore Breaks, ReconciliationBreakId Id)> OpenAsync(ReconciliationDatabase database)
    {
        await database.AddAsync([Item(1, 10_000)]);
        await database.ImportAsync("stripe.csv", Report((1, 10_007, 30, 0)));
        await database.MatchAsync();
        var breaks = new BreakStore(database.Source, TimeProvider.System);
        return (breaks, Assert.Single(await breaks.ListAsync(null, null, 10, Cancel)).Id);
    }

    private static async Task<(BreakState State, string? Journal)> StateAsync(BreakStore breaks, ReconciliationBreakId id)
    {
        var found = (await breaks.FindAsync(id, Cancel))!;
        return (found.State, found.Journal);
    }
}
