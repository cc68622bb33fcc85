using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace Payments.Platform.Postgres;

/// <summary>One embedded SQL file <c>Migrations/0001_what.sql</c>: forward only, applied once, never edited afterwards.</summary>
public sealed record Migration(int Number, string Name, string Sql)
{
    public string Hash { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Sql)));
}

/// <summary>
/// Applies a service's migrations under an advisory lock. Run by the <c>migrate</c> command of a service (and by AllInOne
/// before it starts anything), never by a service that merely starts beside others.
/// </summary>
public static class Migrations
{
    private const long AdvisoryLock = 0x7061796D656E7473; // "payments"

    /// <summary>Reads <c>*.Migrations.NNNN_name.sql</c> from the assemblies, ordered by number.</summary>
    /// <exception cref="InvalidOperationException">Two files carry one number.</exception>
    public static IReadOnlyList<Migration> In(params Assembly[] assemblies)
    {
        ArgumentNullException.ThrowIfNull(assemblies);
        var found = new SortedDictionary<int, Migration>();
        foreach (var assembly in assemblies)
        {
            foreach (var resource in assembly.GetManifestResourceNames().Where(n => n.EndsWith(".sql", StringComparison.Ordinal)))
            {
                var marker = resource.LastIndexOf(".Migrations.", StringComparison.Ordinal);
                if (marker < 0)
                {
                    continue;
                }

                var file = resource[(marker + ".Migrations.".Length)..^".sql".Length];
                var underscore = file.IndexOf('_', StringComparison.Ordinal);
                var number = int.Parse(file[..underscore], System.Globalization.CultureInfo.InvariantCulture);
                using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
                if (!found.TryAdd(number, new Migration(number, file[(underscore + 1)..], reader.ReadToEnd())))
                {
                    throw new InvalidOperationException($"Two migrations carry the number {number}.");
                }
            }
        }

        return [.. found.Values];
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
                    number     integer PRIMARY KEY,
                    name       text NOT NULL,
                    hash       text NOT NULL,
                    applied_at timestamptz NOT NULL DEFAULT now())
                """, cancellationToken);
            var applied = await AppliedAsync(connection, cancellationToken);

            var count = 0;
            foreach (var migration in migrations)
            {
                if (applied.TryGetValue(migration.Number, out var hash))
                {
                    if (hash != migration.Hash)
                    {
                        throw new InvalidOperationException(
                            $"Migration {migration.Number:0000}_{migration.Name} was changed after it had been applied. Restore the file and add a new migration instead.");
                    }

                    continue;
                }

                await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
                await ExecuteAsync(connection, migration.Sql, cancellationToken);
                await using var mark = new NpgsqlCommand("INSERT INTO schema_migrations (number, name, hash) VALUES ($1, $2, $3)", connection, transaction)
                {
                    Parameters = { new() { Value = migration.Number }, new() { Value = migration.Name }, new() { Value = migration.Hash } },
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

    private static async Task<Dictionary<int, string>> AppliedAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var applied = new Dictionary<int, string>();
        await using var command = new NpgsqlCommand("SELECT number, hash FROM schema_migrations", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            applied.Add(reader.GetInt32(0), reader.GetString(1));
        }

        return applied;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
