using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.IntegrationTests.Fire;
using Payments.IntegrationTests.Flow;
using Payments.IntegrationTests.Product;
using Payments.Platform;
using Xunit;
using Shop = Payments.IntegrationTests.Fire.Shop;

namespace Payments.IntegrationTests.Reviews;

/// <summary>Shops whose payments go through an API process that asks a fraud service of the test's own, and operators at the queue.</summary>
internal sealed class ReviewDesk : IAsyncDisposable
{
    private readonly ProductFixture product;
    private readonly ApiReplica api;
    private readonly List<IDisposable> clients = [];

    private ReviewDesk(ProductFixture product, ApiReplica api, DecidingFraud fraud) => (this.product, this.api, Fraud) = (product, api, fraud);

    public DecidingFraud Fraud { get; }

    /// <summary>Follows no redirects.</summary>
    public HttpClient Browser { get; } = new(new SocketsHttpHandler { AllowAutoRedirect = false });

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<ReviewDesk> OpenAsync(ProductFixture product, RecordedLogs? logs = null)
    {
        var fraud = await DecidingFraud.StartAsync(Token);
        var api = await ApiReplica.StartAsync(
            product, logs, Token, ("Payments:Urls:Fraud", fraud.Address.ToString()), ("Payments:FraudBudgetMilliseconds", "10000"), ("Payments:ReviewClockMilliseconds", "500"));
        return new ReviewDesk(product, api, fraud);
    }

    public async ValueTask DisposeAsync()
    {
        clients.ForEach(c => c.Dispose());
        Browser.Dispose();
        await api.DisposeAsync();
        await Fraud.DisposeAsync();
    }

    public void Review(int score) => Fraud.Decide = _ => new FraudDecision(score, FraudVerdict.Review, ["first_purchase_above_limit"]);

    /// <summary>A shop whose client speaks to the process that asks this desk's fraud service.</summary>
    public async Task<(Shop Shop, HttpClient Merchant)> ShopAsync(string provider)
    {
        var shop = await Shop.OpenAsync(product, $"Review {provider}", Token, provider);
        var client = ProductFixture.Client(api.Address, shop.Merchant.DefaultRequestHeaders.Authorization!.Parameter);
        clients.AddRange([shop, client]);
        return (shop, client);
    }

    /// <summary>Another operator at the same process.</summary>
    public async Task<HttpClient> OperatorAsync(string name)
    {
        using var made = await product.PostAsync(product.Operator, "/ops/v1/operator_keys", new { name }, Token);
        var client = ProductFixture.Client(api.Address, (await ProductFixture.JsonAsync(made, Token)).GetProperty("key").GetString());
        clients.Add(client);
        return client;
    }

    public static async Task<Answer> PayAsync(HttpClient merchant, string token, string capture = "automatic", object? context = null, string? customer = null, string? challenge = null, string? key = null)
    {
        var paid = await FlowProduct.PostAsync(
            merchant, "/v1/payments",
            new
            {
                amount = 60_000,
                currency = "USD",
                payment_method = new { token },
                capture_method = capture,
                return_url = "https://shop.example/done",
                risk_context = context,
                customer_reference = customer,
                three_d_secure = challenge,
            },
            Token, key);
        Assert.True(paid.Status == HttpStatusCode.Created, paid.Body);
        return paid;
    }

    public async Task<string> CardAsync(Shop shop, string number, object? context = null)
    {
        using var answer = await product.PostAsync(shop.Shopper, "/v1/tokens", new { card = new { number, exp_month = 12, exp_year = 2034, cvc = "123" }, risk_context = context }, Token);
        return (await ProductFixture.JsonAsync(answer, Token)).GetProperty("id").GetString()!;
    }

    public static string ReviewOf(string payment) => "rev" + payment["pay".Length..];

    public static Task<Answer> ActAsync(HttpClient @operator, string payment, string what, object? body = null, string? key = null) =>
        FlowProduct.PostAsync(@operator, $"/ops/v1/reviews/{ReviewOf(payment)}/{what}", body ?? new { }, Token, key);

    public static async Task<JsonElement> GetAsync(HttpClient client, string path)
    {
        using var answer = await client.GetAsync(new Uri(path, UriKind.Relative), Token);
        return await ProductFixture.JsonAsync(answer, Token);
    }

    public static Task UntilAsync(HttpClient merchant, string payment, string status) => Eventually.BecomesTrueAsync(
        $"payment {payment} is {status}",
        async () => await GetAsync(merchant, $"/v1/payments/{payment}") is var seen && seen.GetProperty("status").GetString() == status ? null : seen.ToString(),
        Token);

    /// <summary>What the clock waits for comes now.</summary>
    public Task DueAsync(string payment) => RunAsync("UPDATE reviews SET due_at = now(), leased_until = NULL WHERE payment_id = $1", payment);

    public async Task RunAsync(string sql, string payment)
    {
        Assert.True(Id.TryParse<PaymentId>(payment, out var id), payment);
        await using var database = NpgsqlDataSource.Create(product.ConnectionString(Names.Databases.Payments));
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = id.Value });
        await command.ExecuteNonQueryAsync(Token);
    }

    /// <summary>The provider's own charges of a payment that hold or moved money: status, captured, voided.</summary>
    public async Task<List<string>> ChargesAsync(string provider, string payment) =>
        [.. (await product.BooksAsync(provider, Token)).GetProperty("charges").EnumerateArray()
            .Where(c => c.GetProperty("status").GetString() != "failed" && c.GetProperty("metadata").TryGetProperty("payment_id", out var id) && id.GetString() == payment)
            .Select(c => $"{c.GetProperty("status").GetString()} {c.GetProperty("amount_captured").GetInt64()} {c.GetProperty("amount_voided").GetInt64()}")];

    public static async Task<List<string>> EventsAsync(HttpClient merchant, string payment) =>
        [.. (await Shop.ListAsync(merchant, $"/v1/events?payment={payment}", Token)).OrderBy(e => e.GetProperty("version").GetInt64()).Select(e => e.GetProperty("type").GetString()!)];

    /// <summary>The merchant is told of it, and once.</summary>
    public static async Task ToldOnceAsync(HttpClient merchant, string payment, string type)
    {
        await Eventually.BecomesTrueAsync($"{payment} has {type}", async () => (await EventsAsync(merchant, payment)).Contains(type) ? null : "not yet", Token);
        Assert.Single(await EventsAsync(merchant, payment), e => e == type);
    }
}
