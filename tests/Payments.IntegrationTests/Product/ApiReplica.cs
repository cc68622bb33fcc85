using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Payments.Api;
using Payments.Platform;
using Payments.ServiceDefaults;

namespace Payments.IntegrationTests.Product;

/// <summary>Another API process on the databases of a running product, configured the same; it reaches vault and fraud over HTTP.</summary>
internal sealed class ApiReplica : IAsyncDisposable
{
    private readonly WebApplication app;

    private ApiReplica(WebApplication app) => this.app = app;

    public Uri Address => new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    /// <param name="differently">What this process has set otherwise.</param>
    public static Task<ApiReplica> StartAsync(ProductFixture product, CancellationToken cancellationToken, params (string Key, string? Value)[] differently) =>
        StartAsync(product, null, cancellationToken, differently);

    /// <param name="logs">Gets every line at the finest level.</param>
    public static async Task<ApiReplica> StartAsync(
        ProductFixture product, ILoggerProvider? logs, CancellationToken cancellationToken, params (string Key, string? Value)[] differently)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        if (logs is not null)
        {
            builder.Logging.AddProvider(logs);
            builder.Services.PostConfigure<LoggerFilterOptions>(o =>
            {
                o.Rules.Clear();
                o.MinLevel = LogLevel.Trace;
            });
        }

        builder.Configuration.AddInMemoryCollection(product.Host.ServicesOf(Names.Services.Api).GetRequiredService<IConfiguration>().AsEnumerable());
        builder.Configuration.AddInMemoryCollection(differently.ToDictionary(d => d.Key, d => d.Value));
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.AddServiceDefaults(Names.Services.Api);
        builder.AddApi();
        var app = builder.Build();
        app.MapServiceDefaults();
        app.MapApi();
        await app.StartAsync(cancellationToken);
        return new ApiReplica(app);
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();
}
