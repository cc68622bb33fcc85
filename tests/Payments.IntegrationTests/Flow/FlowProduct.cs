using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Payments.AllInOne;
using Payments.Core;
using Xunit;

namespace Payments.IntegrationTests.Flow;

/// <summary>
/// The whole product with short limits and eager workers, and one merchant for each provider. The classes of this collection run one
/// after the other and clear the faults that they inject.
/// </summary>
public class FlowProduct(EmbeddedServers servers) : IAsyncLifetime
{
    public const string Name = "flow";
    private AllInOneHost? host;

    public AllInOneHost Host => host ?? throw new InvalidOperationException("The product is not started.");

    public HttpClient Simulators { get; private set; } = null!;

    public Shop Stripe { get; private set; } = null!;

    public Shop Adyen { get; private set; } = null!;

    /// <summary>Follows no redirects, as a test of redirects needs it.</summary>
    public HttpClient Browser { get; } = new(new SocketsHttpHandler { AllowAutoRedirect = false });

    public async ValueTask InitializeAsync()
    {
        host = await AllInOneHost.StartAsync(
            new()
            {
                DataDirectory = servers.CreateDirectory(),
                SimulatorLatencyMilliseconds = 0,
                Configuration = Configuration(),
                Clock = Time,
            },
            TestContext.Current.CancellationToken);
        Simulators = ProductFixture.Client(host.Addresses.Simulators, null);
        Stripe = await OpenShopAsync("stripe");
        Adyen = await OpenShopAsync("adyen");
    }

    protected virtual TimeProvider? Time => null;

    protected virtual Dictionary<string, string?> Configuration() => new()
    {
        ["Payments:RateLimits:SecretPerSecond"] = "10000",
        ["Payments:RateLimits:PublishablePerSecond"] = "10000",
        ["Payments:Connectors:AuthorizeMilliseconds"] = "8000",
        ["Payments:Connectors:ModifyMilliseconds"] = "8000",
        ["Payments:Connectors:FailuresToOpen"] = "1000",
        ["Payments:Deadlines:Open"] = "00:00:25",
        ["Payments:Deadlines:Unknown"] = "00:00:00.500",
        ["Payments:Deadlines:MissingSpacing"] = "00:00:01",
        ["Payments:Deadlines:Challenge"] = "00:00:30",
        ["Payments:ResolverIntervalMilliseconds"] = "200",
        ["Payments:Redis:CallLimitMilliseconds"] = "10000",
        // On a machine that stands still for a moment payments are not decided by the default for scoring that is late.
        ["Payments:FraudBudgetMilliseconds"] = "5000",
        // As seldom as may be: what the listing of charges finds out first is another test's matter.
        ["Payments:Listing:IntervalMilliseconds"] = "240000",
        ["Payments:LikelyDuplicatesMilliseconds"] = "1500000",
    };

