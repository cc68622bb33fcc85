using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Payments.IntegrationTests.Webhooks;

/// <summary>A webhook as it arrived.</summary>
internal sealed record Received(string Path, IReadOnlyDictionary<string, string> Headers, string Body);

/// <summary>A merchant's server on a real socket: keeps what it receives and answers as told.</summary>
internal sealed class MerchantServer : IAsyncDisposable
{
    private readonly WebApplication app;

    private MerchantServer(WebApplication app) => this.app = app;

    public ConcurrentQueue<Received> Received { get; } = new();

    /// <summary>What to answer to the n-th request, counted from 1; by default 204.</summary>
    public Func<int, HttpContext, Task> Answer { get; set; } = (_, context) => Status(context, StatusCodes.Status204NoContent);

    public Uri Url => new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First() + "/hooks");

    public static async Task<MerchantServer> StartAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var server = new MerchantServer(app);
        var count = 0;
        app.Run(async context =>
        {
            using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
            var body = await reader.ReadToEndAsync(context.RequestAborted);
            server.Received.Enqueue(new(context.Request.Path, context.Request.Headers.ToDictionary(h => h.Key.ToLowerInvariant(), h => h.Value.ToString()), body));
            await server.Answer(Interlocked.Increment(ref count), context);
        });
        await app.StartAsync(cancellationToken);
        return server;
    }

    public static Task Status(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    }

    public async ValueTask DisposeAsync() => await app.DisposeAsync();
}
