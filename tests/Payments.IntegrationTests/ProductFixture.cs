using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Payments.AllInOne;
using Payments.IntegrationTests.CardSearch;
using Xunit;

namespace Payments.IntegrationTests;

/// <summary>
/// The whole product, started once for the classes of collection <see cref="Name"/>, with simulated providers that answer at
/// once. These tests run one after the other, so one may inject faults, stop Redis or wipe the broker, provided that it puts
/// everything back.
/// </summary>
public class ProductFixture(EmbeddedServers servers) : IAsyncLifetime
{
    public const string Name = "product";
    private AllInOneHost? host;
    private RecordedSpans? spans;
    private int keys;

    public AllInOneHost Host => host ?? throw new InvalidOperationException("The product is not started.");

    /// <summary>Clients without a key.</summary>
    public HttpClient Api { get; private set; } = null!;

    public HttpClient Vault { get; private set; } = null!;

    public HttpClient Simulators { get; private set; } = null!;

    /// <summary>The API with the demo merchant's secret key.</summary>
    public HttpClient Merchant { get; private set; } = null!;

    /// <summary>The API with the operator's key.</summary>
    public HttpClient Operator { get; private set; } = null!;

    /// <summary>The vault with the demo merchant's publishable key.</summary>
    public HttpClient Shopper { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        var options = new AllInOneOptions
        {
            DataDirectory = servers.CreateDirectory(),
            SimulatorLatencyMilliseconds = 0,
            ExternalConnections = await ConnectionsAsync(),
            Configuration = Configuration(),
        };
        spans = SearchesCardData ? new RecordedSpans(planted: false) : null;
        host = await AllInOneHost.StartAsync(options, TestContext.Current.CancellationToken);
        Api = Client(host.Addresses.Api, null);
        Vault = Client(host.Addresses.Vault, null);
        Simulators = Client(host.Addresses.Simulators, null);
        Merchant = Client(host.Addresses.Api, host.Secrets.SecretKey);
        Operator = Client(host.Addresses.Api, host.Secrets.OperatorKey);
        Shopper = Client(host.Addresses.Vault, host.Secrets.PublishableKey);
    }

    public virtual async ValueTask DisposeAsync()
    {
        Array.ForEach(new[] { Api, Vault, Simulators, Merchant, Operator, Shopper }, c => c?.Dispose());
        List<string> cardData = [];
        if (host is not null)
        {
            try
            {
                cardData = SearchesCardData ? [.. (await Places.ProductAsync(host, CancellationToken.None)).Found, .. spans!.Found] : cardData;
            }
            finally
            {
                await host.DisposeAsync();
            }
        }

        spans?.Dispose();
        GC.SuppressFinalize(this);
        Assert.True(cardData.Count == 0, "After its tests the product has card data in " + string.Join(", ", cardData.Distinct()));
    }

    /// <summary>The product that most tests of card data, and most others, share: its tables, messages and spans are searched when they have ended. Of the others, the files are.</summary>
    private bool SearchesCardData => GetType() == typeof(ProductFixture);

    /// <summary>For every service, over what the product sets itself; a fixture of other settings adds its own.</summary>
    protected virtual Dictionary<string, string?> Configuration() => new()
    {
        // Everyone here shares the demo merchant's keys.
        ["Payments:Seed:RequestsPerSecond"] = "100000",
        ["Payments:RateLimits:SecretPerSecond"] = "100000",
        ["Payments:RateLimits:PublishablePerSecond"] = "100000",
        ["Payments:RateLimits:OperatorPerSecond"] = "100000",
        // A machine that stands still for some seconds is not a provider that has become slow.
        ["Payments:Connectors:SlowMilliseconds"] = "120000",
        ["Payments:Deadlines:Unknown"] = "00:00:15",
        // Nor one on which payments are decided by the default for scoring that is late.
        ["Payments:FraudBudgetMilliseconds"] = "5000",
    };

    /// <summary>Connection strings of servers that the product is to use instead of its own.</summary>
    protected virtual Task<Dictionary<string, string>> ConnectionsAsync() => Task.FromResult(new Dictionary<string, string>());

    public static HttpClient Client(Uri address, string? key)
    {
        var client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 500 }) { BaseAddress = address };
        client.DefaultRequestHeaders.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
        return client;
    }

    /// <summary>The connection string of a service's database, by its name in <see cref="Platform.Names.Databases"/>.</summary>
    public string ConnectionString(string database) => Host.Backends.Connections[database];

    /// <summary>POSTs under a fresh idempotency key, or the one given.</summary>
    public async Task<HttpResponseMessage> PostAsync(HttpClient client, string path, object body, CancellationToken cancellationToken, string? idempotencyKey = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        request.Headers.Add("Idempotency-Key", idempotencyKey ?? string.Create(CultureInfo.InvariantCulture, $"test-{Environment.ProcessId}-{Interlocked.Increment(ref keys)}"));
        return await client.SendAsync(request, cancellationToken);
    }

    /// <summary>A token of a card, made as a shopper's browser makes it.</summary>
    public async Task<string> TokenAsync(CancellationToken cancellationToken, string number = "4242424242424242")
    {
        using var answer = await PostAsync(Shopper, "/v1/tokens", new { card = new { number, exp_month = 12, exp_year = 2034, cvc = "123" } }, cancellationToken);
        return (await JsonAsync(answer, cancellationToken)).GetProperty("id").GetString()!;
    }

    /// <summary>The simulated provider's own record of what it did: the outside truth.</summary>
    public async Task<JsonElement> BooksAsync(string provider, CancellationToken cancellationToken)
    {
        using var answer = await Simulators.GetAsync(new Uri($"/books/{provider}", UriKind.Relative), cancellationToken);
        return await JsonAsync(answer, cancellationToken);
    }

    /// <summary>Makes a simulated provider misbehave until <see cref="ClearFaultsAsync"/>.</summary>
    public async Task InjectFaultAsync(object fault, CancellationToken cancellationToken)
    {
        using var answer = await Simulators.PostAsJsonAsync("/faults", fault, cancellationToken);
        await JsonAsync(answer, cancellationToken);
    }

    public async Task ClearFaultsAsync(CancellationToken cancellationToken)
    {
        using var answer = await Simulators.DeleteAsync(new Uri("/faults", UriKind.Relative), cancellationToken);
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>Sends and reads an answer that must be a success.</summary>
    public static async Task<JsonElement> JsonAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(answer);
        var body = await answer.Content.ReadAsStringAsync(cancellationToken);
        Assert.True(answer.IsSuccessStatusCode, $"{answer.RequestMessage?.Method} {answer.RequestMessage?.RequestUri} answered {(int)answer.StatusCode}: {body}");
        return body.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(body);
    }
}

[CollectionDefinition(ProductFixture.Name)]
public sealed class ProductCollectionDefinition : ICollectionFixture<ProductFixture>;
