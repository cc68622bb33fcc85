using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Payments.Api;
using Payments.Core;
using Payments.ServiceDefaults;
using Xunit;

namespace Payments.IntegrationTests.Http;

/// <summary>The Api service alone, on a database of its own: enough for whatever needs no other service.</summary>
internal sealed class ApiHost : IAsyncDisposable
{
    public const string OperatorKey = "ok_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";

    private readonly WebApplication app;
    private int keys;

    private ApiHost(WebApplication app, Uri address)
    {
        this.app = app;
        Client = new HttpClient { BaseAddress = address };
    }

    /// <summary>Without a key.</summary>
    public HttpClient Client { get; }

    public NpgsqlDataSource Database => app.Services.GetRequiredService<NpgsqlDataSource>();

    public IServiceProvider Services => app.Services;

    public static async Task<ApiHost> StartAsync(EmbeddedServers servers, CancellationToken cancellationToken, params (string Key, string? Value)[] configuration)
    {
        var database = Array.Find(configuration, c => c.Key == "ConnectionStrings:payments").Value ?? await servers.CreateDatabaseAsync(Shapes.Api, cancellationToken);
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:payments"] = database,
            ["ConnectionStrings:kafka"] = (await servers.KafkaAsync(cancellationToken)).BootstrapServers,
            ["Payments:InternalKey"] = "internal-key-for-tests",
            ["Payments:OperatorKey"] = OperatorKey,
            ["Payments:PublicUrl"] = "http://127.0.0.1",
            // Tests about what Redis shares must not depend on how busy this machine is.
            ["Payments:Redis:CallLimitMilliseconds"] = "10000",
            ["Payments:Secrets:EncryptionKey"] = PlatformHost.Key(1),
            ["Payments:Secrets:FingerprintKey"] = PlatformHost.Key(2),
            ["Payments:Urls:Ledger"] = "http://127.0.0.1:1",
            ["Payments:Urls:Webhooks"] = "http://127.0.0.1:1",
            ["Payments:Urls:Fraud"] = "http://127.0.0.1:1",
            ["Payments:Urls:Vault"] = "http://127.0.0.1:1",
        });
        builder.Configuration.AddInMemoryCollection(configuration.ToDictionary(c => c.Key, c => c.Value));
        builder.AddServiceDefaults("api");
        builder.AddApi();
        var app = builder.Build();
        app.MapServiceDefaults();
        app.MapApi();
        await app.MigrateAsync(cancellationToken);
        await app.StartAsync(cancellationToken);
        return new ApiHost(app, new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()));
    }

    /// <summary>Sends a request; POSTs get a fresh idempotency key unless one is given.</summary>
    public async Task<(int Status, JsonElement Body, HttpResponseMessage Answer)> SendAsync(
        string method, string path, string? key, object? body = null, string? idempotencyKey = null, Action<HttpRequestMessage>? with = null)
    {
        var token = TestContext.Current.CancellationToken;
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(path, UriKind.Relative));
        if (key is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        if (body is not null)
        {
            request.Content = new StringContent(body as string ?? JsonSerializer.Serialize(body, Json.Options), Encoding.UTF8, "application/json");
        }

        if (method == "POST")
        {
            request.Headers.TryAddWithoutValidation("Idempotency-Key", idempotencyKey ?? string.Create(CultureInfo.InvariantCulture, $"key-{Interlocked.Increment(ref keys)}"));
        }

        with?.Invoke(request);
        var answer = await Client.SendAsync(request, token);
        var bytes = await answer.Content.ReadAsByteArrayAsync(token);
        return ((int)answer.StatusCode, bytes.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(bytes), answer);
    }

    public Task<(int Status, JsonElement Body, HttpResponseMessage Answer)> OperatorAsync(string method, string path, object? body = null) =>
        SendAsync(method, path, OperatorKey, body);

    /// <summary>A new merchant's id.</summary>
    public async Task<string> MerchantAsync(string name = "Shop")
    {
        var (status, body, _) = await OperatorAsync("POST", "/ops/v1/merchants", new { name });
        Assert.Equal(201, status);
        return body.GetProperty("id").GetString()!;
    }

    /// <summary>A new key: id, text and signing secret.</summary>
    public async Task<(string Id, string Key, string? Secret)> KeyAsync(string merchant, object? request = null)
    {
        var (status, body, _) = await OperatorAsync("POST", $"/ops/v1/merchants/{merchant}/keys", request ?? new { mode = "test", @class = "secret" });
        Assert.True(status == 201, body.ToString());
        return (body.GetProperty("api_key").GetProperty("id").GetString()!, body.GetProperty("key").GetString()!, body.GetProperty("signing_secret").GetString());
    }

    public async Task<T> QueryAsync<T>(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await app.DisposeAsync();
    }
}
