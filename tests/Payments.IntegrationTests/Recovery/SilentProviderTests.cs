using System.Collections.Concurrent;
using System.Net;
using Payments.IntegrationTests.Flow;
using Xunit;

namespace Payments.IntegrationTests.Recovery;

/// <summary>
/// A provider that executes every authorization of a minute and answers none, with the product's own deadlines and circuits: only the
/// time limits of a call are shorter.
/// </summary>
public sealed class SilentProviderTests(EmbeddedServers servers)
{
    private const int Payments = 40;
    private static readonly TimeSpan Outage = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan ResolvedWithin = TimeSpan.FromMinutes(5);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Each provider is silent in a product of its own, both at the same time.</summary>
    [Fact]
    public Task A_provider_that_executes_and_never_answers_for_a_minute_charges_each_payment_once_and_no_other_charges_it() =>
        Task.WhenAll(SilentAsync("stripe"), SilentAsync("adyen"));

    private async Task SilentAsync(string provider)
    {
        await using var product = new ImpatientProduct(servers);
        await product.InitializeAsync();

        // Adyen cannot be asked, and here it tells nothing by itself either: what is left is the same call under the same key.
        await product.InjectAsync(provider, "webhook", "webhook_lost", Token, count: null);
        await product.InjectAsync(provider, "authorize", "timeout_after", Token, count: null);
        await product.InjectAsync(provider, "read", "drop_before", Token, count: null);
        var shop = provider == "stripe" ? product.Stripe : product.Adyen;
        var token = await shop.TokenAsync(Token);
        var answered = new ConcurrentBag<(string Key, object Body, Answer First)>();
        var watched = new ConcurrentBag<Task<(string Payment, string Ended)>>();
        using var soon = CancellationTokenSource.CreateLinkedTokenSource(Token);
        await Task.WhenAll(Enumerable.Range(0, Payments).Select(async i =>
        {
            await Task.Delay(i * (Outage / (Payments - 1)), Token);
            var (key, body) = (FlowProduct.NewKey(), (object)new { amount = 1_000 + i, currency = "USD", payment_method = new { token } });
            var first = await FlowProduct.PostAsync(shop.Merchant, "/v1/payments", body, Token, key);
            answered.Add((key, body, first));
            if (first.Status == HttpStatusCode.Accepted)
            {
                watched.Add(WatchAsync(shop, first.Id, soon.Token));
            }
        }));
        var unknown = answered.Where(a => a.First.Status == HttpStatusCode.Accepted && a.First.Text("provider") == provider).ToList();
        Assert.NotEmpty(unknown);

        // Once the circuit is open, new payments go elsewhere; nothing that may have been charged does, and nobody is told anything final.
        Assert.All(answered.Except(unknown), a => Assert.True(a.First.Status == HttpStatusCode.Created && a.First.Text("provider") != provider, a.First.Body));
        foreach (var (key, body, first) in unknown)
        {
            var again = await FlowProduct.PostAsync(shop.Merchant, "/v1/payments", body, Token, key);

            // Adyen gives a repeated call its stored answer: some are settled already. Nobody is told anything else.
            Assert.Equal((provider, first.Id), (again.Text("provider"), again.Id));
            Assert.True((again.Status, again.Text("status")) is (HttpStatusCode.Accepted, "processing") or (HttpStatusCode.Created, "captured"), again.Body);
        }

        await product.ClearFaultsAsync();
        soon.CancelAfter(ResolvedWithin);

        // Whoever reads meanwhile sees that it is under way, and then what it really came to.
        Assert.Equal(unknown.Select(a => (a.First.Id, "captured")).Order(), (await Task.WhenAll(watched)).Order());
        foreach (var (key, body, first) in unknown)
        {
            var final = await FlowProduct.PostAsync(shop.Merchant, "/v1/payments", body, Token, key);
            Assert.Equal((HttpStatusCode.Created, true, "captured", first.Id), (final.Status, final.Replayed, final.Text("status"), final.Id));
        }

        var other = provider == "stripe" ? "adyen" : "stripe";
        foreach (var (_, _, first) in answered)
        {
            var (here, there) = (await product.ChargesAsync(provider, first.Id, Token), await product.ChargesAsync(other, first.Id, Token));
            var began = first.Status == HttpStatusCode.Accepted ? here : there;
            Assert.Equal((1, 1), (began.Count, here.Count + there.Count));
            Assert.Equal("captured", began[0].GetProperty("status").GetString());
        }
    }

    /// <summary>Reads a payment once a second until it is shown as something else than under way; the time is up when the token is cancelled.</summary>
    private static async Task<(string Payment, string Ended)> WatchAsync(Shop shop, string payment, CancellationToken cancellationToken)
    {
        while (true)
        {
            if ((await shop.GetAsync($"/v1/payments/{payment}", cancellationToken)).GetProperty("status").GetString() is var shown && shown != "processing")
            {
                return (payment, shown!);
            }

            await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
        }
    }

    private sealed class ImpatientProduct(EmbeddedServers servers) : FlowProduct(servers)
    {
        protected override Dictionary<string, string?> Configuration() => new()
        {
            ["Payments:RateLimits:SecretPerSecond"] = "10000",
            ["Payments:RateLimits:PublishablePerSecond"] = "10000",
            ["Payments:Connectors:AuthorizeMilliseconds"] = "6000",
        };
    }
}
