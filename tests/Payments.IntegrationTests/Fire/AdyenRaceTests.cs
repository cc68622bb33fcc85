using System.Net;
using Payments.IntegrationTests.Flow;
using Xunit;

namespace Payments.IntegrationTests.Fire;

/// <summary>Races at the provider that only takes captures and voids in and tells their outcome later.</summary>
[Collection(FlowProduct.Name)]
public sealed class AdyenRaceTests(FlowProduct product)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private Flow.Shop Shop => product.Adyen;

    [Fact]
    public async Task Two_hundred_identical_requests_at_once_make_one_charge()
    {
        var key = FlowProduct.NewKey();
        var body = new { amount = 4_321, currency = "USD", payment_method = new { token = await Shop.TokenAsync(Token) }, order_id = key };

        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => FlowProduct.PostAsync(Shop.Merchant, "/v1/payments", body, Token, key)));

        Assert.All(answers, a => Assert.True(a.Status is HttpStatusCode.Created or HttpStatusCode.Conflict, a.Body));
        Assert.All(answers.Where(a => a.Status == HttpStatusCode.Conflict), a => Assert.Equal("idempotency_key_in_use", a.Text("code")));
        var payment = Assert.Single(answers.Where(a => a.Status == HttpStatusCode.Created).DistinctBy(a => a.Body));
        Assert.Single((await Shop.GetAsync($"/v1/payments?order_id={key}", Token)).GetProperty("data").EnumerateArray());
        Assert.Single(await product.ChargesAsync("adyen", payment.Id, Token));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Of_a_hundred_captures_of_more_than_half_exactly_one_succeeds(bool final)
    {
        var held = await Shop.PayAsync(Token, capture: "manual");

        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => Shop.PostAsync(held.Id, "capture", new { amount = 6_000, final }, Token)));

        Assert.Single(answers, a => a.Status == HttpStatusCode.OK);
        Assert.All(answers.Where(a => a.Status != HttpStatusCode.OK), a => Assert.True((int)a.Status is 409 or 422, a.Body));
        await Shop.UntilAsync(held.Id, "captured", Token);
        Assert.Equal(6_000, Assert.Single(await product.ChargesAsync("adyen", held.Id, Token)).GetProperty("amount_captured").GetInt64());
    }

    [Theory]
    [InlineData(6, 5)]
    [InlineData(100, 1)]
    public async Task Of_voids_and_captures_at_once_exactly_one_succeeds(int atOnce, int rounds)
    {
        for (var round = 0; round < rounds; round++)
        {
            var held = await Shop.PayAsync(Token, capture: "manual");

            var answers = await Task.WhenAll(Enumerable.Range(0, atOnce).Select(i => Shop.PostAsync(held.Id, i % 2 == 0 ? "void" : "capture", new { }, Token)));

            var winner = Assert.Single(answers, a => a.Status == HttpStatusCode.OK);
            Assert.All(answers.Where(a => a != winner), a => Assert.True((int)a.Status is 409 or 422, a.Body));
            var captured = winner.Text("status") is "capturing" or "captured";
            await Shop.UntilAsync(held.Id, captured ? "captured" : "voided", Token);
            var charge = Assert.Single(await product.ChargesAsync("adyen", held.Id, Token));
            Assert.Equal(captured ? 10_000 : 0, charge.GetProperty("amount_captured").GetInt64());
        }
    }
}
