using Microsoft.Extensions.Diagnostics.HealthChecks;
using Payments.IntegrationTests.Events;
using Payments.IntegrationTests.Ledger;
using Payments.Reconciliation;
using Payments.Reconciliation.Bookings;
using Xunit;
using static Payments.IntegrationTests.Reconciliation.Statements;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>Payouts that report and bank agree on are booked in the ledger: until it has them, and once.</summary>
public sealed class BookingTests(EmbeddedServers servers, BookingLedger fixture) : IClassFixture<BookingLedger>
{
    private LedgerService Ledger => fixture.Ledger;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_noted_payout_is_in_the_books_once_however_often_and_from_however_many_sides_it_is_sent()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var payout = await NoteAsync(database, "USD", null);
        var book = fixture.On(database);

        Assert.Equal(1, (await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => book.Booker.BookDueAsync(null, Cancel)))).Sum());
        Assert.Equal(0, await book.Booker.BookDueAsync(null, Cancel));

        // Gross 157.00, taken 0.97 where 0.60 was accrued, paid 156.03.
        Assert.Equal(
            ["bank 15603", "provider_cost_payable 60", "provider_cost_variance 37", "provider_receivable -15700"],
            await fixture.MovedAsync(await BookingIdAsync(database, payout)));
        Assert.Equal(new WaitingBookings(0, 0, null), await book.List.CountAsync(1, Cancel));
        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => database.ExecuteAsync("UPDATE recon.bookings SET content = '{}'"));
    }

    [Fact]
    public async Task A_ledger_that_does_not_answer_is_asked_later_and_health_tells_when_that_goes_on()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var payout = await NoteAsync(database, "USD", null);
        var away = fixture.On(database, away: true);
        for (var i = 0; i < BookingHealth.TriesBeforeWorry; i++)
        {
            await database.ExecuteAsync("UPDATE recon.bookings SET due_at = now()");
            Assert.Equal(0, await away.Booker.BookDueAsync(null, Cancel));
        }

        // It is put off, later and later.
        Assert.Equal(["3|True"], await database.RowsAsync("SELECT tries, due_at > now() + interval '10 seconds' FROM recon.bookings"));
        var health = await new BookingHealth(away.List).CheckHealthAsync(new HealthCheckContext(), Cancel);
        Assert.Equal((HealthStatus.Degraded, $"1 bookings are not taken by the ledger, the oldest is settlement stripe {payout} USD: the ledger does not answer."), (health.Status, health.Description));

        await database.ExecuteAsync("UPDATE recon.bookings SET due_at = now()");
        var there = fixture.On(database);
        Assert.Equal(1, await there.Booker.BookDueAsync(null, Cancel));
        Assert.Equal(HealthStatus.Healthy, (await new BookingHealth(there.List).CheckHealthAsync(new HealthCheckContext(), Cancel)).Status);
    }

    [Fact]
    public async Task An_exchange_without_a_rate_stays_visible_with_its_reason_and_is_booked_once_there_is_one()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.ExecuteAsync("INSERT INTO recon.rates (day, currency, net_currency, rate, source) VALUES ('2026-03-01', 'CHF', 'USD', 1.10, 'test')");
        var payout = await NoteAsync(database, "CHF", "USD");
        var book = fixture.On(database);
        Assert.Equal(0, await book.Booker.BookDueAsync(null, Cancel));
        Assert.Equal(new WaitingBookings(1, 1, $"settlement stripe {payout} USD: rate_missing settled_at"), await book.List.CountAsync(1, Cancel));

        await Ledger.Books.ExecuteAsync("""
            INSERT INTO ledger.rates (version, base, quote, rate, source, observed_at, valid_from, valid_until, uploaded_by)
            VALUES (1, 'CHF', 'USD', 1.10, 'test', now(), '2026-01-01', '2027-01-01', 'opk')
            """, Cancel);
        await database.ExecuteAsync("UPDATE recon.bookings SET due_at = now()");
        Assert.Equal(1, await book.Booker.BookDueAsync(null, Cancel));

        // 99.00 CHF are worth 108.90 USD; 106.70 came.
        Assert.Equal(
            ["bank 10670", "fx_clearing -10890", "fx_clearing 9900", "fx_gain_loss 220", "provider_cost_payable 100", "provider_receivable -10000"],
            await fixture.MovedAsync(await BookingIdAsync(database, payout)));
    }

    [Fact]
    public async Task What_was_not_booked_for_weeks_gets_an_id_of_now_because_the_ledger_says_that_it_has_not_got_it()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var payout = await NoteAsync(database, "USD", null);
        await database.ExecuteAsync("UPDATE recon.bookings SET id_made_at = now() - interval '30 days'");
        var old = await BookingIdAsync(database, payout);

        Assert.Equal(1, await fixture.On(database).Booker.BookDueAsync(null, Cancel));
        Assert.Empty(await fixture.MovedAsync(old));
        Assert.NotEmpty(await fixture.MovedAsync(await BookingIdAsync(database, payout)));
    }

    [Fact]
    public async Task A_process_that_dies_at_any_step_of_booking_leaves_what_the_next_one_books_once()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var payouts = new List<string>();
        foreach (var step in ReconciliationSteps.OfBooking)
        {
            payouts.Add(await NoteAsync(database, "USD", null, payouts.Count));
            Assert.NotEqual(0, await BookInAProcessAsync(database, step));

            // Its claim runs out.
            await database.ExecuteAsync("UPDATE recon.bookings SET due_at = now() WHERE booked_at IS NULL");
        }

        Assert.Equal(0, await BookInAProcessAsync(database, null));
        Assert.Equal(["0"], await database.RowsAsync("SELECT count(*) FROM recon.bookings WHERE booked_at IS NULL"));
        foreach (var payout in payouts)
        {
            Assert.Equal(["bank 15603", "provider_cost_payable 60", "provider_cost_variance 37", "provider_receivable -15700"], await fixture.MovedAsync(await BookingIdAsync(database, payout)));
        }
    }

    /// <summary>A payout on which everybody agrees, with a fee that was accrued too low and a line that nobody expected.</summary>
    private static async Task<string> NoteAsync(ReconciliationDatabase database, string currency, string? paidIn, int day = 0)
    {
        var first = (10 * day) + 1;
        if (paidIn is null)
        {
            await database.AddAsync([Item(first, 10_000, day: day), Item(first + 1, 5_000, day: day)]);
            await database.ImportAsync($"stripe{day}.csv", Report((first, 10_000, 30, day), (first + 1, 5_000, 37, day), (first + 2, 700, 30, day)));
            await database.ImportAsync($"bank{day}.sta", Bank($"{day + 1}", (day + 2, 15_603, $"STRIPE PAYOUT po_{day}")));
        }
        else
        {
            await database.AddAsync([Item(first, 10_000, 100, currency: currency)]);
            await database.ImportAsync("stripe.csv", $"""
                automatic_payout_id,automatic_payout_effective_at_utc,balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,payment_intent_id,customer_facing_amount,customer_facing_currency
                po_0,2026-03-12 00:00:00,txn_1,2026-03-10 12:00:00,usd,107.80,1.10,106.70,charge,ch_1,pi_1,100.00,{currency}
                """);
            await database.ImportAsync("bank.sta", Bank("1", (2, 10_670, "STRIPE PAYOUT po_0")));
        }

        await database.MatchAsync();
        return $"po_{day}";
    }

    private static async Task<Guid> BookingIdAsync(ReconciliationDatabase database, string payout) =>
        Guid.Parse((await database.RowsAsync($"SELECT booking_id FROM recon.bookings WHERE name LIKE '{payout} %'")).Single());

    /// <summary><c>recon book</c> in a process of its own, which dies at the step.</summary>
    private Task<int> BookInAProcessAsync(ReconciliationDatabase database, string? step) => ReconProcess.RunAsync(
        database, ["book"], step, ("Payments__Urls__Ledger", Ledger.Address.ToString()), ("Payments__InternalKey", EventTestBed.InternalKey));
}
