using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Payments.Core;
using Payments.Core.Events;
using Payments.IntegrationTests.Events;
using Payments.IntegrationTests.Http;
using Payments.Platform.Outbox;
using Payments.Platform.Postgres;
using Payments.ServiceDefaults;
using Payments.Webhooks;
using Xunit;

namespace Payments.IntegrationTests.Webhooks;

/// <summary>
/// The webhooks service with a database of its own and a real publisher's log to consume, which both outlive the service: it can
/// be stopped and started again. There is no broker, so events arrive by the consumer's refill.
/// </summary>
internal sealed class WebhooksWorld : IAsyncDisposable
{
    private const string InternalKey = "internal-key-only-for-tests";
    private readonly NpgsqlDataSource outbox;
    private readonly string connectionString;
    private WebApplication? app;
    private int keys;

    private WebhooksWorld(NpgsqlDataSource outbox, string connectionString)
    {
        this.outbox = outbox;
        this.connectionString = connectionString;
        Database = NpgsqlDataSource.Create(connectionString);
    }

    public MerchantId Merchant { get; } = EventSamples.Ids.New<MerchantId>();

    /// <summary>A look into the service's database past the service.</summary>
    public NpgsqlDataSource Database { get; }

    public HttpClient Client { get; private set; } = null!;

    public IServiceProvider Services => app!.Services;

    public static async Task<WebhooksWorld> StartAsync(
        EmbeddedServers servers, CancellationToken cancellationToken, IReadOnlyDictionary<string, string?>? settings = null, Action<IServiceCollection>? services = null)
    {
        var world = new WebhooksWorld(await servers.DatabaseAsync(cancellationToken, Plumbing.Outbox), await servers.CreateDatabaseAsync(Shapes.Webhooks, cancellationToken));
        await world.RunAsync(cancellationToken, settings, services);
        return world;
    }

    /// <summary>Starts the service, for the first time or again.</summary>
    public async Task RunAsync(CancellationToken cancellationToken, IReadOnlyDictionary<string, string?>? settings = null, Action<IServiceCollection>? services = null)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:webhooks"] = connectionString,
            ["ConnectionStrings:kafka"] = "127.0.0.1:1",
            ["Payments:InternalKey"] = InternalKey,
            ["Payments:Secrets:EncryptionKey"] = PlatformHost.Key(1),
            ["Payments:Secrets:FingerprintKey"] = PlatformHost.Key(2),
            ["Payments:Webhooks:AllowLoopback"] = "true",
            ["Payments:Webhooks:PollMilliseconds"] = "50",
            ["Payments:Events:HeadsPollMilliseconds"] = "50",
        });
        builder.Configuration.AddInMemoryCollection(settings ?? new Dictionary<string, string?>());
        builder.AddServiceDefaults("webhooks");
        builder.Services.AddSingleton<IOutboxSource>(new OutboxReader(outbox));
        services?.Invoke(builder.Services);
        builder.AddWebhooks();
        app = builder.Build();
        app.MapServiceDefaults();
        app.MapWebhooks();
        await app.MigrateAsync(cancellationToken);
        await app.StartAsync(cancellationToken);
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        Client = new HttpClient { BaseAddress = new Uri(address) };
        Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", InternalKey);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        Client.Dispose();
        await app!.StopAsync(cancellationToken);
        await app.DisposeAsync();
        app = null;
    }

    /// <summary>Publishes events of this world's merchant.</summary>
    public Task PublishAsync(CancellationToken cancellationToken, params PaymentEvent[] events) =>
        outbox.AppendAsync(cancellationToken, [.. events.Select(e => e with { MerchantId = Merchant })]);

    public string Path(string resource, MerchantId? merchant = null, string mode = "test") => $"/internal/v1/merchants/{merchant ?? Merchant}/{mode}/{resource}";

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, object? body, CancellationToken cancellationToken, string? idempotencyKey = null)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative)) { Content = body is null ? null : JsonContent.Create(body) };
        if (method == HttpMethod.Post)
        {
            request.Headers.Add("Idempotency-Key", idempotencyKey ?? $"key-{Interlocked.Increment(ref keys)}");
        }

        return await Client.SendAsync(request, cancellationToken);
    }

    /// <summary>Sends and reads an answer that must have the given status.</summary>
    public async Task<JsonElement> AskAsync(HttpMethod method, string path, object? body, CancellationToken cancellationToken, HttpStatusCode expected = HttpStatusCode.OK)
    {
        using var answer = await SendAsync(method, path, body, cancellationToken);
        var text = await answer.Content.ReadAsStringAsync(cancellationToken);
        Assert.True(answer.StatusCode == expected, $"{method} {path} answered {(int)answer.StatusCode}: {text}");
        return text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text);
    }

    public Task<JsonElement> GetAsync(string resource, CancellationToken cancellationToken) => AskAsync(HttpMethod.Get, Path(resource), null, cancellationToken);

    /// <summary>Registers a URL for all events, and returns the endpoint with its secret.</summary>
    public async Task<(string Id, string Secret)> RegisterAsync(Uri url, CancellationToken cancellationToken, params string[] types)
    {
        object body = types.Length == 0 ? new { url } : new { url, event_types = types };
        var made = await AskAsync(HttpMethod.Post, Path("webhook_endpoints"), body, cancellationToken, HttpStatusCode.Created);
        return (made.GetProperty("id").GetString()!, made.GetProperty("secret").GetString()!);
    }

    /// <summary>The delivery log of an endpoint, newest first.</summary>
    public async Task<IReadOnlyList<JsonElement>> DeliveriesAsync(string endpoint, CancellationToken cancellationToken) =>
        [.. (await GetAsync($"webhook_endpoints/{endpoint}/deliveries", cancellationToken)).GetProperty("data").EnumerateArray()];

    /// <summary>Waits for the only delivery of an endpoint to get a status.</summary>
    public async Task<JsonElement> DeliveryAsync(string endpoint, string status, CancellationToken cancellationToken, int attempts = 1)
    {
        JsonElement found = default;
        await UntilAsync(
            async () => await DeliveriesAsync(endpoint, cancellationToken) is [var only]
                && (found = only).GetProperty("status").GetString() == status && only.GetProperty("attempts").GetArrayLength() >= attempts,
            $"the delivery to become {status}", cancellationToken);
        return found;
    }

    /// <summary>Makes everything that waits for its next attempt due, as if the time had passed.</summary>
    public Task SkipPausesAsync(CancellationToken cancellationToken) =>
        Database.ExecuteAsync("UPDATE deliveries SET next_attempt_at = now() WHERE status = 'pending' AND lease IS NULL", cancellationToken);

    public static async Task UntilAsync(Func<Task<bool>> condition, string what, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(240));
        while (!await condition())
        {
            try
            {
                await Task.Delay(50, patience.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                Assert.Fail($"Waited in vain for {what}.");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (app is not null)
        {
            await StopAsync(CancellationToken.None);
        }

        await Database.DisposeAsync();
        await outbox.DisposeAsync();
    }
}
