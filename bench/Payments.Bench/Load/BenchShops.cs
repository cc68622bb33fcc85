using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Payments.Chaos.Load;
using Payments.Simulators.Cards;

namespace Payments.Bench.Load;

/// <summary>A merchant with cards that are known already, half of them of each good brand.</summary>
internal sealed record BenchShop(Shop Shop, string[] Cards);

/// <summary>Opens the merchants before anything is measured: half prefer one provider and half the other, all have a webhook endpoint.</summary>
internal static class BenchShops
{
    private const int AtATime = 16;
    private static readonly string[] Providers = ["stripe", "adyen"];
    private static readonly string[] Ranges = ["424242", "555555"];

    public static async Task<IReadOnlyList<BenchShop>> OpenAsync(Product product, Func<int, Uri> hooks, int shops, int cardsOfEach, CancellationToken cancellationToken)
    {
        using var http = new HttpClient();
        var opened = new List<BenchShop>();
        for (var i = 0; i < shops; i++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"Bench {i}");
            var made = await PostAsync(http, new Uri(product.Api, "/ops/v1/merchants"), product.OperatorKey, new { name, routing = new { preferred_provider = Providers[i % 2] } }, name, cancellationToken);
            var id = made.GetProperty("id").GetString()!;
            var shop = new Shop(id, name, await KeyAsync(id, "secret"), await KeyAsync(id, "publishable"));
            await PostAsync(http, new Uri(product.Api, "/v1/webhook_endpoints"), shop.SecretKey, new { url = hooks(i).ToString() }, name, cancellationToken);
            var cards = new string[cardsOfEach];
            var first = i * cardsOfEach;
            await Parallel.ForAsync(0, cardsOfEach, new ParallelOptions { MaxDegreeOfParallelism = AtATime, CancellationToken = cancellationToken }, async (n, stop) =>
            {
                var card = new { card = new { number = TestCards.InRange(Ranges[n % 2], first + n), exp_month = 12, exp_year = 2034, cvc = "123" } };
                var token = await PostAsync(http, new Uri(product.Vault, "/v1/tokens"), shop.PublishableKey, card, string.Create(CultureInfo.InvariantCulture, $"card-{n}"), stop);
                cards[n] = token.GetProperty("id").GetString()!;
            });
            opened.Add(new(shop, cards));
        }

        return opened;

        async Task<string> KeyAsync(string merchant, string @class) =>
            (await PostAsync(http, new Uri(product.Api, $"/ops/v1/merchants/{merchant}/keys"), product.OperatorKey, new { mode = "test", @class }, $"{merchant}-{@class}", cancellationToken))
            .GetProperty("key").GetString()!;
    }

    private static async Task<JsonElement> PostAsync(HttpClient http, Uri url, string key, object body, string once, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = JsonContent.Create(body) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        request.Headers.Add("Idempotency-Key", once.Replace(' ', '-'));
        using var answer = await http.SendAsync(request, cancellationToken);
        var text = await answer.Content.ReadAsStringAsync(cancellationToken);
        return answer.IsSuccessStatusCode ? JsonSerializer.Deserialize<JsonElement>(text) : throw new InvalidOperationException($"POST {url} answered {(int)answer.StatusCode}: {text}");
    }
}
