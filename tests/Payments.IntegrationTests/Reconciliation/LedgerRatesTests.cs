using System.Net;
using Payments.IntegrationTests.Ledger;
using Xunit;
using static Payments.IntegrationTests.Reconciliation.Statements;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>Exchanges are expected at the ledger's rates.</summary>
public sealed class LedgerRatesTests(EmbeddedServers servers, BookingLedger fixture) : IClassFixture<BookingLedger>
{
    private LedgerService Ledger => fixture.Ledger;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_ledgers_rates_are_taken_over_once_and_an_exchange_at_another_rate_is_a_difference_of_the_exchange()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await QuoteAsync("EUR", 1, 1.30m, "2026-01-01", "2026-02-01");
        await QuoteAsync("EUR", 2, 1.20m, "2026-02-01", "2027-01-01");
        await QuoteAsync("EUR", 3, 1.10m, "2026-03-01", "2026-04-01");
        await Ledger.Books.ExecuteAsync("""
            INSERT INTO ledger.rates (version, base, quote, rate, source, observed_at, valid_from, valid_until, uploaded_by)
            SELECT v, 'GBP', 'USD', 1.2 + v / 10000.0, 'test', now(), '2026-01-01', '2027-01-01', 'opk' FROM generate_series(1, 1100) v
            """, Cancel);
        var rates = fixture.Rates(database);

        // From several sides at once, too: what is here is the ledger's, once.
        await Task.WhenAll(rates.TakeAsync(Cancel), rates.TakeAsync(Cancel));
        Assert.Equal(0, await rates.TakeAsync(Cancel));
        Assert.Equal(["EUR|3|1.100000000000", "GBP|1100|1.310000000000"], await database.RowsAsync("SELECT DISTINCT ON (currency) currency, count(*) OVER (PARTITION BY currency), rate::text FROM recon.rates WHERE net_currency = 'USD' AND currency IN ('EUR', 'GBP') ORDER BY currency, version DESC"));
        await QuoteAsync("EUR", 4, 1.40m, "2026-06-01", "2026-07-01");
        Assert.Equal(1, await rates.TakeAsync(Cancel));

        // 100.00 EUR at 1.05, where 1.10 was expected: 1.10 USD of fee are 1.00, 103.90 USD are 94.45.
        await database.AddAsync([Item(1, 10_000, 100, currency: "EUR")]);
        await database.ImportAsync("stripe.csv", """
            automatic_payout_id,automatic_payout_effective_at_utc,balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,payment_intent_id,customer_facing_amount,customer_facing_currency
            po_0,2026-03-12 00:00:00,txn_1,2026-03-10 12:00:00,usd,105.00,1.10,103.90,charge,ch_1,pi_1,100.00,EUR
            """);
        await database.MatchAsync();
        Assert.Equal(["fx_difference|EUR|455"], await database.RowsAsync("SELECT class, currency, amount FROM recon.breaks"));
    }

    [Fact]
    public async Task A_ledger_that_does_not_answer_or_is_asked_wrongly_changes_nothing()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await Assert.ThrowsAsync<HttpRequestException>(() => fixture.Rates(database, away: true).TakeAsync(Cancel));
        Assert.Equal(["0"], await database.RowsAsync("SELECT count(*) FROM recon.rates"));

        const string after = "/internal/ledger/rates/after";
        Assert.Equal(HttpStatusCode.Unauthorized, (await Ledger.AskAsync(HttpMethod.Post, after, key: null, new { })).Status);
        Assert.Equal("missing_field", (await Ledger.AskAsync(HttpMethod.Post, after, body: new { })).Body.GetProperty("code").GetString());
    }

    private Task QuoteAsync(string currency, int version, decimal rate, string from, string until) => Ledger.Books.ExecuteAsync(FormattableString.Invariant($"""
        INSERT INTO ledger.rates (version, base, quote, rate, source, observed_at, valid_from, valid_until, uploaded_by)
        VALUES ({version}, '{currency}', 'USD', {rate}, 'test', now(), '{from}', '{until}', 'opk')
        """), Cancel);
}
