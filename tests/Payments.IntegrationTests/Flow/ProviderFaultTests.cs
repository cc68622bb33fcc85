using System.Net;
using Xunit;

namespace Payments.IntegrationTests.Flow;

[Collection(FlowProduct.Name)]
public sealed class ProviderFaultTests(FlowProduct product) : IAsyncDisposable
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync() => await product.ClearFaultsAsync();

    private Shop ShopOf(string provider) => provider == "stripe" ? product.Stripe : product.Adyen;

    [Theory]
    [InlineData("stripe", "timeout_after", "captured", 1)]
    [InlineData("stripe", "drop_after", "captured", 1)]
    [InlineData("stripe", "malformed", "captured", 1)]
    [InlineData("stripe", "timeout_before", "failed", 0)]
    [InlineData("adyen", "timeout_after", "captured", 1)]
    [InlineData("adyen", "drop_after", "captured", 1)]
    [InlineData("adyen", "timeout_before", "captured", 1)]
    public async Task An_unknown_authorization_is_processing_until_it_is_resolved_and_charged_at_most_once(string provider, string fault, string status, int charges)
    {
        var key = FlowProduct.NewKey();
        var token = await ShopOf(provider).TokenAsync(Token);
        var body = new { amount = 10_000, currency = "USD", payment_method = new { token } };
        await product.InjectAsync(provider, "authorize", fault, Token);
        await product.InjectAsync(provider, "webhook", "webhook_lost", Token, count: null);

        var first = await FlowProduct.PostAsync(ShopOf(provider).Merchant, "/v1/payments", body, Token, key);

        // The listing of charges may meet the charge before the call's own time is up.
        Assert.Equal(first.Status == HttpStatusCode.Created && charges > 0 ? status : "processing", first.Text("status"));
        Assert.True(first.Status is HttpStatusCode.Accepted or HttpStatusCode.Created, first.Body);
        var settled = await ShopOf(provider).UntilAsync(first.Id, status, Token);
        var final = await FlowProduct.PostAsync(ShopOf(provider).Merchant, "/v1/payments", body, Token, key);
        var again = await FlowProduct.PostAsync(ShopOf(provider).Merchant, "/v1/payments", body, Token, key);
        Assert.Equal((HttpStatusCode.Created, true, status), (final.Status, final.Replayed, final.Text("status")));
        Assert.Equal(final.Body, again.Body);
        Assert.Equal(charges, (await product.ChargesAsync(provider, first.Id, Token)).Count);
        Assert.Equal(1, settled.GetProperty("attempts").GetArrayLength());
    }

    [Theory]
    [InlineData("stripe", "429", "adyen")]
    [InlineData("adyen", "429", "stripe")]
    public async Task What_one_provider_certainly_did_not_do_the_other_does_in_the_same_request(string provider, string fault, string other)
    {
        await product.InjectAsync(provider, "authorize", fault, Token, count: null);

        var paid = await ShopOf(provider).PayAsync(Token);

        Assert.True(paid.Status == HttpStatusCode.Created, paid.Body);
        Assert.Equal(("captured", other), (paid.Text("status"), paid.Text("provider")));
        Assert.Empty(await product.ChargesAsync(provider, paid.Id, Token));
        Assert.Single(await product.ChargesAsync(other, paid.Id, Token));
        var read = await ShopOf(provider).GetAsync($"/v1/payments/{paid.Id}", Token);
        Assert.Equal(["not_processed", "succeeded"], read.GetProperty("attempts").EnumerateArray().Select(a => a.GetProperty("state").GetString()));
    }

    [Fact]
    public async Task A_decline_that_is_the_providers_own_goes_to_the_other_and_an_issuers_does_not()
    {
        var cascaded = await product.Stripe.PayAsync(Token, number: "4000000000000119");
        var declined = await product.Stripe.PayAsync(Token, number: "4000000000009995");

        var attempts = (await product.Stripe.GetAsync($"/v1/payments/{cascaded.Id}", Token)).GetProperty("attempts");
        Assert.Equal(2, attempts.GetArrayLength());
        Assert.Equal(["stripe", "adyen"], attempts.EnumerateArray().Select(a => a.GetProperty("provider").GetString()));
        Assert.Equal(1, (await product.Stripe.GetAsync($"/v1/payments/{declined.Id}", Token)).GetProperty("attempts").GetArrayLength());
    }

    [Theory]
    [InlineData("stripe")]
    [InlineData("adyen")]
    public async Task An_unknown_capture_keeps_its_reservation_and_is_settled_once(string provider)
    {
        var shop = ShopOf(provider);
        var held = await shop.PayAsync(Token, capture: "manual");
        await product.InjectAsync(provider, "capture", "timeout_after", Token);
        await product.InjectAsync(provider, "webhook", "webhook_late", Token, count: null, delay: 25_000);

        var capture = await shop.PostAsync(held.Id, "capture", new { }, Token);
        var second = await shop.PostAsync(held.Id, "capture", new { }, Token);

        Assert.True(capture.Status == HttpStatusCode.Accepted, capture.Body);
        Assert.Equal(HttpStatusCode.Conflict, second.Status);
        await shop.UntilAsync(held.Id, "captured", Token);
        Assert.Equal(10_000, Assert.Single(await product.ChargesAsync(provider, held.Id, Token)).GetProperty("amount_captured").GetInt64());
    }

    [Fact]
    public async Task A_capture_that_certainly_did_not_happen_gives_its_key_back()
    {
        var held = await product.Stripe.PayAsync(Token, capture: "manual");
        var key = FlowProduct.NewKey();
        await product.InjectAsync("stripe", "capture", "429", Token);

        var refused = await product.Stripe.PostAsync(held.Id, "capture", new { }, Token, key);
        var again = await product.Stripe.PostAsync(held.Id, "capture", new { }, Token, key);

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "provider_unavailable"), (refused.Status, refused.Text("code")));
        Assert.Equal((HttpStatusCode.OK, false, "captured"), (again.Status, again.Replayed, again.Text("status")));
    }

    [Theory]
    [InlineData("webhook_duplicate")]
    [InlineData("webhook_reorder")]
    [InlineData("webhook_late")]
    public async Task Captures_and_refunds_that_are_told_by_webhook_survive_duplicates_reordering_and_delay(string fault)
    {
        await product.InjectAsync("adyen", "webhook", fault, Token, count: 6, delay: 700);
        var held = await product.Adyen.PayAsync(Token, capture: "manual");
        var capture = await product.Adyen.PostAsync(held.Id, "capture", new { amount = 8_000, final = true }, Token);
        Assert.Equal("capturing", capture.Text("status"));
        await product.Adyen.UntilAsync(held.Id, "captured", Token);

        var refund = await product.Adyen.PostAsync(held.Id, "refunds", new { amount = 3_000 }, Token);

        Assert.Equal("pending", refund.Text("status"));
        var refunded = await product.Adyen.UntilAsync(held.Id, "partially_refunded", Token);
        Assert.Equal((8_000, 3_000), (refunded.GetProperty("amount_captured").GetInt64(), refunded.GetProperty("amount_refunded").GetInt64()));
    }

    [Fact]
    public async Task A_refund_that_fails_later_is_told_and_may_be_tried_again()
    {
        var paid = await product.Stripe.PayAsync(Token, number: "4000000000005126");
        var refund = await product.Stripe.PostAsync(paid.Id, "refunds", new { }, Token);

        await product.Stripe.UntilAsync(paid.Id, p => p.GetProperty("status").GetString() == "captured" && p.GetProperty("refunds").GetArrayLength() == 1, Token);

        Assert.Equal("failed", (await product.Stripe.GetAsync($"/v1/refunds/{refund.Id}", Token)).GetProperty("status").GetString());
        Assert.Equal(HttpStatusCode.Created, (await product.Stripe.PostAsync(paid.Id, "refunds", new { }, Token)).Status);
    }
}
