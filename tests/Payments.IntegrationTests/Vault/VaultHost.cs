using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Payments.Connectors;
using Payments.Core;
using Payments.Core.Seams;
using Payments.IntegrationTests.Connectors;
using Payments.Platform.Http;
using Payments.Platform.Postgres;
using Payments.Platform.Secrets;
using Payments.ServiceDefaults;
using Payments.Vault;
using Xunit;

namespace Payments.IntegrationTests.Vault;

/// <summary>The vault alone, on a database of its own and the simulated providers, with keys of two merchants.</summary>
public sealed class VaultHost(EmbeddedServers servers) : IAsyncLifetime
{
    public const string InternalKey = "internal-key-of-the-test";
    private readonly Recorder logs = new();
    private WebApplication? app;

    public ProvidersWorld Providers { get; } = new();

    public MerchantId Merchant { get; } = ProvidersWorld.Ids.New<MerchantId>();

    public MerchantId OtherMerchant { get; } = ProvidersWorld.Ids.New<MerchantId>();

    public HttpClient Client { get; private set; } = null!;

    /// <summary>Everything the service logged, formatted and with exceptions.</summary>
    public IEnumerable<string> Logs => logs.Lines;

    public NpgsqlDataSource Database => app!.Services.GetRequiredService<NpgsqlDataSource>();

    public ConnectorRegistry Connectors => app!.Services.GetRequiredService<ConnectorRegistry>();

    public IVault Vault => app!.Services.GetRequiredService<IVault>();

    public string ConnectionString { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        await Providers.InitializeAsync();
        ConnectionString = await servers.CreateDatabaseAsync(Shapes.Vault, TestContext.Current.CancellationToken);
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders().AddProvider(logs).SetMinimumLevel(LogLevel.Trace);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Configuration.AddInMemoryCollection(Providers.Configuration());
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:vault"] = ConnectionString,
            ["ConnectionStrings:redis"] = (await servers.RedisAsync(TestContext.Current.CancellationToken)).ConnectionString,
            ["Payments:InternalKey"] = InternalKey,
            ["Payments:Secrets:EncryptionKey"] = Convert.ToBase64String(new byte[32]),
            ["Payments:Secrets:FingerprintKey"] = Convert.ToBase64String(new byte[32]),
            ["Payments:RateLimits:PublishablePerSecond"] = "10000",
            ["Payments:Connectors:TokeniseMilliseconds"] = "30000",
        });
        builder.Services.AddSingleton<IKeyDirectory>(new Keys(this));
        builder.AddVault();
        app = builder.Build();
        app.MapVault();
        await app.MigrateAsync(TestContext.Current.CancellationToken);
        await app.StartAsync(TestContext.Current.CancellationToken);
        Client = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
    }

    public async ValueTask DisposeAsync()
    {
        Client?.Dispose();
        if (app is not null)
        {
            await app.DisposeAsync();
        }

        await Providers.DisposeAsync();
        logs.Dispose();
    }

    public static string Card(string number = "4242424242424242", string cvc = "123", int month = 12, int year = 2034) =>
        $$$"""{"card":{"number":"{{{number}}}","exp_month":{{{month}}},"exp_year":{{{year}}},"cvc":"{{{cvc}}}"} }""";

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string key, string? body = null, string? idempotencyKey = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
        if (method == HttpMethod.Post && idempotencyKey != "")
        {
            request.Headers.Add("Idempotency-Key", idempotencyKey ?? ProvidersWorld.Ids.New<RequestId>().ToString());
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await Client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    public Task<HttpResponseMessage> TokeniseAsync(string body, string key = "pk_test_1", string? idempotencyKey = null) =>
        SendAsync(HttpMethod.Post, "/v1/tokens", key, body, idempotencyKey);

    public static async Task<JsonElement> JsonAsync(HttpResponseMessage answer, int status)
    {
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True((int)answer.StatusCode == status, $"{(int)answer.StatusCode}: {text}");
        return JsonSerializer.Deserialize<JsonElement>(text);
    }

    public async Task<T> QueryAsync<T>(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    /// <summary>A fixed directory: two merchants, each with a secret and a publishable test key, and a live key of the first.</summary>
    private sealed class Keys(VaultHost host) : IKeyDirectory
    {
        private readonly Dictionary<string, KeyIdentity> byHash = new[]
        {
            ("pk_test_1", host.Merchant, Mode.Test, KeyClass.Publishable), ("sk_test_1", host.Merchant, Mode.Test, KeyClass.Secret),
            ("pk_test_2", host.OtherMerchant, Mode.Test, KeyClass.Publishable), ("sk_test_2", host.OtherMerchant, Mode.Test, KeyClass.Secret),
            ("pk_live_1", host.Merchant, Mode.Live, KeyClass.Publishable), ("sk_live_1", host.Merchant, Mode.Live, KeyClass.Secret),
        }.ToDictionary(k => SecretKeys.Hash(k.Item1), k => new KeyIdentity(ProvidersWorld.Ids.New<ApiKeyId>(), k.Item2, k.Item3, k.Item4, true));

        public Task<KeyIdentity?> FindAsync(string sha256Hex, CancellationToken cancellationToken) => Task.FromResult(byHash.GetValueOrDefault(sha256Hex));
    }

    private sealed class Recorder : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public void Dispose() => Lines.Clear();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull
        {
            Lines.Enqueue($"scope: {state}");
            return null;
        }

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, Microsoft.Extensions.Logging.EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Enqueue($"{formatter(state, exception)} {exception}");
    }
}
