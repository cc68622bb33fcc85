using System.Net;
using Xunit;

namespace Payments.IntegrationTests.Flow;

[Collection(FlowProduct.Name)]
public sealed class RaceTests(FlowProduct product)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_hundred_identical_requests_at_once_make_one_charge()
    {
        var key = FlowProduct.NewKey();
        var token = await product.Stripe.TokenAsync(Token);
        var body = new { amount = 4_321, currency = "USD", payment_method = new { token }, order_id = key };

        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => FlowProduct.PostAsync(product.Stripe.Merchant, "/v1/payments", body, Token, key)));

        Assert.All(answers, a => Assert.True(a.Status is HttpStatusCode.Created or HttpStatusCode.Conflict, a.Body));
        var payment = Assert.Single(answers.Where(a => a.Status == HttpStatusCode.Created).Select(a => a.Body).Distinct());
        Assert.All(answers.Where(a => a.Status == HttpStatusCode.Conflict), a => Assert.Equal("idempotency_key_in_use", a.Text("code")));
        Assert.Single(answers, a => a is { Status: HttpStatusCode.Created, Replayed: false });
        var listed = await product.Stripe.GetAsync($"/v1/payments?order_id={key}", Token);
        var id = Assert.Single(listed.GetProperty("data").EnumerateArray()).GetProperty("id").GetString()!;
        Assert.Contains(id, payment, StringComparison.Ordinal);
        Assert.Single(await product.ChargesAsync("stripe", id, Token));
    }

    [Theory]
    [InlineData("stripe")]
    [InlineData("adyen")]
    public async Task Of_a_hundred_refunds_of_more_than_half_exactly_one_succeeds(string provider)
    {
        var shop = provider == "stripe" ? product.Stripe : product.Adyen;
        var paid = await shop.PayAsync(Token);

        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => shop.PostAsync(paid.Id, "refunds", new { amount = 6_000 }, Token)));

        Assert.Single(answers, a => a.Status == HttpStatusCode.Created);
        Assert.All(answers.Where(a => a.Status != HttpStatusCode.Created), a => Assert.Equal((HttpStatusCode.UnprocessableEntity, "amount_exceeds_refundable"), (a.Status, a.Text("code"))));
        await shop.UntilAsync(paid.Id, "partially_refunded", Token);
        var charge = Assert.Single(await product.ChargesAsync(provider, paid.Id, Token));
        Assert.Equal(6_000, charge.GetProperty("amount_refunded").GetInt64());
    }

    [Fact]
    public async Task Of_a_hundred_captures_of_more_than_half_exactly_one_succeeds()
    {
        var held = await product.Stripe.PayAsync(Token, capture: "manual");

        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => product.Stripe.PostAsync(held.Id, "capture", new { amount = 6_000, final = false }, Token)));

        Assert.Single(answers, a => a.Status == HttpStatusCode.OK);
        Assert.All(answers.Where(a => a.Status != HttpStatusCode.OK), a => Assert.Equal("amount_exceeds_capturable", a.Text("code")));
        Assert.Equal(6_000, Assert.Single(await product.ChargesAsync("stripe", held.Id, Token)).GetProperty("amount_captured").GetInt64());
    }

    [Theory]
    [InlineData(6, 10)]
    [InlineData(100, 1)]
    public async Task Of_voids_and_captures_at_once_exactly_one_succeeds(int atOnce, int rounds)
    {
        for (var round = 0; round < rounds; round++)
        {
            var held = await product.Stripe.PayAsync(Token, capture: "manual");

            var answers = await Task.WhenAll(
                Enumerable.Range(0, atOnce).Select(i => i % 2 == 0 ? product.Stripe.PostAsync(held.Id, "void", new { }, Token) : product.Stripe.PostAsync(held.Id, "capture", new { }, Token)));

            var winner = Assert.Single(answers, a => a.Status == HttpStatusCode.OK);
            Assert.All(answers.Where(a => a != winner), a => Assert.True((int)a.Status is 409 or 422, a.Body));
            var charge = Assert.Single(await product.ChargesAsync("stripe", held.Id, Token));
            Assert.Equal(winner.Text("status") == "captured" ? 10_000 : 0, charge.GetProperty("amount_captured").GetInt64());
            Assert.Equal(winner.Text("status"), (await product.Stripe.GetAsync($"/v1/payments/{held.Id}", Token)).GetProperty("status").GetString());
        }
    }
}
