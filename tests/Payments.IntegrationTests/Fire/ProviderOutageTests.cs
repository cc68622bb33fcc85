using System.Net;
using System.Text.Json;
using Xunit;

namespace Payments.IntegrationTests.Fire;

/// <summary>
/// The provider that is cheapest for these payments goes away and comes back. While it is away every new payment is taken by the other
/// one in the request that makes it; when it returns it gets its traffic back by steps.
/// </summary>
[Collection(ProductFixture.Name)]
public sealed class ProviderOutageTests(OutageProduct product) : IClassFixture<OutageProduct>, IAsyncLifetime
{
    private const int Shoppers = 6;
    private Shop shop = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        shop = await Shop.OpenAsync(product, "Fire at a provider", Token);
        await BackAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await product.ClearFaultsAsync(CancellationToken.None);
        shop.Dispose();
    }

    [Fact]
    public async Task A_provider_that_cannot_be_reached_is_replaced_within_the_request_and_returns_by_steps()
    {
        const string currency = "AUD";
        Assert.Contains("stripe", await ProvidersOfAsync(currency, 5));
        List<JsonElement> paid = [];
        await product.Stripe.CloseAsync();
        try
        {
            for (var i = 0; i < 30; i++)
            {
                paid.Add(await PayAsync(currency));
            }

            Assert.Equal(("open", 0), await StandingAsync());
        }
        finally
        {
            product.Stripe.Open();
        }

        Assert.All(paid, p => Assert.Equal(("authorized", "adyen"), (Text(p, "status"), Text(p, "provider"))));
        Assert.Contains(await AttemptsAsync(paid[..10]), a => a == "stripe not_processed, adyen succeeded");
        Assert.Contains(await AttemptsAsync(paid[^10..]), a => a == "adyen succeeded");
        var charged = (await Books.ChargesAsync(product, currency, Token)).Where(c => paid.Any(p => Text(p, "id") == c.Payment));
        Assert.Equal(paid.Select(p => (Text(p, "id"), "adyen")).Order(), charged.Select(c => (c.Payment, c.Provider)).Order());

        await AssertReturnsByStepsAsync(currency);
    }

    [Fact]
    public async Task A_provider_that_breaks_connections_gets_no_more_than_what_opens_its_circuit_and_charges_nobody_twice()
    {
        const string currency = "NZD";
        await product.InjectFaultAsync(new { provider = "stripe", operation = "any", kind = "unavailable" }, Token);
        List<(string Key, object Body, JsonElement Answer)> asked = [];
        while ((await StandingAsync()).State != "open")
        {
            var (key, body) = ($"{currency}-{shop.Id}-{asked.Count}", Body(currency));
            using var answer = await product.PostAsync(shop.Merchant, "/v1/payments", body, Token, key);
            asked.Add((key, body, await ProductFixture.JsonAsync(answer, Token)));
            // What may have been sent is unknown and stays where it is; what was not is done by the other at once.
            Assert.Equal(answer.StatusCode == HttpStatusCode.Accepted ? "stripe" : "adyen", Text(asked[^1].Answer, "provider"));
        }

        Assert.InRange(asked.Count(a => Text(a.Answer, "provider") == "stripe"), 1, 5);
        for (var i = 0; i < 20; i++)
        {
            var paid = await PayAsync(currency);
            Assert.Equal(("authorized", "adyen"), (Text(paid, "status"), Text(paid, "provider")));
        }

        await product.ClearFaultsAsync(Token);
        foreach (var (key, body, first) in asked)
        {
            await Eventually.BecomesTrueAsync($"{Text(first, "id")} is settled", () => StillUnknownAsync(key, body), Token);
            using var read = await shop.Merchant.GetAsync(new Uri($"/v1/payments/{Text(first, "id")}", UriKind.Relative), Token);
            var settled = await ProductFixture.JsonAsync(read, Token);
            var charges = (await Books.ChargesAsync(product, currency, Token)).Where(c => c.Payment == Text(first, "id")).Select(c => (c.Provider, c.Amount));
            Assert.Equal(Text(settled, "status") == "authorized" ? [(Text(settled, "provider"), 20_000)] : [], charges);
        }

        await BackAsync();
    }

    /// <summary>Pays without pause, and compares what each step of the way back gives to the provider with what it should.</summary>
    private async Task AssertReturnsByStepsAsync(string currency)
    {
        var steps = new List<int>();
        var tally = new Dictionary<int, (int Payments, int Stripe)>();
        for (var afterwards = 0; afterwards < 20;)
        {
            var (state, share) = await StandingAsync();
            var providers = await ProvidersOfAsync(currency, Shoppers);
            if (steps.LastOrDefault(-1) != share)
            {
                steps.Add(share);
            }

            // Only what lies wholly within a step tells of it.
            if ((state, share) == await StandingAsync())
            {
                var (payments, stripe) = tally.GetValueOrDefault(share);
                tally[share] = (payments + providers.Length, stripe + providers.Count(p => p == "stripe"));
                afterwards += state == "closed" ? 1 : 0;
            }
        }

        Assert.Equal([10, 30, 50, 100], steps.Where(s => s > 0));
        Assert.Equal(0, tally.GetValueOrDefault(0).Stripe);
        foreach (var share in new[] { 10, 30, 50, 100 })
        {
            // Five of a hundred go to the second provider in any case, so that it is known to work: 95 % is the full share.
            var (payments, stripe) = tally[share];
            var expected = share / 100.0 * 0.95;
            var deviation = 4.5 * Math.Sqrt(payments * expected * (1 - expected));
            Assert.InRange(stripe, Math.Floor((payments * expected) - deviation), Math.Ceiling((payments * expected) + deviation));
        }
    }

    /// <summary>Waits until the provider has its full share.</summary>
    private async Task BackAsync() =>
        await Eventually.BecomesTrueAsync("the provider has its full share", async () => await StandingAsync() is ("closed", 100) ? null : $"{await StandingAsync()}", Token);

    private async Task<string?> StillUnknownAsync(string key, object body)
    {
        using var answer = await product.PostAsync(shop.Merchant, "/v1/payments", body, Token, key);
        return answer.StatusCode == HttpStatusCode.Created ? null : $"answered {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(Token)}";
    }

    private async Task<(string State, int Share)> StandingAsync()
    {
        using var answer = await product.Operator.GetAsync(new Uri("/ops/v1/providers", UriKind.Relative), Token);
        var stripe = (await ProductFixture.JsonAsync(answer, Token)).GetProperty("data").EnumerateArray().Single(p => Text(p, "provider") == "stripe" && Text(p, "mode") == "test");
        return (Text(stripe, "state"), stripe.GetProperty("share_percent").GetInt32());
    }

    private async Task<string[]> ProvidersOfAsync(string currency, int payments) =>
        [.. (await Task.WhenAll(Enumerable.Range(0, payments).Select(_ => PayAsync(currency)))).Select(p => Text(p, "provider"))];

    private async Task<JsonElement> PayAsync(string currency)
    {
        using var answer = await product.PostAsync(shop.Merchant, "/v1/payments", Body(currency), Token);
        Assert.True(answer.StatusCode == HttpStatusCode.Created, $"{answer.StatusCode}: {await answer.Content.ReadAsStringAsync(Token)}");
        return await ProductFixture.JsonAsync(answer, Token);
    }

    private object Body(string currency) => new { amount = 20_000, currency, payment_method = new { token = shop.Token }, capture_method = "manual" };

    private async Task<List<string>> AttemptsAsync(IEnumerable<JsonElement> payments)
    {
        var attempts = new List<string>();
        foreach (var payment in payments)
        {
            using var answer = await shop.Merchant.GetAsync(new Uri($"/v1/payments/{Text(payment, "id")}", UriKind.Relative), Token);
            var detailed = await ProductFixture.JsonAsync(answer, Token);
            attempts.Add(string.Join(", ", detailed.GetProperty("attempts").EnumerateArray().Select(a => $"{Text(a, "provider")} {Text(a, "state")}")));
        }

        return attempts;
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