    public virtual async ValueTask DisposeAsync()
    {
        Array.ForEach(new IDisposable?[] { Simulators, Browser, Stripe, Adyen }, c => c?.Dispose());
        if (host is not null)
        {
            await host.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    public async Task InjectAsync(string provider, string operation, string kind, CancellationToken cancellationToken, int? count = 1, int? delay = null)
    {
        var fault = new Dictionary<string, object> { ["provider"] = provider, ["operation"] = operation, ["kind"] = kind };
        if (count is { } times)
        {
            fault["count"] = times;
        }

        if (delay is { } milliseconds)
        {
            fault["delay_ms"] = milliseconds;
        }

        using var answer = await Simulators.PostAsJsonAsync("/faults", fault, cancellationToken);
        await ProductFixture.JsonAsync(answer, cancellationToken);
    }

    public async Task ClearFaultsAsync()
    {
        using var answer = await Simulators.DeleteAsync(new Uri("/faults", UriKind.Relative), CancellationToken.None);
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>What the provider itself has of a payment: its charges that hold or moved money.</summary>
    public async Task<List<JsonElement>> ChargesAsync(string provider, string payment, CancellationToken cancellationToken)
    {
        using var answer = await Simulators.GetAsync(new Uri($"/books/{provider}?reference={payment}", UriKind.Relative), cancellationToken);
        var books = await ProductFixture.JsonAsync(answer, cancellationToken);
        return [.. books.GetProperty("charges").EnumerateArray().Where(c => c.GetProperty("status").GetString() is not "failed")];
    }

    /// <summary>A fresh merchant whose payments go to a provider.</summary>
    public async Task<Shop> OpenShopAsync(string provider)
    {
        var cancel = TestContext.Current.CancellationToken;
        using var @operator = ProductFixture.Client(Host.Addresses.Api, Host.Secrets.OperatorKey);
        var merchant = await PostAsync(@operator, "/ops/v1/merchants", new { name = $"Flow {provider}", routing = new { preferred_provider = provider } }, cancel);
        var id = merchant.Json.GetProperty("id").GetString();
        var secret = await PostAsync(@operator, $"/ops/v1/merchants/{id}/keys", new { mode = "test", @class = "secret" }, cancel);
        var publishable = await PostAsync(@operator, $"/ops/v1/merchants/{id}/keys", new { mode = "test", @class = "publishable" }, cancel);
        Assert.True(Id.TryParse<MerchantId>(id, out var merchantId), "a merchant has an id");
        return new Shop(
            merchantId,
            ProductFixture.Client(Host.Addresses.Api, secret.Json.GetProperty("key").GetString()),
            ProductFixture.Client(Host.Addresses.Vault, publishable.Json.GetProperty("key").GetString()));
    }

    internal static async Task<Answer> PostAsync(HttpClient client, string path, object body, CancellationToken cancellationToken, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("Idempotency-Key", key ?? NewKey());
        using var answer = await client.SendAsync(request, cancellationToken);
        return await Answer.OfAsync(answer, cancellationToken);
    }

    private static int keys;

    public static string NewKey() => string.Create(CultureInfo.InvariantCulture, $"flow-{Environment.ProcessId}-{Interlocked.Increment(ref keys)}");
}

/// <summary>A merchant whose payments all go to one provider.</summary>
public sealed record Shop(MerchantId MerchantId, HttpClient Merchant, HttpClient Shopper) : IDisposable
{
    public void Dispose()
    {
        Merchant.Dispose();
        Shopper.Dispose();
    }

    public async Task<string> TokenAsync(CancellationToken cancellationToken, string number = "4242424242424242")
    {
        var answer = await FlowProduct.PostAsync(Shopper, "/v1/tokens", new { card = new { number, exp_month = 12, exp_year = 2034, cvc = "123" } }, cancellationToken);
        return answer.Json.GetProperty("id").GetString()!;
    }

    public static object BankAccount(string number, string holder = "Ada Lovelace") => new
    {
        bank_account = new { routing_number = "110000000", account_number = number, account_type = "checking", holder_name = holder, holder_type = "individual" },
        mandate = new { accepted_at = TimeProvider.System.GetUtcNow(), ip = "203.0.113.7", user_agent = "Mozilla/5.0" },
    };

    /// <summary>A debit of a bank account, as it is submitted.</summary>
    public async Task<Answer> DebitAsync(CancellationToken cancellationToken, string number = "000123456789", long amount = 10_000, string? key = null)
    {
        var token = await FlowProduct.PostAsync(Shopper, "/v1/tokens", BankAccount(number), cancellationToken);
        Assert.True(token.Status == HttpStatusCode.Created, token.Body);
        return await FlowProduct.PostAsync(
            Merchant, "/v1/payments", new { amount, currency = "USD", payment_method = new { type = "ach", token = token.Id } }, cancellationToken, key);
    }

    public async Task<Answer> PayAsync(CancellationToken cancellationToken, long amount = 10_000, string capture = "automatic", string number = "4242424242424242", string? key = null) =>
        await FlowProduct.PostAsync(
            Merchant, "/v1/payments",
            new { amount, currency = "USD", payment_method = new { token = await TokenAsync(cancellationToken, number) }, capture_method = capture, return_url = "https://shop.example/done?cart=1" },
            cancellationToken, key);

    public Task<Answer> PostAsync(string payment, string what, object body, CancellationToken cancellationToken, string? key = null) =>
        FlowProduct.PostAsync(Merchant, $"/v1/payments/{payment}/{what}", body, cancellationToken, key);

    public async Task<JsonElement> GetAsync(string path, CancellationToken cancellationToken)
    {
        using var answer = await Merchant.GetAsync(new Uri(path, UriKind.Relative), cancellationToken);
        return await ProductFixture.JsonAsync(answer, cancellationToken);
    }

    /// <summary>Waits for a payment to come to a status: what webhooks and workers bring takes its time.</summary>
    public async Task<JsonElement> UntilAsync(string payment, Func<JsonElement, bool> holds, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(240));
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var seen = await GetAsync($"/v1/payments/{payment}", cancellationToken);
        while (!holds(seen))
        {
            Assert.False(limit.IsCancellationRequested, $"the payment stayed at {seen}");
            await Task.Delay(100, both.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            seen = await GetAsync($"/v1/payments/{payment}", cancellationToken);
        }

        return seen;
    }

    public Task<JsonElement> UntilAsync(string payment, string status, CancellationToken cancellationToken) =>
        UntilAsync(payment, p => p.GetProperty("status").GetString() == status, cancellationToken);
}

public sealed record Answer(HttpStatusCode Status, string Body, bool Replayed)
{
    public JsonElement Json => JsonSerializer.Deserialize<JsonElement>(Body);

    public string Id => Json.GetProperty("id").GetString()!;

    public string? Text(string name) => Json.GetProperty(name).GetString();

    public static async Task<Answer> OfAsync(HttpResponseMessage answer, CancellationToken cancellationToken) =>
        new(answer.StatusCode, await answer.Content.ReadAsStringAsync(cancellationToken), answer.Headers.Contains("Idempotency-Replayed"));
}

[CollectionDefinition(FlowProduct.Name)]
public sealed class FlowCollectionDefinition : ICollectionFixture<FlowProduct>;
