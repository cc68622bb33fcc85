using System.Net;
using System.Text.Json;
using Payments.IntegrationTests.Flow;
using Xunit;

namespace Payments.IntegrationTests.Recovery;

[Collection(RecoveryProduct.Name)]
public sealed class RefundTests(RecoveryProduct product) : IAsyncDisposable
{
    private const string FailsOnce = "4000000000008625";
    private const string FailsForGood = "4000000000005126";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync() => await product.ClearFaultsAsync();

    [Theory]
    [InlineData("stripe")]
    [InlineData("adyen")]
    public async Task A_refund_that_comes_back_for_a_reason_that_passes_is_tried_again_and_never_shown_as_returned_meanwhile(string provider)
    {
        var shop = product.ShopOf(provider);
        var paid = await PaidAsync(provider, FailsOnce);
        var refund = await shop.PostAsync(paid, "refunds", new { amount = 4_000 }, Token);
        Assert.True(refund.Status == HttpStatusCode.Created, refund.Body);

        var waiting = await shop.UntilAsync(paid, p => Attempts(p) == 2, Token);
        Assert.Equal("pending", (await shop.GetAsync($"/v1/refunds/{refund.Id}", Token)).GetProperty("status").GetString());
        Assert.Equal(("refunding", 0), (waiting.GetProperty("status").GetString(), waiting.GetProperty("amount_refunded").GetInt64()));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await shop.PostAsync(paid, "refunds", new { amount = 6_001 }, Token)).Status);

        await product.RunAsync("UPDATE attempts SET due_at = now() WHERE payment_id = $1 AND state = 'scheduled'", paid, Token);
        var done = await shop.UntilAsync(paid, "partially_refunded", Token);
        Assert.Equal(4_000, done.GetProperty("amount_refunded").GetInt64());
        Assert.Equal("succeeded", (await shop.GetAsync($"/v1/refunds/{refund.Id}", Token)).GetProperty("status").GetString());
        var charge = Assert.Single(await product.ChargesAsync(provider, paid, Token));
        Assert.Equal((4_000, 2), (charge.GetProperty("amount_refunded").GetInt64(), charge.GetProperty("refunds").GetArrayLength()));
        Assert.Equal(["refund_retried"], await product.RecoveriesAsync(paid, Token));
        string[] told = provider == "stripe"
            ? ["refunded", "refund_failed", "refund_pending", "refunded"]
            : ["refund_pending", "refunded", "refund_failed", "refund_pending", "refund_pending", "refunded"];
        Assert.Equal(told, await RefundEventsAsync(shop, paid, told.Length));
        Assert.Empty(await product.IncidentsAsync(paid, Token));
        Assert.Equal(4_000, await LedgerRefundsAsync(shop, paid, [-4_000, 4_000, -4_000]));
    }

    [Fact]
    public async Task A_refund_that_the_issuer_will_never_take_fails_at_once_and_is_raised()
    {
        var paid = await PaidAsync("stripe", FailsForGood);
        var refund = await product.Stripe.PostAsync(paid, "refunds", new { }, Token);

        var incident = Assert.Single(await RecoveryProduct.UntilAsync(() => product.IncidentsAsync(paid, Token), i => i.Count > 0, Token));

        Assert.Equal("refund_failed", incident.GetProperty("kind").GetString());
        Assert.Equal("failed", (await product.Stripe.GetAsync($"/v1/refunds/{refund.Id}", Token)).GetProperty("status").GetString());
        var now = await product.Stripe.GetAsync($"/v1/payments/{paid}", Token);
        Assert.Equal(("captured", 0), (now.GetProperty("status").GetString(), now.GetProperty("amount_refunded").GetInt64()));
        Assert.Empty(await product.RecoveriesAsync(paid, Token));
    }

    [Fact]
    public async Task A_refund_that_comes_back_without_a_notice_is_found_by_asking()
    {
        await product.InjectAsync("stripe", "webhook", "webhook_lost", Token, count: null);
        var paid = await PaidAsync("stripe", FailsForGood);
        var refund = await product.Stripe.PostAsync(paid, "refunds", new { }, Token);
        Assert.Equal("succeeded", refund.Text("status"));

        await RecoveryProduct.UntilAsync(
            async () =>
            {
                await product.RunAsync("UPDATE attempts SET due_at = now() WHERE payment_id = $1 AND state = 'succeeded' AND due_at IS NOT NULL", paid, Token);
                return (await product.Stripe.GetAsync($"/v1/payments/{paid}", Token)).GetProperty("status").GetString();
            },
            status => status == "captured", Token);

        Assert.Equal("failed", (await product.Stripe.GetAsync($"/v1/refunds/{refund.Id}", Token)).GetProperty("status").GetString());
        Assert.Equal(["silent_refund_failure"], await product.RecoveriesAsync(paid, Token));
        Assert.Equal("refund_failed", Assert.Single(await product.IncidentsAsync(paid, Token)).GetProperty("kind").GetString());
    }

    [Fact]
    public async Task After_its_last_try_a_refund_fails_for_good()
    {
        var paid = await PaidAsync("adyen", FailsForGood);
        var refund = await product.Adyen.PostAsync(paid, "refunds", new { }, Token);
        var incidents = await RecoveryProduct.UntilAsync(
            async () =>
            {
                // The pauses between tries are hours in a product that is not hurried.
                await product.RunAsync("UPDATE attempts SET due_at = now() WHERE payment_id = $1 AND state = 'scheduled'", paid, Token);
                return await product.IncidentsAsync(paid, Token);
            },
            i => i.Count > 0, Token);

        Assert.Equal("refund_failed", Assert.Single(incidents).GetProperty("kind").GetString());
        Assert.Equal("failed", (await product.Adyen.GetAsync($"/v1/refunds/{refund.Id}", Token)).GetProperty("status").GetString());
        Assert.Equal(4, Attempts(await product.Adyen.GetAsync($"/v1/payments/{paid}", Token)));
        Assert.Equal(["refund_retried", "refund_retried", "refund_retried"], await product.RecoveriesAsync(paid, Token));
        Assert.Equal(0, Assert.Single(await product.ChargesAsync("adyen", paid, Token)).GetProperty("amount_refunded").GetInt64());
    }

    private async Task<string> PaidAsync(string provider, string card)
    {
        var paid = await product.ShopOf(provider).PayAsync(Token, number: card);
        Assert.True(paid.Status == HttpStatusCode.Created, paid.Body);
        await product.ShopOf(provider).UntilAsync(paid.Id, "captured", Token);
        return paid.Id;
    }

    private static int Attempts(JsonElement payment) => payment.GetProperty("attempts").EnumerateArray().Count(a => a.GetProperty("operation").GetString() == "refund");

    /// <summary>What the merchant was told about refunds, in order.</summary>
    private static async Task<List<string>> RefundEventsAsync(Shop shop, string payment, int atLeast)
    {
        var events = await RecoveryProduct.UntilAsync(
            async () => (await shop.GetAsync($"/v1/events?payment={payment}&limit=100", Token)).GetProperty("data").EnumerateArray()
                .Select(e => e.GetProperty("type").GetString()!).Where(t => t.StartsWith("payment.refund", StringComparison.Ordinal)).Select(t => t["payment.".Length..]).Reverse().ToList(),
            e => e.Count >= atLeast, Token);
        return events;
    }

    /// <summary>The sum that the ledger has returned to the customer, once it has posted every step.</summary>
    private static async Task<long> LedgerRefundsAsync(Shop shop, string payment, long[] steps)
    {
        var posted = await RecoveryProduct.UntilAsync(
            async () => (await shop.GetAsync($"/v1/balance_transactions?payment={payment}&limit=100", Token)).GetProperty("data").EnumerateArray()
                .Where(t => t.GetProperty("type").GetString()!.StartsWith("refund", StringComparison.Ordinal)).Select(t => t.GetProperty("amount").GetInt64()).Reverse().ToList(),
            t => t.Count >= steps.Length, Token);
        Assert.Equal(steps, posted);
        return -posted.Sum();
    }
}
