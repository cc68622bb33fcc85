using Payments.AllInOne.Embedded;
using Payments.Platform;

namespace Payments.AllInOne;

/// <summary>PostgreSQL, Redis and Kafka: embedded, except where a connection string names another server.</summary>
public sealed class Backends : IAsyncDisposable
{
    private static readonly string[] Databases =
        [Names.Databases.Payments, Names.Databases.Vault, Names.Databases.Ledger, Names.Databases.Fraud, Names.Databases.Webhooks, Names.Databases.Reconciliation];

    private readonly Dictionary<string, string> connections;

    private Backends(IReadOnlyDictionary<string, string> external) => connections = new(external);

    /// <summary>Null where an external server is used; likewise the others.</summary>
    public PostgresServer? Postgres { get; private set; }

    public RedisServer? Redis { get; private set; }

    public KafkaBroker? Kafka { get; private set; }

    /// <summary>Connection strings by name.</summary>
    public IReadOnlyDictionary<string, string> Connections => connections;

    /// <summary>The names of all connection strings that the product uses.</summary>
    public static IEnumerable<string> ConnectionNames => [.. Databases, Names.Connections.Redis, Names.Connections.Kafka];

    public static async Task<Backends> StartAsync(AllInOneOptions options, Addresses addresses, ProductSecrets secrets, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(addresses);
        ArgumentNullException.ThrowIfNull(secrets);
        var backends = new Backends(options.ExternalConnections);
        try
        {
            await Task.WhenAll(
                backends.StartPostgresAsync(options, addresses, secrets, cancellationToken),
                backends.StartRedisAsync(options, addresses, secrets, cancellationToken),
                Task.Run(() => backends.StartKafka(options, addresses), cancellationToken));
            return backends;
        }
        catch (Exception)
        {
            await backends.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Kafka is not null)
        {
            await Kafka.DisposeAsync();
        }

        await Task.WhenAll(Redis?.StopAsync() ?? Task.CompletedTask, Postgres?.StopAsync() ?? Task.CompletedTask);
    }

    private async Task StartPostgresAsync(AllInOneOptions options, Addresses addresses, ProductSecrets secrets, CancellationToken cancellationToken)
    {
        var missing = Databases.Where(d => !options.ExternalConnections.ContainsKey(d)).ToArray();
        if (missing is [])
        {
            return;
        }

        options.Progress("PostgreSQL");
        Postgres = await PostgresServer.StartAsync(
            new() { Directory = options.DataDirectory, Port = addresses.Port(Ports.Postgres), Password = secrets.PostgresPassword }, cancellationToken);
        foreach (var database in missing)
        {
            var connection = await Postgres.CreateDatabaseAsync(database, cancellationToken);
            lock (connections)
            {
                // All pools must fit into the server's connections together.
                connections[database] = connection + ";Maximum Pool Size=60";
            }
        }
    }

    private async Task StartRedisAsync(AllInOneOptions options, Addresses addresses, ProductSecrets secrets, CancellationToken cancellationToken)
    {
        if (options.ExternalConnections.ContainsKey(Names.Connections.Redis))
        {
            return;
        }

        options.Progress("Redis");
        Redis = await RedisServer.StartAsync(
            new() { Directory = options.DataDirectory, Port = addresses.Port(Ports.Redis), Password = secrets.RedisPassword }, cancellationToken);
        lock (connections)
        {
            connections[Names.Connections.Redis] = Redis.ConnectionString;
        }
    }

    private void StartKafka(AllInOneOptions options, Addresses addresses)
    {
        if (options.ExternalConnections.ContainsKey(Names.Connections.Kafka))
        {
            return;
        }

        options.Progress("Kafka broker");
        Kafka = KafkaBroker.Start(
            new Dictionary<string, int> { [Names.Topics.PaymentEvents] = KafkaBroker.DefaultPartitions }, addresses.Port(Ports.Kafka));
        lock (connections)
        {
            connections[Names.Connections.Kafka] = Kafka.BootstrapServers;
        }
    }
}
