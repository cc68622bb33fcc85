using System.Text.Json;
using Payments.IntegrationTests.Fire;
using Payments.Platform;
using Xunit;

namespace Payments.IntegrationTests.Recovery;

/// <summary>Second charges made for real at the providers: afterwards the providers' own books say that the customer paid once.</summary>
[Collection(ChargesProduct.Name)]
public sealed class DoubleChargeTests(ChargesProduct product)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("automatic", "DKK", null)]
    [InlineData("manual", "CZK", null)]
    [InlineData("automatic", "PLN", "timeout_after")]
    [InlineData("automatic", "CHF", "drop_before")]
    public async Task Two_charges_of_one_attempt_end_as_one(string capture, string currency, string? fault)
    {
        using var shop = await OpenAsync("Twice " + currency, "stripe");
        var (payment, attempt) = await PayAsync(shop, 20_000, currency);
        if (fault is not null)
        {
            await product.InjectFaultAsync(new { provider = "stripe", operation = "refund", kind = fault, count = 1, delay_ms = 500 }, Token);
        }

        // Seen by webhook and by listing, again and again.
        var second = await product.ChargeAtStripeAsync(20_000, Token, capture, currency.ToLowerInvariant(), ("merchant_id", shop.Id), ("payment_id", payment), ("attempt_id", attempt));

        await product.FindAsync($"/ops/v1/recoveries?payment={payment}&kind=double_charge_undone", _ => true, Token);
        await AssertPaidOnceAsync(payment, currency, 20_000);
        await AssertUndoneAsync(payment, second, capture == "automatic" ? "refund" : "void");
        await AssertBooksAsync(currency, 20_000);
        const string told = "payment.captured payment.double_charge_found payment.double_charge_undone";
        await Eventually.BecomesTrueAsync(
            "the merchant is told",
            async () => string.Join(' ', (await Shop.ListAsync(shop.Merchant, $"/v1/events?payment={payment}", Token)).Select(e => Text(e, "type")).Order()) is var types && types == told ? null : types,
            Token);
    }

    [Fact]
    public async Task The_charge_of_an_attempt_that_was_given_up_is_undone_where_it_was_made()
    {
        using var shop = await OpenAsync("Elsewhere", "stripe");
        await product.InjectFaultAsync(new { provider = "stripe", operation = "authorize", kind = "429", count = 1 }, Token);
        var payment = (await PayAsync(shop, 31_000, "SEK")).Payment;
        var read = await product.GetAsync($"/ops/v1/payments/{payment}", Token);
        var former = read.GetProperty("attempts").EnumerateArray().First(a => Text(a, "provider") == "stripe");
        Assert.Equal(("adyen", "not_processed"), (Text(read, "provider"), Text(former, "state")));

        await product.ChargeAtStripeAsync(31_000, Token, currency: "sek", metadata: [("merchant_id", shop.Id), ("payment_id", payment), ("attempt_id", Text(former, "id"))]);

        await product.FindAsync($"/ops/v1/recoveries?payment={payment}&kind=double_charge_undone", _ => true, Token);
        await AssertPaidOnceAsync(payment, "SEK", 31_000);
        Assert.Equal(("captured", "adyen", 31_000), (Text(await product.GetAsync($"/ops/v1/payments/{payment}", Token), "status"), Text(await product.GetAsync($"/ops/v1/payments/{payment}", Token), "provider"), read.GetProperty("amount").GetInt64()));
    }

    [Fact]
    public async Task A_second_charge_at_Adyen_is_told_by_webhook_and_refunded_there()
    {
        using var shop = await OpenAsync("Adyen twice", "adyen");
        var (payment, attempt) = await PayAsync(shop, 41_000, "USD");

        var named = new Dictionary<string, string> { ["merchant_id"] = shop.Id, ["payment_id"] = payment, ["attempt_id"] = attempt, ["capture"] = "automatic" };
        var second = await product.ChargeAtAdyenAsync(41_000, Token, manual: false, attempt, named);

        await product.FindAsync($"/ops/v1/recoveries?payment={payment}&kind=double_charge_undone", _ => true, Token);
        await AssertPaidOnceAsync(payment, "USD", 41_000);
        await AssertUndoneAsync(payment, second, "refund");
    }

    [Fact]
    public async Task A_second_charge_that_the_provider_does_not_give_back_is_tried_three_times_and_then_raised()
    {
        using var shop = await OpenAsync("Not undone", "stripe");
        var (payment, attempt) = await PayAsync(shop, 27_000, "HKD");

        var second = await product.ChargeAtStripeAsync("pm_card_refundFail", 27_000, Token, currency: "hkd", metadata: [("merchant_id", shop.Id), ("payment_id", payment), ("attempt_id", attempt)]);

        var raised = await product.FindAsync($"/ops/v1/incidents?payment={payment}&kind=double_charge_not_undone", _ => true, Token);
        Assert.Contains(second, Text(raised, "detail"), StringComparison.Ordinal);
        var read = await product.GetAsync($"/ops/v1/payments/{payment}", Token);
        Assert.Equal(("captured", 0), (Text(read, "status"), Number(read, "amount_refunded")));
        Assert.Equal(3, read.GetProperty("timeline").EnumerateArray().Count(o => Text(o, "origin") == "double_charge"));
        // Kept twice, and said so: what the provider owes us beyond the payment stands in suspense until a person has settled it.
        await product.HoldsAsync("suspense", "HKD", 27_000, Token);
        await product.HoldsAsync("provider_receivable", "HKD", 54_000, Token);
    }

    /// <summary>Routed before its first payment, so that no process remembers it otherwise.</summary>
    private async Task<Shop> OpenAsync(string name, string provider)
    {
        var shop = await Shop.OpenAsync(product, name, Token);
        using var change = new StringContent($$$"""{"routing": {"preferred_provider": "{{{provider}}}"}}""", System.Text.Encoding.UTF8, "application/json");
        using var routed = await product.Operator.PatchAsync(new Uri($"/ops/v1/merchants/{shop.Id}", UriKind.Relative), change, Token);
        await ProductFixture.JsonAsync(routed, Token);
        return shop;
    }

    private async Task<(string Payment, string Attempt)> PayAsync(Shop shop, long amount, string currency)
    {
        using var made = await product.PostAsync(
            shop.Merchant, "/v1/payments", new { amount, currency, payment_method = new { token = shop.Token }, receipt_email = "ada@example.com" }, Token);
        var payment = Text(await ProductFixture.JsonAsync(made, Token), "id");
        JsonElement read = default;
        await Eventually.BecomesTrueAsync(
            "it is captured", async () => Text(read = await product.GetAsync($"/ops/v1/payments/{payment}", Token), "status") is "captured" ? null : read.ToString(), Token);
        return (payment, Text(read.GetProperty("attempts").EnumerateArray().First(a => Text(a, "operation") == "authorize" && Text(a, "state") == "succeeded"), "id"));
    }

    /// <summary>The outside truth: over both providers, what this payment's charges took and kept, and what they still hold.</summary>
    private async Task AssertPaidOnceAsync(string payment, string currency, long amount) => await Eventually.BecomesTrueAsync(
        "the providers' books show one payment",
        async () =>
        {
            var charges = new List<JsonElement>();
            foreach (var provider in new[] { "stripe", "adyen" })
            {
                charges.AddRange((await product.BooksAsync(provider, Token)).GetProperty("charges").EnumerateArray().Where(c =>
                    Text(c, "status") != "failed" && c.GetProperty("metadata").EnumerateObject().Any(m => m.Value.GetString() == payment)));
            }

            Assert.All(charges, c => Assert.Equal(currency, Text(c, "currency")));
            var kept = charges.Sum(c => Number(c, "amount_captured") - Number(c, "amount_refunded"));
            var held = charges.Sum(c => Number(c, "amount") - Number(c, "amount_captured") - Number(c, "amount_voided"));
            return (charges.Count, kept, held) == (2, amount, 0) ? null : $"{charges.Count} charges keep {kept} and hold {held}";
        },
        Token);

    private async Task AssertUndoneAsync(string payment, string second, string kind)
    {
        var read = await product.GetAsync($"/ops/v1/payments/{payment}", Token);
        Assert.Equal(("captured", 0), (Text(read, "status"), Number(read, "amount_refunded")));
        Assert.Empty(read.GetProperty("refunds").EnumerateArray());
        // One that never arrived is closed as that, and the next one has a key of its own.
        var undoing = read.GetProperty("timeline").EnumerateArray().Where(o => Text(o, "origin") == "double_charge").ToList();
        Assert.All(undoing, o => Assert.Equal(kind, Text(o, "kind")));
        Assert.Single(undoing, o => Text(o, "state") == "succeeded");
        Assert.All(undoing, o => Assert.Contains(Text(o, "state"), new[] { "succeeded", "failed" }));
        var incident = await product.FindAsync($"/ops/v1/incidents?kind=double_charge&payment={payment}", _ => true, Token);
        Assert.Contains(second, Text(incident, "detail"), StringComparison.Ordinal);
        Assert.Single(await Shop.ListAsync(product.Operator, $"/ops/v1/incidents?kind=double_charge&payment={payment}", Token));
        await product.FindAsync($"/ops/v1/recoveries?payment={payment}&kind=double_charge_found", r => Text(r, "subject").EndsWith(second, StringComparison.Ordinal), Token);
        var receipts = $"SELECT count(*) FROM deliveries d JOIN events e ON e.id = d.event_id WHERE d.lane_id = '{Guid.Empty}' AND e.type = 'payment.double_charge_undone' AND e.subject = '{IdOf(payment)}'";
        await Eventually.BecomesTrueAsync(
            "the customer gets a receipt of the refund",
            async () => await product.ScalarAsync<long>(Names.Databases.Webhooks, receipts, Token) is var count && count == (kind == "refund" ? 1 : 0) ? null : $"{count}", Token);
    }

    /// <summary>One currency for each test, so that the accounts say it all.</summary>
    private async Task AssertBooksAsync(string currency, long amount)
    {
        await product.HoldsAsync("suspense", currency, 0, Token);
        await product.HoldsAsync("provider_receivable", currency, amount, Token);
        using var tried = await product.Operator.GetAsync(new Uri("/ops/v1/ledger/trial_balance", UriKind.Relative), Token);
        Assert.All((await ProductFixture.JsonAsync(tried, Token)).GetProperty("data").EnumerateArray(), row => Assert.Equal(0, Number(row, "difference")));
    }

    private static Guid IdOf(string payment) => Core.Id.TryParse<Core.PaymentId>(payment, out var id) ? id.Value : throw new InvalidOperationException(payment);

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private static long Number(JsonElement element, string name) => element.GetProperty(name).GetInt64();
}
