using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Payments.Chaos.Processes;

namespace Payments.Chaos.Load;

/// <summary>Opens the run's merchants, with their keys, webhook endpoint and known cards, before anything burns.</summary>
internal static class ShopSetup
{
    private static readonly string?[] Preferences = [null, "stripe", "adyen"];

    public static async Task<IReadOnlyList<Shop>> OpenAsync(Fleet fleet, Client client, Uri hooks, CancellationToken cancellationToken)
    {
        using var http = new HttpClient();
        var shops = new List<Shop>();
        foreach (var preferred in Preferences)
        {
            var name = $"Shop preferring {preferred ?? "what is cheapest"}";
            var made = await PostAsync(http, fleet, fleet.Secrets.OperatorKey, "/ops/v1/merchants", new { name, routing = new { preferred_provider = preferred } }, name, cancellationToken);
            var id = made.GetProperty("id").GetString()!;
            var shop = new Shop(id, name, await KeyAsync(id, "secret"), await KeyAsync(id, "publishable"));
            await PostAsync(http, fleet, shop.SecretKey, "/v1/webhook_endpoints", new { url = hooks.ToString() }, name, cancellationToken);
            foreach (var number in Life.CardNumbers)
            {
                shop.Tokens[number] = await client.TokenAsync(shop, number, $"{id}-{number[^8..]}-{shop.Tokens.Count}", cancellationToken)
                    ?? throw new OperationCanceledException(cancellationToken);
            }

            shops.Add(shop);
        }

        return shops;

        async Task<string> KeyAsync(string merchant, string @class) =>
            (await PostAsync(http, fleet, fleet.Secrets.OperatorKey, $"/ops/v1/merchants/{merchant}/keys", new { mode = "test", @class }, $"{merchant}-{@class}", cancellationToken))
            .GetProperty("key").GetString()!;
    }

    private static async Task<JsonElement> PostAsync(HttpClient http, Fleet fleet, string key, string path, object body, string once, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(fleet.Api.First().Address, path)) { Content = JsonContent.Create(body, options: Journal.Format) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        request.Headers.Add("Idempotency-Key", once.Replace(" ", "-", StringComparison.Ordinal));
        using var answer = await http.SendAsync(request, cancellationToken);
        var text = await answer.Content.ReadAsStringAsync(cancellationToken);
        return answer.IsSuccessStatusCode
            ? JsonSerializer.Deserialize<JsonElement>(text)
            : throw new InvalidOperationException($"POST {path} answered {(int)answer.StatusCode}: {text}");
    }
}
