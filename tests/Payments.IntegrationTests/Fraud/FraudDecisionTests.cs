using System.Net;
using System.Text.Json;
using Npgsql;
using Payments.IntegrationTests.Fire;
using Payments.IntegrationTests.Flow;
using Payments.IntegrationTests.Product;
using Payments.Platform;
using Xunit;
using Shop = Payments.IntegrationTests.Fire.Shop;

namespace Payments.IntegrationTests.Fraud;

/// <summary>
/// Fraud decisions as a merchant meets them. An API process of the test's own asks the product's fraud service over HTTP, by a way that
/// can be closed, and takes its time where a late answer is not what is tested.
/// </summary>
[Collection(ProductFixture.Name)]
public sealed class FraudDecisionTests : IAsyncLifetime
{
    private const string Card = "6011981111111113";
    private const string CardToChallenge = "4000000000003055";

    private readonly ProductFixture product;
    private readonly Gate fraud;
    private readonly HttpClient browser = new(new SocketsHttpHandler { AllowAutoRedirect = false });
    private readonly List<IDisposable> clients = [];
    private ApiReplica api = null!;

    public FraudDecisionTests(ProductFixture product)
    {
        this.product = product;
        fraud = new Gate(() => new IPEndPoint(IPAddress.Loopback, product.Host.Addresses.Fraud.Port));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => api = await ReplicaAsync("10000");

    public async ValueTask DisposeAsync()
    {
        clients.ForEach(c => c.Dispose());
        browser.Dispose();
        await api.DisposeAsync();
        await fraud.DisposeAsync();
    }

    [Fact]
    public async Task A_blocked_bin_is_rejected_before_any_provider_and_pays_again_once_it_is_unblocked()
    {
        var shop = await OpenAsync("Blocked BIN");
        var token = await TokenAsync(shop, Card);
        var entry = await BlockAsync(new { mode = "test", action = "block", kind = "bin", value = Card[..6], reason = "Carding attack" });
        var key = FlowProduct.NewKey();

        var rejected = await PayAsync(shop, token, key);
        var again = await PayAsync(shop, token, key);

        Assert.Equal((HttpStatusCode.Created, "rejected"), (rejected.Status, rejected.Text("status")));
        Assert.Equal("100 reject blocklisted_bin", Risk(rejected.Json));
        Assert.Equal((rejected.Body, true), (again.Body, again.Replayed));
        var read = await GetAsync(shop.Merchant, $"/v1/payments/{rejected.Id}");
        Assert.Equal((0, 0, "100 reject blocklisted_bin"), (read.GetProperty("attempts").GetArrayLength(), read.GetProperty("timeline").GetArrayLength(), Risk(read)));
        Assert.Equal((JsonValueKind.Null, JsonValueKind.Null), (read.GetProperty("provider").ValueKind, read.GetProperty("provider_reference").ValueKind));
        var capture = await FlowProduct.PostAsync(shop.Merchant, $"/v1/payments/{rejected.Id}/capture", new { }, Token);
        Assert.Equal((HttpStatusCode.Conflict, "payment_not_capturable"), (capture.Status, capture.Text("code")));
        Assert.Empty(await ChargesAsync(shop.Id));

        using var unblocked = await product.Operator.DeleteAsync(new Uri($"/ops/v1/risk/lists/{entry}", UriKind.Relative), Token);
        Assert.Equal(HttpStatusCode.NoContent, unblocked.StatusCode);
        var paid = await PayAsync(shop, token);
        Assert.Equal("0 approve ", Risk(paid.Json));
        await UntilAsync(shop, paid.Id, "captured");
        Assert.StartsWith(paid.Id, Assert.Single(await ChargesAsync(shop.Id)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_blocked_for_live_payments_does_not_reject_one_in_test_mode()
    {
        var shop = await OpenAsync("Blocked elsewhere");
        await BlockAsync(new { mode = "live", action = "block", kind = "bin", value = Card[..6], merchant_id = shop.Id });

        var paid = await PayAsync(shop, await TokenAsync(shop, Card));

        Assert.Equal("0 approve ", Risk(paid.Json));
        await UntilAsync(shop, paid.Id, "captured");
    }

    [Fact]
    public async Task While_the_fraud_service_is_stopped_payments_go_through_marked_so()
    {
        var shop = await OpenAsync("Fraud stopped");
        var token = await TokenAsync(shop, Card);
        await BlockAsync(new { mode = "test", action = "block", kind = "bin", value = Card[..6], merchant_id = shop.Id });
        await fraud.CloseAsync();

        var paid = await PayAsync(shop, token);

        Assert.Equal((HttpStatusCode.Created, "0 approve fraud_unavailable"), (paid.Status, Risk(paid.Json)));
        await UntilAsync(shop, paid.Id, "captured");
        fraud.Open();
        var rejected = await PayAsync(shop, token);
        Assert.Equal(("rejected", "100 reject blocklisted_bin"), (rejected.Text("status"), Risk(rejected.Json)));
        Assert.StartsWith(paid.Id, Assert.Single(await ChargesAsync(shop.Id)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_the_fraud_service_is_late_payments_go_through_marked_so()
    {
        var shop = await OpenAsync("Fraud late");
        var token = await TokenAsync(shop, Card);
        await using var impatient = await ReplicaAsync("100");
        var overHttp = ClientOf(impatient, shop);
        await using var connection = new NpgsqlConnection(product.ConnectionString(Names.Databases.Fraud) + ";Pooling=false");
        await connection.OpenAsync(Token);
        await using var holding = await connection.BeginTransactionAsync(Token);
        await using (var hold = new NpgsqlCommand("LOCK TABLE attempts IN ACCESS EXCLUSIVE MODE", connection, holding))
        {
            await hold.ExecuteNonQueryAsync(Token);
        }

        // Neither Redis nor the database counts the attempt in time.
        product.Host.Backends.Redis!.Pause();
        try
        {
            // The product's own API has the fraud service in its process; the other one waits for an answer over HTTP.
            foreach (var client in new[] { shop.Merchant, overHttp })
            {
                var paid = await FlowProduct.PostAsync(client, "/v1/payments", Body(token), Token);
                Assert.Equal((HttpStatusCode.Created, "0 approve fraud_unavailable"), (paid.Status, Risk(paid.Json)));
                await UntilAsync(shop, paid.Id, "captured");
            }
        }
        finally
        {
            product.Host.Backends.Redis!.Resume();
        }
    }

    [Fact]
    public async Task Operators_block_a_card_by_the_fingerprint_that_its_payment_shows_them_and_merchants_never_see()
    {
        var shop = await OpenAsync("Blocked card");
        var paid = await PayAsync(shop, await TokenAsync(shop, Card));

        var fingerprint = (await GetAsync(product.Operator, $"/ops/v1/payments/{paid.Id}")).GetProperty("card_fingerprint").GetString()!;
        await BlockAsync(new { mode = "test", action = "block", kind = "fingerprint", value = fingerprint, merchant_id = shop.Id, reason = "Reported stolen" });

        Assert.Matches("^[0-9a-f]{64}$", fingerprint);
        var rejected = await PayAsync(shop, await TokenAsync(shop, Card));
        Assert.Equal(("rejected", "100 reject blocklisted_card"), (rejected.Text("status"), Risk(rejected.Json)));
        Assert.Equal("0 approve ", Risk((await PayAsync(shop, shop.Token)).Json));
        await Eventually.BecomesTrueAsync("the merchant is told", async () => (await Shop.ListAsync(shop.Merchant, "/v1/events", Token)).Count >= 3 ? null : "not yet", Token);
        string[] seen =
        [
            paid.Body, rejected.Body, (await GetAsync(shop.Merchant, $"/v1/payments/{paid.Id}")).ToString(), (await GetAsync(shop.Merchant, $"/v1/payments/{rejected.Id}")).ToString(),
            (await GetAsync(shop.Merchant, "/v1/payments")).ToString(), (await GetAsync(shop.Merchant, "/v1/events")).ToString(),
        ];
        Assert.All(seen, text => Assert.DoesNotContain(fingerprint, text, StringComparison.Ordinal));
        Assert.All(seen, text => Assert.DoesNotContain("fingerprint", text, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("stripe")]
    [InlineData("adyen")]
    public async Task A_payment_to_be_reviewed_is_held_and_not_captured(string provider)
    {
        var shop = await OpenAsync($"Review {provider}", provider);
        var token = await TokenAsync(shop, Card);
        await DecidingAsync(shop, "review", "to_be_looked_at");

        var held = await PayAsync(shop, token);

        Assert.Equal((HttpStatusCode.Created, "in_review", "65 review to_be_looked_at"), (held.Status, held.Text("status"), Risk(held.Json)));
        Assert.Equal((0, 0), (held.Json.GetProperty("amount_capturable").GetInt64(), held.Json.GetProperty("amount_captured").GetInt64()));
        Assert.Equal([$"{held.Id} {provider} authorized 0 0"], await ChargesAsync(shop.Id));
        var capture = await FlowProduct.PostAsync(shop.Merchant, $"/v1/payments/{held.Id}/capture", new { }, Token);
        Assert.Equal((HttpStatusCode.Conflict, "payment_in_review"), (capture.Status, capture.Text("code")));

        var voided = await FlowProduct.PostAsync(shop.Merchant, $"/v1/payments/{held.Id}/void", new { }, Token);
        Assert.True(voided.Status == HttpStatusCode.OK, voided.Body);
        await UntilAsync(shop, held.Id, "voided");
        Assert.Equal([$"{held.Id} {provider} canceled 0 5000"], await ChargesAsync(shop.Id));
    }

    [Theory]
    [InlineData("stripe")]
    [InlineData("adyen")]
    public async Task A_payment_to_be_challenged_sends_the_customer_to_the_issuer_who_would_not_have_asked(string provider)
    {
        var shop = await OpenAsync($"Challenge {provider}", provider);
        var token = await TokenAsync(shop, CardToChallenge);
        await UntilAsync(shop, (await PayAsync(shop, token)).Id, "captured");
        await DecidingAsync(shop, "challenge", "to_be_asked");

        var challenged = await PayAsync(shop, token);

        Assert.Equal((HttpStatusCode.Created, "pending_3ds", "60 challenge to_be_asked"), (challenged.Status, challenged.Text("status"), Risk(challenged.Json)));
        using var form = new FormUrlEncodedContent([new("outcome", "approve")]);
        using var answered = await browser.PostAsync(new Uri(challenged.Json.GetProperty("next_action").GetProperty("url").GetString()!), form, Token);
        using var returned = await browser.GetAsync(answered.Headers.Location, Token);
        Assert.Equal(HttpStatusCode.Redirect, returned.StatusCode);
        await UntilAsync(shop, challenged.Id, "captured");
    }

    private Task<ApiReplica> ReplicaAsync(string budget) =>
        ApiReplica.StartAsync(product, Token, ("Payments:Urls:Fraud", $"http://127.0.0.1:{fraud.Port}"), ("Payments:FraudBudgetMilliseconds", budget));

    private async Task<Shop> OpenAsync(string name, string? provider = null)
    {
        var shop = await Shop.OpenAsync(product, name, Token, provider);
        clients.Add(shop);
        return shop;
    }

    private HttpClient ClientOf(ApiReplica replica, Shop shop)
    {
        var client = ProductFixture.Client(replica.Address, shop.Merchant.DefaultRequestHeaders.Authorization!.Parameter);
        clients.Add(client);
        return client;
    }

    private async Task<string> TokenAsync(Shop shop, string number)
    {
        using var answer = await product.PostAsync(shop.Shopper, "/v1/tokens", new { card = new { number, exp_month = 12, exp_year = 2034, cvc = "123" } }, Token);
        return (await ProductFixture.JsonAsync(answer, Token)).GetProperty("id").GetString()!;
    }

    private static object Body(string token) => new { amount = 5_000, currency = "USD", payment_method = new { token }, return_url = "https://shop.example/done" };

    private Task<Answer> PayAsync(Shop shop, string token, string? key = null) => FlowProduct.PostAsync(ClientOf(api, shop), "/v1/payments", Body(token), Token, key);

    private async Task<string> BlockAsync(object entry)
    {
        using var answer = await product.PostAsync(product.Operator, "/ops/v1/risk/lists", entry, Token);
        return (await ProductFixture.JsonAsync(answer, Token)).GetProperty("id").GetString()!;
    }

    private static async Task<JsonElement> GetAsync(HttpClient client, string path)
    {
        using var answer = await client.GetAsync(new Uri(path, UriKind.Relative), Token);
        return await ProductFixture.JsonAsync(answer, Token);
    }

    private static Task UntilAsync(Shop shop, string payment, string status) => Eventually.BecomesTrueAsync(
        $"payment {payment} is {status}",
        async () => await GetAsync(shop.Merchant, $"/v1/payments/{payment}") is var seen && seen.GetProperty("status").GetString() == status ? null : seen.ToString(),
        Token);

    /// <summary>What both providers have of a merchant: payment, charge and status, amounts captured and voided.</summary>
    private async Task<List<string>> ChargesAsync(string merchant)
    {
        var charges = new List<string>();
        foreach (var provider in new[] { "stripe", "adyen" })
        {
            charges.AddRange((await product.BooksAsync(provider, Token)).GetProperty("charges").EnumerateArray()
                .Where(c => c.GetProperty("metadata").TryGetProperty("merchant_id", out var m) && m.GetString() == merchant)
                .Select(c => $"{c.GetProperty("metadata").GetProperty("payment_id").GetString()} {provider} {c.GetProperty("status").GetString()} {c.GetProperty("amount_captured").GetInt64()} {c.GetProperty("amount_voided").GetInt64()}"));
        }

        return charges;
    }

    /// <summary>Without the mark of a Redis that was late on a busy machine: the decision is the same.</summary>
    private static string Risk(JsonElement payment)
    {
        var risk = payment.GetProperty("risk");
        return $"{risk.GetProperty("score").GetInt32()} {risk.GetProperty("decision").GetString()} {string.Join(',', risk.GetProperty("factors").EnumerateArray().Select(f => f.GetString()).Where(f => f != Payments.Fraud.Scoring.FraudScorer.FromDatabase))}";
    }

    /// <summary>A rule of the merchant's own about all of its payments.</summary>
    private static async Task DecidingAsync(Shop shop, string action, string name)
    {
        var drafted = await FlowProduct.PostAsync(shop.Merchant, "/v1/risk/rules", new { name, condition = "amount >= 1", action, reason = name }, Token);
        Assert.True(drafted.Status == HttpStatusCode.Created, drafted.Body);
        Assert.Equal(HttpStatusCode.OK, (await FlowProduct.PostAsync(shop.Merchant, $"/v1/risk/rules/{drafted.Id}/dry_run", new { }, Token)).Status);
        Assert.Equal(HttpStatusCode.OK, (await FlowProduct.PostAsync(shop.Merchant, $"/v1/risk/rules/{drafted.Id}/activate", new { version = 1 }, Token)).Status);
    }
}
