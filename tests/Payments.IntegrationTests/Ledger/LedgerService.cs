using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Payments.IntegrationTests.Events;
using Payments.Ledger;
using Payments.Ledger.Controls;
using Payments.Platform.Outbox;
using Payments.ServiceDefaults;
using Payments.Tests.Ledger.Lives;
using Xunit;

namespace Payments.IntegrationTests.Ledger;

/// <summary>The ledger's service as its own host runs it, on a publisher and a broker of its own.</summary>
internal sealed class LedgerService : IAsyncDisposable
{
    private WebApplication? app;
    private HttpClient? http;

    private LedgerService(EventTestBed bed, LedgerDatabase books, string anchors) => (Bed, Books, AnchorFile) = (bed, books, anchors);

    /// <summary>Settings of the next start.</summary>
    public Dictionary<string, string?> Settings { get; } = new() { ["Payments:Ledger:ClosingKey"] = Convert.ToBase64String(new byte[32]), ["Payments:Secrets:EncryptionKey"] = Convert.ToBase64String(new byte[32]), ["Payments:Secrets:FingerprintKey"] = Convert.ToBase64String(new byte[32]) };

    public EventTestBed Bed { get; }

    public LedgerDatabase Books { get; }

    public string AnchorFile { get; }

    public Uri Address => new(app!.Urls.Single());

    public LedgerControls Controls => app!.Services.GetRequiredService<LedgerControls>();

    public T Get<T>()
        where T : notnull => app!.Services.GetRequiredService<T>();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static async Task<LedgerService> StartAsync(EmbeddedServers servers)
    {
        var bed = await EventTestBed.StartAsync(servers);
        var service = new LedgerService(bed, await LedgerDatabase.CreateAsync(servers, Cancel), Path.Combine(servers.CreateDirectory(), "anchors.jsonl"));
        await service.StartAsync();
        return service;
    }

    /// <summary>On books that are written already.</summary>
    public static async Task<LedgerService> StartAsync(EmbeddedServers servers, LedgerDatabase books, int retentionMonths)
    {
        var service = new LedgerService(await EventTestBed.StartAsync(servers), books, Path.Combine(servers.CreateDirectory(), "anchors.jsonl"));
        service.Settings["Payments:Ledger:RetentionMonths"] = retentionMonths.ToString(System.Globalization.CultureInfo.InvariantCulture);
        await service.StartAsync();
        return service;
    }

