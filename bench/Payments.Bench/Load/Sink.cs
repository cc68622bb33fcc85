using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Payments.Chaos.Load;

namespace Payments.Bench.Load;

/// <summary>Everything that the product sends out: telemetry, which is taken and forgotten, and webhooks, which are kept for the verdict.</summary>
internal sealed class Sink : IAsyncDisposable
{
    private readonly WebApplication app;
    private long telemetryBytes;

    private Sink(WebApplication app) => this.app = app;

    public Uri Address => new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    public Uri Hooks => new(Address, "/hooks");

    public long TelemetryBytes => Interlocked.Read(ref telemetryBytes);

    public static async Task<Sink> StartAsync(Journal journal, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.WebHost.ConfigureKestrel(o => o.Limits.MaxRequestBodySize = null);
        var sink = new Sink(builder.Build());
        sink.app.Run(context => context.Request.Path == "/hooks" ? HookAsync(context, journal) : sink.TelemetryAsync(context));
        await sink.app.StartAsync(cancellationToken);
        return sink;
    }

    public async ValueTask DisposeAsync() => await app.DisposeAsync();

    private static async Task HookAsync(HttpContext context, Journal journal)
    {
        using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
        var body = await reader.ReadToEndAsync(context.RequestAborted);
        journal.Add(new Received(journal.Now, context.Request.Headers["webhook-id"].ToString(), body));
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private async Task TelemetryAsync(HttpContext context)
    {
        var result = await context.Request.BodyReader.ReadAsync(context.RequestAborted);
        while (true)
        {
            Interlocked.Add(ref telemetryBytes, result.Buffer.Length);
            context.Request.BodyReader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                break;
            }

            result = await context.Request.BodyReader.ReadAsync(context.RequestAborted);
        }

        context.Response.ContentType = "application/x-protobuf";
        context.Response.ContentLength = 0;
    }
}
