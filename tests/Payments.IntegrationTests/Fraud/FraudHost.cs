using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Payments.AllInOne.Embedded;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Fraud;
using Payments.Fraud.Scoring;
using Payments.ServiceDefaults;
using Xunit;

namespace Payments.IntegrationTests.Fraud;

/// <summary>The fraud service alone, on a database and a Redis of its own that a test may stop and empty.</summary>
internal sealed class FraudHost : IAsyncDisposable
{
    private static readonly IdSource Ids = new(TimeProvider.System);
    private readonly WebApplication app;

    private FraudHost(WebApplication app, RedisServer redis, string connection, HttpClient client) =>
        (this.app, Redis, ConnectionString, Database, Client) = (app, redis, connection, NpgsqlDataSource.Create(connection), client);

    public RedisServer Redis { get; }

    public string ConnectionString { get; }

    public NpgsqlDataSource Database { get; }

    /// <summary>With the internal key.</summary>
    public HttpClient Client { get; }

    public IServiceProvider Services => app.Services;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <param name="redisLimit">Milliseconds that Redis has for one call. What is tested is rarely how quick a busy machine is.</param>
    public static async Task<FraudHost> StartAsync(EmbeddedServers servers, IModelScorer? model = null, int redisLimit = 5_000)
    {
        var redis = await RedisServer.StartAsync(new() { Directory = servers.CreateDirectory(), Password = "of-this-test" }, Cancel);
        var connection = await servers.CreateDatabaseAsync(Shapes.Fraud, Cancel);
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:fraud"] = connection,
            ["ConnectionStrings:redis"] = redis.ConnectionString,
            ["ConnectionStrings:kafka"] = "127.0.0.1:1",
            ["Payments:Redis:CallLimitMilliseconds"] = redisLimit.ToString(System.Globalization.CultureInfo.InvariantCulture),
            ["Payments:Urls:Api"] = "http://127.0.0.1:1",
            ["Payments:InternalKey"] = "internal-key-of-the-test",
            ["Payments:Secrets:EncryptionKey"] = Convert.ToBase64String(new byte[32]),
            ["Payments:Secrets:FingerprintKey"] = Convert.ToBase64String(new byte[32]),
        });
        if (model is not null)
        {
            builder.Services.AddSingleton(model);
        }

        builder.AddFraud();
        var app = builder.Build();
        app.MapFraud();
        await app.MigrateAsync(Cancel);
        await app.StartAsync(Cancel);
        var client = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "internal-key-of-the-test");
        return new FraudHost(app, redis, connection, client);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await app.DisposeAsync();
        await Database.DisposeAsync();
        await Redis.DisposeAsync();
    }

    /// <summary>A question about a payment that no other has: another merchant, another card.</summary>
    public static FraudRequest Question(string card = "a", Mode mode = Mode.Test) => new(
        Ids.New<PaymentId>(), Ids.New<MerchantId>(), mode, 5_000, "USD", new string(card[0], 64), "visa", "424242", "US", "credit")
    { RequestHash = Ids.New<RequestId>().ToString() };

    public IFraudScorer Scorer => Services.GetRequiredService<IFraudScorer>();

    /// <summary>A decision whose row stands: most tests look at what is kept.</summary>
    public async Task<FraudDecision> ScoreAsync(FraudRequest request)
    {
        var decision = await Scorer.ScoreAsync(request, Cancel);
        await Services.GetRequiredService<DecisionWriter>().CaughtUpAsync(TimeSpan.FromSeconds(30), Cancel);
        return decision;
    }

    public async Task<(int Status, JsonElement Body)> PostAsync(string path, object body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        request.Headers.Add("Idempotency-Key", Ids.New<RequestId>().ToString());
        request.Headers.Add("Payments-Actor", "key_of_the_test");
        using var answer = await Client.SendAsync(request, Cancel);
        return ((int)answer.StatusCode, await answer.Content.ReadFromJsonAsync<JsonElement>(Cancel));
    }

    public async Task<JsonElement> GetAsync(string path) => await Client.GetFromJsonAsync<JsonElement>(path, Cancel);

    /// <summary>Drafts, tries and activates a rule of a merchant, or of the platform.</summary>
    public async Task<string> ActivateAsync(string condition, string action, string name, MerchantId? merchant = null)
    {
        var prefix = merchant is { } of ? $"/internal/v1/merchants/{of}/test/risk/rules" : "/internal/v1/ops/risk/rules";
        var (status, rule) = await PostAsync(prefix, merchant is null ? new { mode = "test", name, condition, action } : (object)new { name, condition, action });
        Assert.True(status == 201, rule.ToString());
        var id = rule.GetProperty("id").GetString()!;
        (status, rule) = await PostAsync($"{prefix}/{id}/dry_run", new { });
        Assert.True(status == 200, rule.ToString());
        (status, rule) = await PostAsync($"{prefix}/{id}/activate", new { version = 1 });
        Assert.True(status == 200, rule.ToString());
        return id;
    }

    public async Task<T> QueryAsync<T>(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(Cancel))!;
    }
}
