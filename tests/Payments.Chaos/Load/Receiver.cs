using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Payments.Chaos.Load;

/// <summary>The merchants' server for webhooks. Some first attempts it refuses or drops, after having taken note or before, as servers do.</summary>
public sealed class Receiver : IAsyncDisposable
{
    private readonly WebApplication app;

    private Receiver(WebApplication app) => this.app = app;

    public Uri Url => new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First() + "/hooks");

    /// <param name="chance">From 0 to 1; drawn once per event.</param>
    public static async Task<Receiver> StartAsync(Journal journal, Func<double> chance, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var seen = new ConcurrentDictionary<string, byte>();
        app.Run(async context =>
        {
            using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
            var body = await reader.ReadToEndAsync(context.RequestAborted);
            var id = context.Request.Headers["webhook-id"].ToString();
            var draw = seen.TryAdd(id, 0) ? chance() : 1;
            if (draw < 0.005)
            {
                context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                return;
            }

            journal.Add(new Received(journal.Now, id, body));
            if (draw < 0.01)
            {
                context.Abort(); // taken, but the sender cannot know
                return;
            }

            context.Response.StatusCode = StatusCodes.Status204NoContent;
        });
        await app.StartAsync(cancellationToken);
        return new Receiver(app);
    }

    public async ValueTask DisposeAsync() => await app.DisposeAsync();
}
