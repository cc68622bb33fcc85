using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Npgsql;
using Payments.Reconciliation;
using Payments.Reconciliation.Bookings;
using Xunit;
using static Payments.IntegrationTests.Reconciliation.Statements;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>What the ledger has to book of a payout: noted when report and bank agree, to the cent, once.</summary>
public sealed class NotedPayoutTests(EmbeddedServers servers)
{
    private const string Parts = "SELECT s.reference, s.currency, s.paid, p.currency, p.lines, p.gross, p.fee, p.accrued, p.fx, p.paid FROM recon.settlements s JOIN recon.settlement_parts p USING (settlement_id) ORDER BY 1, 2, 4";

    private const string Unnoted = "SELECT reference, amount, reason FROM recon.payouts_unnoted ORDER BY 1";

    [Fact]
    public async Task A_payout_that_the_bank_has_is_noted_once_with_true_and_accrued_fees()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.AddAsync([Item(1, 10_000), Item(2, 5_000)]);
        await database.ImportAsync("stripe.csv", Report((1, 10_000, 30, 0), (2, 5_000, 37, 0), (3, 700, 30, 0)));
        await database.MatchAsync();
        Assert.Empty(await database.RowsAsync(Parts));

        // The bank has it a day later than it was announced. The third line is nobody's here: nothing was accrued for it.
        await database.ImportAsync("bank.sta", Bank("1", (3, 15_603, "STRIPE PAYOUT po_0")));
        await database.MatchAsync();
        string[] expected = ["po_0|USD|15603|USD|3|15700|97|60|0|15603"];
        Assert.Equal(expected, await database.RowsAsync(Parts));

