using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Payments.Platform.Postgres;

namespace Payments.ServiceDefaults;

/// <summary>
/// What every service has: telemetry, health and a bounded front door. Deliberately no blanket retries on HttpClient: which
/// call may be repeated is decided connector by connector.
/// </summary>
public static class ServiceDefaults
{
    public static void AddServiceDefaults(this WebApplicationBuilder builder, string service)
    {
        ArgumentNullException.ThrowIfNull(builder);
        Telemetry.Start(service, builder.Configuration);
        Telemetry.AddLogging(builder, service);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddHealthChecks().AddCheck("self", () => HealthCheckResult.Healthy(), tags: ["live"]);
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(15));
        // A request is worked at where its bytes were read: the pool's line is waited in once and not three times (ADR 0147). Nothing here blocks a thread.
        builder.Services.Configure<SocketTransportOptions>(o => o.UnsafePreferInlineScheduling = true);
        builder.WebHost.ConfigureKestrel(o =>
        {
            o.AddServerHeader = false;
            o.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
            o.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
            o.Limits.MaxConcurrentConnections = builder.Configuration.GetValue("Payments:MaxConnections", 10_000L);
        });
    }

    /// <summary><c>/health</c> tells whether the service can do its work now, <c>/alive</c> whether the process answers.</summary>
    public static void MapServiceDefaults(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.UseTelemetry();
        app.MapHealthChecks("/health", new HealthCheckOptions { ResponseWriter = HealthReportJson.WriteAsync });
        app.MapHealthChecks("/alive", new HealthCheckOptions { Predicate = check => check.Tags.Contains("live"), ResponseWriter = HealthReportJson.WriteAsync });
    }

    /// <summary>Runs the service, or, with the single argument <c>migrate</c>, brings its database up to date and exits.</summary>
    public static async Task<int> RunServiceAsync(this WebApplication app, string[] args)
    {
        ArgumentNullException.ThrowIfNull(app);
        if (args is ["migrate"])
        {
            await app.MigrateAsync(CancellationToken.None);
            return 0;
        }

        await app.RunAsync();
        return 0;
    }

    /// <summary>Applies the migrations of the database that this service owns, if it owns one.</summary>
    public static async Task MigrateAsync(this WebApplication app, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(app);
        if (app.Services.GetService<ServiceDatabase>() is not { } database)
        {
            return;
        }

        await using var owner = app.Services.ConnectAsOwner(database);
        var applied = await Migrations.ApplyAsync(owner, database.Migrations, cancellationToken);
        Log.Migrated(app.Logger, database.Name, applied);
    }
}

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Database {Database} is up to date; {Applied} migrations applied now.")]
    public static partial void Migrated(ILogger logger, string database, int applied);
}
