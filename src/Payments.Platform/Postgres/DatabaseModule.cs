using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Payments.Platform.Postgres;

/// <summary>The one database that a service owns, and the migrations that shape it.</summary>
public sealed record ServiceDatabase(string Name, IReadOnlyList<Migration> Migrations);

/// <summary>Registered by a service whose sessions take on a role with fewer rights; its migrations run without it.</summary>
/// <param name="Role">Empty: none.</param>
public sealed record ServiceRole(string Role)
{
    /// <summary>The connection with sessions that begin in the role, also after the pool has reset them.</summary>
    public string Apply(string connectionString)
    {
        var parts = new NpgsqlConnectionStringBuilder(connectionString);
        if (Role.Length > 0)
        {
            parts.Options = $"{parts.Options} -c role={Role}".TrimStart();
        }

        return parts.ConnectionString;
    }
}

/// <summary>Registered by a service that exchanges rows with its database as types of their own.</summary>
public delegate void DatabaseTypes(NpgsqlDataSourceBuilder source);

/// <summary>Pieces of plumbing that bring tables of their own: folders of this assembly with a <c>Migrations</c> folder inside.</summary>
public static class Plumbing
{
    public const string Outbox = "Outbox";
    public const string Inbox = "Inbox";
    public const string Idempotency = "Idempotency";
}

public static class DatabaseModule
{
    /// <summary>Sessions of a process with its database that stay once they were opened.</summary>
    private const int Kept = 20;

    /// <summary>
    /// Registers the service's <see cref="NpgsqlDataSource"/> from connection string <paramref name="name"/>, a health check,
    /// and the migrations of <paramref name="service"/> plus those of the <see cref="Plumbing"/> that it asks for.
    /// </summary>
    public static void AddDatabase(this WebApplicationBuilder builder, string name, Assembly service, params string[] plumbing)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSingleton(new ServiceDatabase(name, Postgres.Migrations.In(service, plumbing)));
        builder.Services.AddSingleton(services =>
        {
            var connectionString = ConnectionString(services, name);
            return Build(services, name, services.GetService<ServiceRole>()?.Apply(connectionString) ?? connectionString);
        });
        builder.Services.AddHealthChecks().AddCheck<DatabaseHealth>("postgres", tags: ["ready"]);
    }

    /// <summary>Connections to the service's database as the role that connects, whatever <see cref="ServiceRole"/> says: for migrations.</summary>
    public static NpgsqlDataSource ConnectAsOwner(this IServiceProvider services, ServiceDatabase database)
    {
        ArgumentNullException.ThrowIfNull(database);
        return Build(services, database.Name, ConnectionString(services, database.Name));
    }

    private static string ConnectionString(IServiceProvider services, string name) =>
        services.GetRequiredService<IConfiguration>().GetConnectionString(name)
        ?? throw new InvalidOperationException($"No connection string '{name}': set ConnectionStrings__{name}.");

    private static NpgsqlDataSource Build(IServiceProvider services, string name, string connectionString)
    {
        var source = new NpgsqlDataSourceBuilder(connectionString);
        source.ConnectionStringBuilder.ApplicationName ??= "payments." + name;
        // Compiling a plan takes a tenth of a second and is begun for what a plan seems to cost: no statement here is worth it.
        source.ConnectionStringBuilder.Options = $"{source.ConnectionStringBuilder.Options} -c jit=off".TrimStart();
        // What is said often is parsed and planned once a session.
        source.ConnectionStringBuilder.MaxAutoPrepare = 200;
        // A session is given on as it is: seven statements between any two uses cost more than most uses. So nothing here sets what outlives
        // its transaction; an advisory lock is given back by whoever took it.
        source.ConnectionStringBuilder.NoResetOnClose = true;
        // Npgsql lets sessions take turns and closes, every five minutes and all at once, as many as mostly have no turn: nearly all. Those that come
        // after them know no plan.
        source.ConnectionStringBuilder.MinPoolSize = Math.Max(source.ConnectionStringBuilder.MinPoolSize, Math.Min(Kept, source.ConnectionStringBuilder.MaxPoolSize));
        source.UseLoggerFactory(services.GetRequiredService<ILoggerFactory>());
        services.GetService<DatabaseTypes>()?.Invoke(source);
        return source.Build();
    }

    private sealed class DatabaseHealth(NpgsqlDataSource database, ServiceDatabase described) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            try
            {
                await using var command = database.CreateCommand("SELECT count(*) FROM schema_migrations");
                var applied = (long)(await command.ExecuteScalarAsync(cancellationToken))!;
                var wanted = described.Migrations.Count;
                return applied >= wanted
                    ? HealthCheckResult.Healthy()
                    : HealthCheckResult.Unhealthy($"Database {described.Name} has {applied} migrations, {wanted} are needed: run the migrate command.");
            }
            catch (Exception e) when (Outage.OfDatabase(e))
            {
                return HealthCheckResult.Unhealthy($"Database {described.Name} does not answer.", e);
            }
        }
    }
}
