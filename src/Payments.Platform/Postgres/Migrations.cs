using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace Payments.Platform.Postgres;

/// <summary>One embedded SQL file <c>Migrations/0001_what.sql</c>: forward only, applied once, never edited afterwards.</summary>
/// <param name="Component">The service itself, or a piece of plumbing that it uses; each counts its own numbers.</param>
public sealed record Migration(string Component, int Number, string Name, string Sql)
{
    public string Hash { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Sql)));
}

/// <summary>
/// Applies a service's migrations under an advisory lock. Run by the <c>migrate</c> command of a service (and by AllInOne
/// before it starts anything), never by a service that merely starts beside others.
/// </summary>
public static class Migrations
{
    /// <summary>The component name of a service's own migrations.</summary>
    public const string ServiceComponent = "service";

    private const long AdvisoryLock = 0x7061796D656E7473; // "payments"

    /// <summary>
    /// Reads <c>Migrations/NNNN_name.sql</c> of the service, preceded by <c>COMPONENT/Migrations/NNNN_name.sql</c> of each piece of
    /// plumbing in this assembly, in order of number.
    /// </summary>
    /// <exception cref="InvalidOperationException">Two files carry one number, or a component has none.</exception>
    public static IReadOnlyList<Migration> In(Assembly service, params string[] plumbing)
    {
        ArgumentNullException.ThrowIfNull(service);
        ArgumentNullException.ThrowIfNull(plumbing);
        var platform = typeof(Migrations).Assembly;
        return
        [
            .. plumbing.SelectMany(component => Read(platform, component, $"{platform.GetName().Name}.{component}.Migrations.")),
            .. Read(service, ServiceComponent, $"{service.GetName().Name}.Migrations."),
        ];
    }

    private static IEnumerable<Migration> Read(Assembly assembly, string component, string prefix)
    {
        var found = new SortedDictionary<int, Migration>();
        foreach (var resource in assembly.GetManifestResourceNames().Where(n => n.StartsWith(prefix, StringComparison.Ordinal)))
        {
            var file = resource[prefix.Length..^".sql".Length];
            var underscore = file.IndexOf('_', StringComparison.Ordinal);
            var number = int.Parse(file[..underscore], CultureInfo.InvariantCulture);
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
            if (!found.TryAdd(number, new Migration(component, number, file[(underscore + 1)..], reader.ReadToEnd())))
            {
                throw new InvalidOperationException($"Two migrations of '{component}' carry the number {number}.");
            }
        }

        return component == ServiceComponent || found.Count > 0
            ? found.Values
            : throw new InvalidOperationException($"There are no migrations of a component '{component}'.");
    }

    /// <summary>Applies what is missing, each file in a transaction of its own, and returns how many were applied.</summary>
    /// <exception cref="InvalidOperationException">An applied migration differs from the one embedded now.</exception>
    public static async Task<int> ApplyAsync(NpgsqlDataSource database, IReadOnlyList<Migration> migrations, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(database);
        ArgumentNullException.ThrowIfNull(migrations);

        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await ExecuteAsync(connection, $"SELECT pg_advisory_lock({AdvisoryLock})", cancellationToken);
        try
        {
            await ExecuteAsync(connection, """
                CREATE TABLE IF NOT EXISTS schema_migrations (
                    component  text NOT NULL,
                    number     integer NOT NULL,
                    name       text NOT NULL,
                    hash       text NOT NULL,
                    applied_at timestamptz NOT NULL DEFAULT now(),
                    PRIMARY KEY (component, number))
                """, cancellationToken);
            var applied = await AppliedAsync(connection, cancellationToken);

            var count = 0;
            foreach (var migration in migrations)
            {
                if (applied.TryGetValue((migration.Component, migration.Number), out var hash))
                {
                    if (hash != migration.Hash)
                    {
                        throw new InvalidOperationException(
                            $"Migration {migration.Component}/{migration.Number:0000}_{migration.Name} was changed after it had been applied. Restore the file and add a new migration instead.");
                    }

                    continue;
                }

                await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
                await ExecuteAsync(connection, migration.Sql, cancellationToken);
                await using var mark = new NpgsqlCommand("INSERT INTO schema_migrations (component, number, name, hash) VALUES ($1, $2, $3, $4)", connection, transaction)
                {
                    Parameters = { new() { Value = migration.Component }, new() { Value = migration.Number }, new() { Value = migration.Name }, new() { Value = migration.Hash } },
                };
                await mark.ExecuteNonQueryAsync(cancellationToken);
                await transaction.CommitAsync(cancellationToken);
                count++;
            }

            return count;
        }
        finally
        {
            await ExecuteAsync(connection, $"SELECT pg_advisory_unlock({AdvisoryLock})", CancellationToken.None);
        }
    }

    private static async Task<Dictionary<(string, int), string>> AppliedAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var applied = new Dictionary<(string, int), string>();
        await using var command = new NpgsqlCommand("SELECT component, number, hash FROM schema_migrations", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            applied.Add((reader.GetString(0), reader.GetInt32(1)), reader.GetString(2));
        }

        return applied;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