        await database.ExecuteAsync("UPDATE recon.days SET dirty = true");
        await database.MatchAsync();
        Assert.Equal(expected, await database.RowsAsync(Parts));
    }

    [Fact]
    public async Task A_payout_on_which_they_differ_is_not_noted_until_they_agree()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.AddAsync([Item(1, 10_000), Item(4, 500, day: 1)]);
        await database.ImportAsync("stripe.csv", Report((1, 10_000, 30, 0), (4, 500, 30, 1)));
        await database.ImportAsync("bank.sta", Bank("1", (2, 9_969, "STRIPE PAYOUT po_0"), (3, 470, "STRIPE PAYOUT po_1")));
        await database.MatchAsync();
        Assert.Equal(["po_1|USD|470|USD|1|500|30|30|0|470"], await database.RowsAsync(Parts));
        Assert.Equal(["po_0|9970|amount_mismatch"], await database.RowsAsync(Unnoted));

        await database.ImportAsync("stripe.csv", Report((1, 10_000, 31, 0), (4, 500, 30, 1)));
        await database.MatchAsync();
        Assert.Equal(["po_0|USD|9969|USD|1|10000|31|30|0|9969", "po_1|USD|470|USD|1|500|30|30|0|470"], await database.RowsAsync(Parts));
        Assert.Empty(await database.RowsAsync(Unnoted));
    }

    [Fact]
    public async Task What_was_accrued_for_a_payment_that_comes_after_its_payout_was_noted_is_booked_once()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.AddAsync([Item(1, 10_000)]);
        await database.ImportAsync("stripe.csv", Report((1, 10_000, 30, 0), (2, 5_000, 37, 0), (3, 700, 30, 0), (4, 800, 30, 0)));
        await database.ImportAsync("bank.sta", Bank("1", (2, 16_373, "STRIPE PAYOUT po_0")));
        await database.MatchAsync();
        Assert.Equal(["po_0|USD|16373|USD|4|16500|127|30|0|16373"], await database.RowsAsync(Parts));
        Assert.Equal(["2", "3", "4"], await database.RowsAsync("SELECT split_part(l.reference, '_', 2) FROM recon.unanswered u JOIN recon.lines l USING (match_key, day, occurrence) ORDER BY 1"));

        // A corrected file gives its lines new numbers. One is of the next day, one of the same day and only told late, and the fourth is still nobody's.
        await database.ImportAsync("stripe.csv", Report((4, 800, 30, 0), (3, 700, 30, 0), (2, 5_000, 37, 0), (1, 10_000, 30, 0)));
        await database.AddAsync([Item(2, 5_000, 30, day: 1), Item(3, 700, 25)]);
        for (var twice = 0; twice < 2; twice++)
        {
            await database.MatchAsync();
            await database.ExecuteAsync("UPDATE recon.days SET dirty = true");
        }

        Assert.Equal(["po_0|USD|25|0|0|0", "po_0|USD|30|0|0|0"], await database.RowsAsync("""
            SELECT content ->> 'reference', c ->> 'currency', c ->> 'accrued_fees_minor', c ->> 'fees_minor', c ->> 'gross_minor', c ->> 'net_minor'
            FROM recon.bookings, jsonb_array_elements(content -> 'currencies') c WHERE what = 'late_cost' ORDER BY 3
            """));
        Assert.Equal(["4"], await database.RowsAsync("SELECT split_part(l.reference, '_', 2) FROM recon.unanswered u JOIN recon.lines l USING (match_key, day, occurrence) WHERE u.answered_at IS NULL"));
    }

    [Fact]
    public async Task A_payout_is_not_noted_before_the_days_of_its_lines_are_compared_as_they_stand()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.AddAsync([Item(1, 10_000), Item(2, 5_000)]);
        await database.ImportAsync("stripe.csv", Report((1, 10_000, 30, 0), (2, 5_000, 37, 0)));
        await database.MatchAsync();
        await database.ImportAsync("bank.sta", Bank("1", (3, 14_933, "STRIPE PAYOUT po_0")));
        await database.ExecuteAsync("UPDATE recon.days SET dirty = true WHERE leg = 'provider'; SELECT recon.settle('test', 'bank', 'stripe')");
        Assert.Equal(["0"], await database.RowsAsync("SELECT recon.note_settlements('test', 'stripe')"));
        await database.ExecuteAsync("SELECT recon.match_day('test', 'provider', 'stripe', '2026-03-10')");
        Assert.Equal(["0"], await database.RowsAsync("SELECT recon.note_settlements('test', 'stripe')"));

        await database.MatchAsync();
        Assert.Equal(["po_0|USD|14933|USD|2|15000|67|60|0|14933"], await database.RowsAsync(Parts));
    }

    [Fact]
    public async Task A_payment_that_is_paid_out_in_parts_and_late_has_its_accrued_cost_once()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.AddAsync([Item(1, 10_000), Item(2, 5_000)]);
        await database.ImportAsync("stripe.csv", Report((1, 4_000, 0, 0), (1, 6_000, 30, 0), (2, 5_000, 33, 1)));
        await database.ImportAsync("bank.sta", Bank("1", (2, 9_970, "STRIPE PAYOUT po_0"), (3, 4_967, "STRIPE PAYOUT po_1")));
        await database.MatchAsync();

        Assert.Equal(["po_0|USD|9970|USD|2|10000|30|30|0|9970", "po_1|USD|4967|USD|1|5000|33|30|0|4967"], await database.RowsAsync(Parts));
    }

    [Fact]
    public async Task A_payment_in_another_currency_is_noted_in_its_own_with_what_the_exchange_took()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.ExecuteAsync("INSERT INTO recon.rates (day, currency, net_currency, rate, source) VALUES ('2026-03-01', 'EUR', 'USD', 1.10, 'test')");
        await database.AddAsync([Item(1, 10_000, 100, currency: "EUR"), Item(2, 5_000)]);
        await database.ImportAsync("stripe.csv", """
            automatic_payout_id,automatic_payout_effective_at_utc,balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,payment_intent_id,customer_facing_amount,customer_facing_currency
            po_0,2026-03-12 00:00:00,txn_1,2026-03-10 12:00:00,usd,107.80,1.10,106.70,charge,ch_1,pi_1,100.00,eur
            po_0,2026-03-12 00:00:00,txn_2,2026-03-10 12:00:00,usd,50.00,0.30,49.70,charge,ch_2,pi_2,50.00,usd
            """);
        await database.ImportAsync("bank.sta", Bank("1", (2, 15_640, "STRIPE PAYOUT po_0")));
        await database.MatchAsync();

        Assert.Equal(["po_0|USD|15640|EUR|1|10000|100|100|200|10670", "po_0|USD|15640|USD|1|5000|30|30|0|4970"], await database.RowsAsync(Parts));
        Assert.Equal(["fx_difference|200"], await database.RowsAsync("SELECT class, amount FROM recon.breaks"));
    }

    [Fact]
    public async Task A_report_that_leaves_something_of_its_own_payout_out_is_not_noted()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        await database.ImportAsync("adyen.csv", """
            Merchant Account,Psp Reference,Creation Date,TimeZone,Type,Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),Net Currency,Net Debit (NC),Net Credit (NC),Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),Batch Number
            Shop,PSP1,2026-03-10 12:00:00,UTC,Settled,MOD1,USD,,100.00,USD,,99.70,,0.30,,,3
            Shop,,2026-03-12 12:00:00,UTC,MerchantPayout,PAY1,,,,USD,99.00,,,,,,3
            """);
        await database.ImportAsync("bank.sta", Bank("1", (2, 9_900, "ADYEN N.V. BATCH 3")));
        await database.MatchAsync();

        Assert.Empty(await database.RowsAsync(Parts));
        Assert.Empty(await database.RowsAsync("SELECT reference FROM recon.settlements"));

        // It is seen, at once and for as long as it is so.
        var health = new UnnotedHealth(new UnnotedPayouts(database.Source, TimeProvider.System, Options.Create(new ReconciliationOptions())));
        for (var twice = 0; twice < 2; twice++)
        {
            Assert.Equal(["batch 3|9900|parts_differ|-70"], await database.RowsAsync("SELECT reference, amount, reason, difference FROM recon.payouts_unnoted"));
            var told = await health.CheckHealthAsync(new(), TestContext.Current.CancellationToken);
            Assert.Equal(HealthStatus.Degraded, told.Status);
            Assert.Contains("adyen batch 3 USD", told.Description, StringComparison.Ordinal);
            await database.MatchAsync();
        }

        await Assert.ThrowsAsync<PostgresException>(() => database.ExecuteAsync("INSERT INTO recon.settlement_parts VALUES ('00000000-0000-0000-0000-000000000001', 'test', 'USD', 1, 1, 0, 0, 0, 1)"));
    }
}
