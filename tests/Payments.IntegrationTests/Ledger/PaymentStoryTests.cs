using System.Net;
using System.Text.Json;
using Payments.Core;
using Payments.Ledger.Payouts;
using Payments.Ledger.Settlement;
using Xunit;

namespace Payments.IntegrationTests.Ledger;

/// <summary>What the ledger tells of one payment: its journals, the batches that it is in, and the payouts that hold these.</summary>
public sealed class PaymentStoryTests(EmbeddedServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_settled_payment_is_told_with_its_journals_its_batches_and_its_payouts()
    {
        await using var ledger = await LedgerService.StartAsync(servers);
        await ledger.LiveAsync(seed: 12, events: 200);
        await ledger.CompletenessAsync(c => c.GetProperty("complete").GetBoolean());
        await ledger.Get<SettlementRounds>().RoundAsync(Cancel);
        var payable = await ledger.Books.ValueAsync<string>("""
            SELECT concat_ws('|', mode, merchant_id, coalesce(paid_currency, currency), pay_on) FROM ledger.settlement_batches
            GROUP BY mode, merchant_id, coalesce(paid_currency, currency), pay_on HAVING sum(coalesce(paid, net)) > 0 ORDER BY sum(items) DESC LIMIT 1
            """, Cancel);
        var (mode, merchant, currency, payOn) = payable!.Split('|') is [var m, var id, var c, var day] ? (Words.Parse<Mode>(m), new MerchantId(Guid.Parse(id)), c, DateOnly.Parse(day, System.Globalization.CultureInfo.InvariantCulture)) : default;
        Assert.NotNull(await ledger.Get<PayoutSettings>().SetAsync(mode, merchant, PayoutStanding.Cleared, new PayoutMinimum(1), PayoutBed.Creditor, "ada", "checked", Cancel));
        await ledger.Get<PayoutBooks>().CreateDueAsync(payOn, Cancel);
        var payout = PayoutIds.Of(mode, merchant, Currency.Of(currency), payOn).ToString();

        var settled = await ledger.Books.ValueAsync<string[]>($"""
            SELECT array_agg(DISTINCT concat_ws('|', i.payment_id, b.id, s.sum)) FROM ledger.settlement_items i JOIN ledger.settlement_batches b ON b.id = i.batch_id
            JOIN LATERAL (SELECT sum(amount) FROM ledger.settlement_items z WHERE z.batch_id = b.id AND z.payment_id = i.payment_id) s ON true
            WHERE b.merchant_id = '{merchant.Value}' AND b.mode = '{Words.Of(mode)}' AND b.currency = '{currency}' AND i.payment_id IS NOT NULL
            """, Cancel);
        Assert.True(settled!.Length > 1);
        foreach (var (payment, batch, amount) in settled.Select(s => s.Split('|')).Select(s => (new PaymentId(Guid.Parse(s[0])), new SettlementBatchId(Guid.Parse(s[1])).ToString(), long.Parse(s[2], System.Globalization.CultureInfo.InvariantCulture))))
        {
            var story = await ledger.GetAsync($"/internal/ledger/payments/{payment}");
            Assert.Equal((merchant.ToString(), false), (story.GetProperty("merchant").GetString(), story.GetProperty("journals_retired").GetBoolean()));
            Assert.Contains(story.GetProperty("settlements").EnumerateArray(), s => s.GetProperty("id").GetString() == batch && s.GetProperty("amount").GetInt64() == amount && s.GetProperty("pay_on").GetString() == $"{payOn:yyyy-MM-dd}" && Payouts(s) == payout);
            Assert.Contains(story.GetProperty("payouts").EnumerateArray(), p => p.GetProperty("id").GetString() == payout);
            var journals = story.GetProperty("journals").EnumerateArray().ToList();
            Assert.Equal(await ledger.Books.ValueAsync<long>($"SELECT count(*) FROM ledger.journals WHERE payment_id = '{payment.Value}'", Cancel), journals.Count);
            Assert.Equal(
                await ledger.Books.ValueAsync<long>($"SELECT sum(m.amount)::bigint FROM ledger.movements m JOIN ledger.journals j ON j.id = m.journal_id WHERE j.payment_id = '{payment.Value}'", Cancel),
                journals.SelectMany(j => j.GetProperty("lines").EnumerateArray()).Where(l => l.GetProperty("action").GetString() == "post").Sum(l => l.GetProperty("amount").GetInt64()));
        }

        // What was canceled is in the next that is made.
        Assert.Equal(PayoutVerdict.Done, await ledger.Get<PayoutBooks>().ChangeAsync(
            PayoutIds.Of(mode, merchant, Currency.Of(currency), payOn), new(PayoutState.Canceled, "", "held", "ada", TimeProvider.System.GetUtcNow(), ""), Cancel));
        await ledger.Get<PayoutBooks>().CreateDueAsync(payOn.AddDays(1), Cancel);
        var again = await ledger.GetAsync($"/internal/ledger/payments/{new PaymentId(Guid.Parse(settled[0].Split('|')[0]))}");
        Assert.Contains(again.GetProperty("settlements").EnumerateArray(), s => Payouts(s) == $"{payout} {PayoutIds.Of(mode, merchant, Currency.Of(currency), payOn.AddDays(1))}");
        Assert.Equal(2, again.GetProperty("payouts").GetArrayLength());

        var nobody = await ledger.GetAsync($"/internal/ledger/payments/{LedgerDatabase.Ids.New<PaymentId>()}");
        Assert.Equal((0, 0, 0), (nobody.GetProperty("journals").GetArrayLength(), nobody.GetProperty("settlements").GetArrayLength(), nobody.GetProperty("payouts").GetArrayLength()));
        Assert.Equal(HttpStatusCode.NotFound, (await ledger.AskAsync(HttpMethod.Get, "/internal/ledger/payments/nobody")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await ledger.AskAsync(HttpMethod.Get, $"/internal/ledger/payments/{LedgerDatabase.Ids.New<PaymentId>()}", key: null)).Status);
    }

    private static string Payouts(JsonElement settlement) => string.Join(' ', settlement.GetProperty("payouts").EnumerateArray().Select(p => p.GetString()));
}
