using System.Text.Json;

namespace Payments.IntegrationTests.Fire;

/// <summary>A merchant of the test's own, so that what it finds afterwards is what it caused.</summary>
internal sealed class Shop : IDisposable
{
    private Shop(string id, HttpClient merchant, HttpClient shopper, string token) => (Id, Merchant, Shopper, Token) = (id, merchant, shopper, token);

    public string Id { get; }

    /// <summary>The API with the shop's secret key.</summary>
    public HttpClient Merchant { get; }

    /// <summary>The vault with the shop's publishable key.</summary>
    public HttpClient Shopper { get; }

    /// <summary>A card that both providers know.</summary>
    public string Token { get; }

    /// <param name="provider">Where its payments go first; absent: as the router finds.</param>
    public static async Task<Shop> OpenAsync(ProductFixture product, string name, CancellationToken cancellationToken, string? provider = null)
    {
        using var made = await product.PostAsync(product.Operator, "/ops/v1/merchants", new { name, routing = new { preferred_provider = provider } }, cancellationToken);
        var id = (await ProductFixture.JsonAsync(made, cancellationToken)).GetProperty("id").GetString()!;
        var merchant = ProductFixture.Client(product.Host.Addresses.Api, await KeyAsync("secret"));
        var shopper = ProductFixture.Client(product.Host.Addresses.Vault, await KeyAsync("publishable"));
        using var tokenised = await product.PostAsync(shopper, "/v1/tokens", Card, cancellationToken);
        return new Shop(id, merchant, shopper, (await ProductFixture.JsonAsync(tokenised, cancellationToken)).GetProperty("id").GetString()!);

        async Task<string> KeyAsync(string @class)
        {
            using var answer = await product.PostAsync(product.Operator, $"/ops/v1/merchants/{id}/keys", new { mode = "test", @class }, cancellationToken);
            return (await ProductFixture.JsonAsync(answer, cancellationToken)).GetProperty("key").GetString()!;
        }
    }

    public static object Card { get; } = new { card = new { number = "4242424242424242", exp_month = 12, exp_year = 2034, cvc = "123" } };

    /// <summary>A whole list, page by page.</summary>
    public static async Task<List<JsonElement>> ListAsync(HttpClient client, string path, CancellationToken cancellationToken)
    {
        var all = new List<JsonElement>();
        string? cursor = null;
        do
        {
            var separator = path.Contains('?', StringComparison.Ordinal) ? '&' : '?';
            using var answer = await client.GetAsync(new Uri($"{path}{separator}limit=100{(cursor is null ? "" : $"&cursor={cursor}")}", UriKind.Relative), cancellationToken);
            var page = await ProductFixture.JsonAsync(answer, cancellationToken);
            all.AddRange(page.GetProperty("data").EnumerateArray());
            cursor = page.GetProperty("next_cursor").GetString();
        }
        while (cursor is not null);

        return all;
    }

    public void Dispose()
    {
        Merchant.Dispose();
        Shopper.Dispose();
    }
}
