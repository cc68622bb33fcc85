using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Payments.AllInOne.Embedded;
using Payments.Chaos.Load;

namespace Payments.Bench.Load;

/// <summary>
/// Everything that the product sends out: telemetry, which is taken and forgotten, and webhooks, which are kept for the verdict. Two addresses
/// for webhooks are dead until they are revived: one refuses connections, the other takes requests and does not answer.
/// </summary>
internal sealed class Sink : IAsyncDisposable
{
    private readonly TaskCompletionSource revived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Journal journal;
    private readonly WebApplication app;
    private WebApplication? formerlyRefusing;
    private readonly ConcurrentDictionary<string, long> allocated = new();
    private long telemetryBytes;

    private Sink(Journal journal, WebApplication app) => (this.journal, this.app) = (journal, app);

    public Uri Address => new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    public Uri Hooks => new(Address, "/hooks");

    public Uri Refusing { get; } = new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort.Next()}/hooks"));

    public Uri Silent => new(Address, "/silent");

    public int Webhooks => journal.Received.Count;

    public long TelemetryBytes => Interlocked.Read(ref telemetryBytes);

    /// <summary>Bytes that the product has allocated on managed heaps, as it last told.</summary>
    public double Allocated => allocated.Values.Sum(b => (double)b);

    public static async Task<Sink> StartAsync(Journal journal, CancellationToken cancellationToken)
    {
        var sink = new Sink(journal, Build("http://127.0.0.1:0"));
        sink.app.Run(context => context.Request.Path.Value switch
        {
            "/hooks" => sink.HookAsync(context, Task.CompletedTask),
            "/silent" => sink.HookAsync(context, sink.revived.Task),
            _ => sink.TelemetryAsync(context),
        });
        await sink.app.StartAsync(cancellationToken);
        return sink;
    }

    /// <summary>From now on every address answers.</summary>
    public async Task ReviveAsync(CancellationToken cancellationToken)
    {
        revived.TrySetResult();
        formerlyRefusing = Build(Refusing.GetLeftPart(UriPartial.Authority));
        formerlyRefusing.Run(context => HookAsync(context, Task.CompletedTask));
        await formerlyRefusing.StartAsync(cancellationToken);
    }

    /// <summary>How long each webhook from the given one on was on its way since its event, in milliseconds, sorted.</summary>
    public double[] Lags(int first)
    {
        var began = TimeProvider.System.GetUtcNow().AddMilliseconds(-journal.Now);
        return [.. journal.Received.Skip(first).Select(r => (began.AddMilliseconds(r.At) - EventTime(r.Body)).TotalMilliseconds).Order()];
    }

    public async ValueTask DisposeAsync()
    {
        revived.TrySetResult();
        await app.DisposeAsync();
        await (formerlyRefusing?.DisposeAsync() ?? ValueTask.CompletedTask);
    }

    private static WebApplication Build(string address)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(address);
        builder.WebHost.ConfigureKestrel(o => o.Limits.MaxRequestBodySize = null);
        return builder.Build();
    }

    private static DateTimeOffset EventTime(string body)
    {
        using var told = JsonDocument.Parse(body);
        return told.RootElement.GetProperty("timestamp").GetDateTimeOffset();
    }

    /// <param name="until">It is taken, and answered, only then.</param>
    private async Task HookAsync(HttpContext context, Task until)
    {
        using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
        var body = await reader.ReadToEndAsync(context.RequestAborted);
        try
        {
            await until.WaitAsync(context.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            return; // whoever told has lost patience
        }

        journal.Add(new Received(journal.Now, context.Request.Headers["webhook-id"].ToString(), body));
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private async Task TelemetryAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        Interlocked.Add(ref telemetryBytes, body.Length);
        if (context.Request.Path == "/v1/metrics")
        {
            foreach (var (process, bytes) in Otlp.CounterOf("dotnet.gc.heap.total_allocated", body.GetBuffer().AsMemory(0, (int)body.Length)))
            {
                allocated[process] = bytes;
            }
        }

        context.Response.ContentType = "application/x-protobuf";
        context.Response.ContentLength = 0;
    }
}
