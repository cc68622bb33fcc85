using System.Net;
using Xunit;
using static Payments.IntegrationTests.Reconciliation.Statements;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>What is told of a payment while the ledger is away, and of its payout at the bank.</summary>
public sealed class ExplanationTests(EmbeddedServers servers, BookingLedger fixture) : IClassFixture<BookingLedger>
{
    [Fact]
    public async Task Of_a_payment_that_nobody_expects_nothing_can_be_said_while_the_ledger_is_away()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.AddAsync([Item(1, 10_000)]);
        await using (var alone = await ReconciliationHost.StartAsync(database, BookingLedger.Nowhere))
        {
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "service_unavailable"), await RefusedAsync(alone, Payment(9).ToString()));
            Assert.Equal(HttpStatusCode.OK, (await alone.AskAsync(HttpMethod.Get, $"payments/{Payment(1)}")).Status);
        }

        await using var host = await ReconciliationHost.StartAsync(database, fixture.Ledger.Address);
        foreach (var nobody in new[] { Payment(9).ToString(), "pay_1" })
        {
            Assert.Equal((HttpStatusCode.NotFound, "payment_not_found"), await RefusedAsync(host, nobody));
        }
    }

    [Fact]
    public async Task What_its_payout_is_at_the_bank_is_told_with_the_break_of_it_until_it_comes()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await using var host = await ReconciliationHost.StartAsync(database, fixture.Ledger.Address);
        await database.AddAsync([Item(1, 10_000), Item(2, 5_000)]);
        await database.ImportAsync("stripe.csv", Report((1, 10_000, 30, 0), (2, 5_000, 30, 0)));
        Assert.Equal(("not_compared", "", "Open: the payout po_0 is not compared with the bank yet; the capture pi_1 is not compared yet."), await AtBankAsync());

        // A statement of its day that does not have it, and one of a day at which it is late.
        await database.ImportAsync("first.sta", Bank("1", (2, 777, "SOMEBODY ELSE")));
        await database.MatchAsync();
        Assert.Equal(("timing", "", "Open: the payout po_0 may still come to the bank."), await AtBankAsync());
        await database.ImportAsync("late.sta", Bank("2", (10, 778, "SOMEBODY ELSE")));
        await database.MatchAsync();
        var (late, found, open) = await AtBankAsync();
        Assert.Equal(("missing_there", "bank po_0 missing_there 14940 open"), (late, found));
        Assert.Matches(@"^Open: break rbk_\w+ \(missing_there of payout po_0 at the bank, 149\.40 USD\)\.$", open);

        await database.ImportAsync("found.sta", Bank("3", (11, 14_940, "STRIPE PAYOUT po_0")));
        await database.MatchAsync();
        Assert.Equal(("matched", "bank po_0 missing_there 14940 resolved", "No difference is open."), await AtBankAsync());

        async Task<(string Class, string Breaks, string End)> AtBankAsync()
        {
            var (_, told) = await host.AskAsync(HttpMethod.Get, $"payments/{Payment(1)}");
            return (
                told.GetProperty("items")[0].GetProperty("lines")[0].GetProperty("bank_class").GetString()!,
                string.Join(", ", told.GetProperty("breaks").EnumerateArray().Select(b => string.Join(' ', new[] { "leg", "reference", "class", "difference", "state" }.Select(m => b.GetProperty(m).ToString())))),
                told.GetProperty("story").EnumerateArray().Last().GetString()!);
        }
    }

    private static async Task<(HttpStatusCode Status, string? Code)> RefusedAsync(ReconciliationHost host, string payment)
    {
        var (status, body) = await host.AskAsync(HttpMethod.Get, $"payments/{payment}");
        return (status, body.GetProperty("code").GetString());
    }
}
