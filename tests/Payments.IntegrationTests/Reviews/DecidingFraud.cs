using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Payments.Core;
using Payments.Core.Seams;

namespace Payments.IntegrationTests.Reviews;

/// <summary>A fraud service that decides as a test tells it, over the real seam, and remembers what it was asked.</summary>
internal sealed class DecidingFraud : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly ConcurrentQueue<FraudRequest> asked = new();

    private DecidingFraud(WebApplication app) => this.app = app;

    public Func<FraudRequest, FraudDecision> Decide { get; set; } = _ => new FraudDecision(0, FraudVerdict.Approve, []);

    public Uri Address => new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    public IReadOnlyList<FraudRequest> Asked => [.. asked];

    public static async Task<DecidingFraud> StartAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var fraud = new DecidingFraud(builder.Build());
        fraud.app.MapPost("/internal/v1/score", async (HttpContext context) =>
        {
            var request = (await context.Request.ReadFromJsonAsync<FraudRequest>(Json.Options, context.RequestAborted))!;
            fraud.asked.Enqueue(request);
            return Results.Json(fraud.Decide(request), Json.Options);
        });
        await fraud.app.StartAsync(cancellationToken);
        return fraud;
    }

    public FraudRequest Of(string payment) => Asked.Last(r => r.PaymentId.ToString() == payment);

    public ValueTask DisposeAsync() => app.DisposeAsync();
}
