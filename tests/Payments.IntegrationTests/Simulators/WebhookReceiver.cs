using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Payments.IntegrationTests.Simulators;

/// <summary>A merchant's webhook endpoint that keeps what it got and answers as told.</summary>
internal sealed class WebhookReceiver : IAsyncDisposable
{
    private readonly WebApplication app;

    private WebhookReceiver(WebApplication app) => this.app = app;

    public string Url => app.Urls.Single() + "/hook";

    public ConcurrentQueue<JsonElement> Bodies { get; } = new();

    /// <summary>What the next requests are answered with; 200 when there is none left.</summary>
    public ConcurrentQueue<int> Answers { get; } = new();

    public IReadOnlyList<string> StripeTypes => [.. Bodies.Select(b => b.GetProperty("type").GetString()!)];

    public static async Task<WebhookReceiver> StartAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var receiver = new WebhookReceiver(app);
        app.MapPost("/hook", async (HttpContext http) =>
        {
            using var body = await JsonDocument.ParseAsync(http.Request.Body, cancellationToken: http.RequestAborted);
            receiver.Bodies.Enqueue(body.RootElement.Clone());
            return Results.StatusCode(receiver.Answers.TryDequeue(out var status) ? status : 200);
        });
        await app.StartAsync(cancellationToken);
        return receiver;
    }

    public async Task UntilAsync(Func<bool> isThere, CancellationToken cancellationToken)
    {
        while (!isThere())
        {
            await Task.Delay(20, cancellationToken);
        }
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();
}