    public async Task StartAsync()
    {
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Payments:InternalKey"] = EventTestBed.InternalKey,
            ["Payments:Urls:Api"] = Bed.PublisherUrl.ToString(),
            ["Payments:Events:HeadsPollMilliseconds"] = "300",
            ["ConnectionStrings:kafka"] = Bed.Broker.BootstrapServers,
            ["ConnectionStrings:ledger"] = Books.ConnectionString,
            ["Payments:Ledger:AnchorFile"] = AnchorFile,
            ["Payments:Ledger:ControlSeconds"] = "1",
            // What happens in these tests happened long ago: a round would settle it in the middle of them.
            ["Payments:Ledger:SettlementSeconds"] = "3600",
        });
        builder.Configuration.AddInMemoryCollection(Settings);
        builder.AddServiceDefaults("ledger");
        builder.AddLedger();
        app = builder.Build();
        app.MapServiceDefaults();
        app.MapLedger();
        await app.MigrateAsync(Cancel);
        await app.StartAsync(Cancel);
        http = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
    }

    public async Task StopAsync()
    {
        http?.Dispose();
        await app!.StopAsync(Cancel);
        await app.DisposeAsync();
        app = null;
    }

    public async Task<JsonElement> GetAsync(string path)
    {
        var (status, body) = await AskAsync(HttpMethod.Get, path);
        Assert.True(status == HttpStatusCode.OK, $"{path}: {status} {body}");
        return body;
    }

    public async Task<(string? Type, string Text)> TextAsync(string path, string accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = new("Bearer", EventTestBed.InternalKey);
        request.Headers.Accept.ParseAdd(accept);
        using var response = await http!.SendAsync(request, Cancel);
        return (response.Content.Headers.ContentType?.MediaType, await response.Content.ReadAsStringAsync(Cancel));
    }

    public Task<(HttpStatusCode Status, JsonElement Body)> PutXmlAsync(string path, string xml, string? person = null) =>
        SendAsync(HttpMethod.Put, path, EventTestBed.InternalKey, new StringContent(xml, System.Text.Encoding.UTF8, "application/xml"), person);

    /// <param name="person">Who asks, as the API says it.</param>
    /// <param name="idempotencyKey">Absent: one that was never used.</param>
    public Task<(HttpStatusCode Status, JsonElement Body)> AskAsync(
        HttpMethod method, string path, string? key = EventTestBed.InternalKey, object? body = null, string? person = null, string? idempotencyKey = null) =>
        SendAsync(method, path, key, body is null ? null : JsonContent.Create(body), person, idempotencyKey);

    private async Task<(HttpStatusCode Status, JsonElement Body)> SendAsync(HttpMethod method, string path, string? key, HttpContent? content, string? person = null, string? idempotencyKey = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (method == HttpMethod.Post)
        {
            request.Headers.TryAddWithoutValidation("Idempotency-Key", idempotencyKey ?? LedgerDatabase.Ids.New<Core.RequestId>().ToString());
        }

        if (person is not null)
        {
            request.Headers.TryAddWithoutValidation("Payments-Person", person);
        }

        request.Content = content;
        request.Headers.Authorization = key is null ? null : new("Bearer", key);
        using var response = await http!.SendAsync(request, Cancel);
        var answered = await response.Content.ReadAsStringAsync(Cancel);
        return (response.StatusCode, answered.Length == 0 ? default : JsonDocument.Parse(answered).RootElement);
    }

    /// <summary>All of a list, page by page.</summary>
    public async Task<List<JsonElement>> ListAsync(string path, int limit = 7)
    {
        var (all, cursor) = (new List<JsonElement>(), (string?)null);
        do
        {
            var page = await GetAsync($"{path}{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}limit={limit}{(cursor is null ? "" : "&cursor=" + cursor)}");
            all.AddRange(page.GetProperty("data").EnumerateArray());
            cursor = page.GetProperty("next_cursor").GetString();
            Assert.Equal(cursor is not null, page.GetProperty("has_more").GetBoolean());
        }
        while (cursor is not null);
        return all;
    }

    /// <summary>Lets payments live, publishes what happened, and waits until the controls have found all of it in the books.</summary>
    public async Task<World> LiveAsync(int seed, int events, bool mayHaveFindings = false)
    {
        var world = new World(new Random(seed).Next, LedgerDatabase.Ids);
        while (world.History.Count < events)
        {
            world.Step();
        }

        foreach (var chunk in world.History.Chunk(100))
        {
            await Bed.WriteAsync(chunk);
        }

        await CompletenessAsync(c => mayHaveFindings ? c.GetProperty("partitions").EnumerateArray().All(IsExamined) : c.GetProperty("complete").GetBoolean());
        return world;
    }

    /// <summary>The completeness report, as soon as it is as expected.</summary>
    public async Task<JsonElement> CompletenessAsync(Func<JsonElement, bool> expected)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            var report = await GetAsync("/internal/v1/ops/completeness");
            if (expected(report))
            {
                return report;
            }

            Assert.True(waited.Elapsed < TimeSpan.FromMinutes(3), $"What is waited for did not come: {report}");
            await Task.Delay(100, Cancel);
        }
    }

    private static bool IsExamined(JsonElement partition) => partition.GetProperty("examined").GetInt64() == partition.GetProperty("published").GetInt64();

    public Task<JsonElement> FindingAsync(string kind) => CompletenessAsync(c => Kinds(c).Contains(kind));

    public static IEnumerable<string> Kinds(JsonElement completeness) => completeness.GetProperty("findings").EnumerateArray().Select(f => f.GetProperty("kind").GetString()!);

    /// <summary>As a superuser would who wants to leave no trace: past every trigger.</summary>
    public async Task TamperAsync(string sql)
    {
        await using var connection = await Books.Owner.OpenConnectionAsync(Cancel);
        await using var command = new Npgsql.NpgsqlCommand("SET session_replication_role = replica; " + sql, connection);
        await command.ExecuteNonQueryAsync(Cancel);
        await using var reset = new Npgsql.NpgsqlCommand("SET session_replication_role = origin", connection);
        await reset.ExecuteNonQueryAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        if (app is not null)
        {
            await StopAsync();
        }

        await Books.DisposeAsync();
        await Bed.DisposeAsync();
    }
}
