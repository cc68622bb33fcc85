using System.Net;
using Xunit;

namespace Payments.IntegrationTests.Flow;

[Collection(FlowProduct.Name)]
public sealed class JourneyTests(FlowProduct product)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private Shop ShopOf(string provider) => provider == "stripe" ? product.Stripe : product.Adyen;

    [Theory]
    [InlineData("stripe")]
    [InlineData("adyen")]
    public async Task A_payment_is_authorized_and_captured_in_one_call(string provider)
    {
        var paid = await ShopOf(provider).PayAsync(Token);

        Assert.True(paid.Status == HttpStatusCode.Created, paid.Body);
        Assert.Equal(("captured", provider), (paid.Text("status"), paid.Text("provider")));
        Assert.Equal(2, paid.Json.GetProperty("version").GetInt64());
        Assert.Equal(10_000, paid.Json.GetProperty("amount_captured").GetInt64());
        var charge = Assert.Single(await product.ChargesAsync(provider, paid.Id, Token));
        Assert.Equal(10_000, charge.GetProperty("amount_captured").GetInt64());
        var read = await ShopOf(provider).GetAsync($"/v1/payments/{paid.Id}", Token);
        var attempt = Assert.Single(read.GetProperty("attempts").EnumerateArray());
        Assert.Equal(attempt.GetProperty("id").GetString(), charge.GetProperty("idempotency_key").GetString());
    }

    [Theory]
    [InlineData("stripe")]
    [InlineData("adyen")]
    public async Task A_hold_is_captured_in_part_and_refunded_in_parts(string provider)
    {
        var shop = ShopOf(provider);
        var held = await shop.PayAsync(Token, capture: "manual");
        Assert.Equal("authorized", held.Text("status"));
        Assert.Equal(10_000, held.Json.GetProperty("amount_capturable").GetInt64());

        var captured = await shop.PostAsync(held.Id, "capture", new { amount = 7_000, final = true }, Token);
        Assert.True(captured.Status == HttpStatusCode.OK, captured.Body);
        await shop.UntilAsync(held.Id, "captured", Token);
        var refund = await shop.PostAsync(held.Id, "refunds", new { amount = 2_000, reason = "requested_by_customer" }, Token);
        Assert.True(refund.Status == HttpStatusCode.Created, refund.Body);
        await shop.UntilAsync(held.Id, "partially_refunded", Token);
        Assert.Equal("succeeded", (await shop.GetAsync($"/v1/refunds/{refund.Id}", Token)).GetProperty("status").GetString());
        await shop.PostAsync(held.Id, "refunds", new { }, Token);

        var refunded = await shop.UntilAsync(held.Id, "refunded", Token);
        Assert.Equal(7_000, refunded.GetProperty("amount_refunded").GetInt64());
        Assert.Equal(2, refunded.GetProperty("refunds").GetArrayLength());
        var charge = Assert.Single(await product.ChargesAsync(provider, held.Id, Token));
        Assert.Equal((7_000, 7_000), (charge.GetProperty("amount_captured").GetInt64(), charge.GetProperty("amount_refunded").GetInt64()));
    }

    [Theory]
    [InlineData("stripe")]
    [InlineData("adyen")]
    public async Task A_hold_is_voided(string provider)
    {
        var shop = ShopOf(provider);
        var held = await shop.PayAsync(Token, capture: "manual");

        var voided = await shop.PostAsync(held.Id, "void", new { }, Token);

        Assert.True(voided.Status == HttpStatusCode.OK, voided.Body);
        await shop.UntilAsync(held.Id, "voided", Token);
        Assert.DoesNotContain(await product.ChargesAsync(provider, held.Id, Token), c => c.GetProperty("status").GetString() == "authorized");
        Assert.Equal("payment_not_capturable", (await shop.PostAsync(held.Id, "capture", new { }, Token)).Text("code"));
    }

    [Theory]
    [InlineData("stripe")]
    [InlineData("adyen")]
    public async Task A_declined_card_is_a_payment_with_its_reason(string provider)
    {
        var declined = await ShopOf(provider).PayAsync(Token, number: "4000000000009995");

        Assert.True(declined.Status == HttpStatusCode.Created, declined.Body);
        Assert.Equal("declined", declined.Text("status"));
        Assert.Equal("insufficient_funds", declined.Json.GetProperty("decline").GetProperty("code").GetString());
        Assert.Equal("soft", declined.Json.GetProperty("decline").GetProperty("kind").GetString());
    }

    [Fact]
    public async Task The_same_key_gives_the_same_answer_and_another_body_is_refused()
    {
        var key = FlowProduct.NewKey();
        var token = await product.Stripe.TokenAsync(Token);
        object Body(long amount) => new { amount, currency = "USD", payment_method = new { token } };

        var first = await FlowProduct.PostAsync(product.Stripe.Merchant, "/v1/payments", Body(500), Token, key);
        var again = await FlowProduct.PostAsync(product.Stripe.Merchant, "/v1/payments", Body(500), Token, key);
        var quoted = await FlowProduct.PostAsync(product.Stripe.Merchant, "/v1/payments", Body(500), Token, $"\"{key}\"");
        var other = await FlowProduct.PostAsync(product.Stripe.Merchant, "/v1/payments", Body(501), Token, key);

        Assert.Equal((HttpStatusCode.Created, false), (first.Status, first.Replayed));
        Assert.Equal((first.Status, first.Body, true), (again.Status, again.Body, again.Replayed));
        Assert.Equal((first.Body, true), (quoted.Body, quoted.Replayed));
        Assert.Equal((HttpStatusCode.UnprocessableEntity, "idempotency_key_reused"), (other.Status, other.Text("code")));
        Assert.Single(await product.ChargesAsync("stripe", first.Id, Token));
    }

    [Fact]
    public async Task A_repeated_capture_is_answered_as_the_first_although_the_payment_went_on()
    {
        var held = await product.Stripe.PayAsync(Token, capture: "manual");
        var key = FlowProduct.NewKey();
        var first = await product.Stripe.PostAsync(held.Id, "capture", new { }, Token, key);
        await product.Stripe.PostAsync(held.Id, "refunds", new { }, Token);

        var again = await product.Stripe.PostAsync(held.Id, "capture", new { }, Token, key);

        Assert.Equal((first.Body, true), (again.Body, again.Replayed));
        Assert.Equal("captured", again.Text("status"));
    }

    [Fact]
    public async Task Lists_go_page_by_page_from_the_newest_and_filter()
    {
        var order = FlowProduct.NewKey();
        var token = await product.Stripe.TokenAsync(Token);
        var made = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            made.Insert(0, (await FlowProduct.PostAsync(product.Stripe.Merchant, "/v1/payments", new { amount = 100 + i, currency = "USD", payment_method = new { token }, order_id = order }, Token)).Id);
        }

        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = await product.Stripe.GetAsync($"/v1/payments?order_id={order}&status=captured&limit=2{(cursor is null ? "" : $"&cursor={cursor}")}", Token);
            seen.AddRange(page.GetProperty("data").EnumerateArray().Select(p => p.GetProperty("id").GetString()!));
            cursor = page.GetProperty("next_cursor").GetString();
        }
        while (cursor is not null);

        Assert.Equal(made, seen);
        var elsewhere = await product.Adyen.GetAsync($"/v1/payments?order_id={order}", Token);
        Assert.Equal(0, elsewhere.GetProperty("data").GetArrayLength());
        var created = Uri.EscapeDataString((await product.Stripe.GetAsync($"/v1/payments/{made[2]}", Token)).GetProperty("created_at").GetString()!);
        Assert.Equal(3, (await product.Stripe.GetAsync($"/v1/payments?order_id={order}&created[gte]={created}", Token)).GetProperty("data").GetArrayLength());
        Assert.Equal(2, (await product.Stripe.GetAsync($"/v1/payments?order_id={order}&created[lt]={created}", Token)).GetProperty("data").GetArrayLength());
    }

    [Theory]
    [InlineData("stripe", "approve", "captured")]
    [InlineData("stripe", "reject", "declined")]
    [InlineData("adyen", "approve", "captured")]
    [InlineData("adyen", "reject", "declined")]
    public async Task A_challenge_sends_the_customer_to_the_issuer_and_back_to_the_shop(string provider, string outcome, string status)
    {
        var shop = ShopOf(provider);
        var challenged = await shop.PayAsync(Token, number: "4000002760003184");
        Assert.Equal("pending_3ds", challenged.Text("status"));
        var issuer = challenged.Json.GetProperty("next_action").GetProperty("url").GetString()!;

        using var form = new FormUrlEncodedContent([new("outcome", outcome)]);
        using var answered = await product.Browser.PostAsync(new Uri(issuer), form, Token);
        using var returned = await product.Browser.GetAsync(answered.Headers.Location, Token);

        Assert.Equal(HttpStatusCode.Redirect, returned.StatusCode);
        Assert.Equal($"https://shop.example/done?cart=1&payment={challenged.Id}&status={status}", returned.Headers.Location!.ToString());
        await shop.UntilAsync(challenged.Id, status, Token);
    }

    [Theory]
    [InlineData("stripe")]
    [InlineData("adyen")]
    public async Task A_challenge_that_nobody_finishes_expires_and_holds_nothing_at_the_provider(string provider)
    {
        var shop = ShopOf(provider);
        var challenged = await shop.PayAsync(Token, number: "4000002760003184");

        await shop.UntilAsync(challenged.Id, "expired", Token);

        Assert.DoesNotContain(await product.ChargesAsync(provider, challenged.Id, Token), c => c.GetProperty("status").GetString() is "authorized" or "captured");
    }
}
