using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Payments.IntegrationTests.Events;
using Payments.Platform.Http;
using Payments.Reconciliation;
using Payments.ServiceDefaults;
using Xunit;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>The service's endpoints on a database of a test, without consumer and rounds.</summary>
internal sealed class ReconciliationHost : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly HttpClient http;

    private ReconciliationHost(WebApplication app)
    {
        this.app = app;
        http = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        http.DefaultRequestHeaders.Authorization = new("Bearer", EventTestBed.InternalKey);
        http.DefaultRequestHeaders.Add(InternalHeaders.Actor, "opk_1");
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static async Task<ReconciliationHost> StartAsync(ReconciliationDatabase database, Uri ledger)
    {
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Payments:InternalKey"] = EventTestBed.InternalKey,
            ["Payments:Urls:Ledger"] = ledger.ToString(),
            ["ConnectionStrings:reconciliation"] = database.ConnectionString,
            [ReconciliationOptions.Section + ":ClosingKey"] = ReconciliationDatabase.ClosingKey,
        });
        builder.AddServiceDefaults("reconciliation");
        builder.AddReconciliationTools();
        builder.AddPaymentsHttp();
        var app = builder.Build();
        app.UsePaymentsHttp();
        app.MapReconciliationOperations();
        await app.StartAsync(Cancel);
        return new(app);
    }

    /// <param name="path">Below the operators' part.</param>
    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, object? body = null)
    {
        using var request = new HttpRequestMessage(method, new Uri("/internal/v1/ops/reconciliation/" + path, UriKind.Relative)) { Content = body is null ? null : JsonContent.Create(body) };
        return await http.SendAsync(request, Cancel);
    }

    public async Task<(HttpStatusCode Status, JsonElement Body)> AskAsync(HttpMethod method, string path, object? body = null)
    {
        using var answer = await SendAsync(method, path, body);
        return (answer.StatusCode, await answer.Content.ReadFromJsonAsync<JsonElement>(Cancel));
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await app.DisposeAsync();
    }
}
