using Payments.AllInOne.Embedded;
using Payments.Platform;

namespace Payments.AllInOne;

/// <summary>PostgreSQL, Redis and Kafka: embedded, except where a connection string names another server.</summary>
public sealed class Backends : IAsyncDisposable
{
    private static readonly string[] Databases =
        [Names.Databases.Payments, Names.Databases.Vault, Names.Databases.Ledger, Names.Databases.Fraud, Names.Databases.Webhooks, Names.Databases.Reconciliation];

    private readonly AllInOneOptions options;
    private readonly Addresses addresses;
    private readonly ProductSecrets secrets;
    private readonly Dictionary<string, string> connections;

    public Backends(AllInOneOptions options, Addresses addresses, ProductSecrets secrets)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(addresses);
        ArgumentNullException.ThrowIfNull(secrets);
        this.options = options;
        this.addresses = addresses;
        this.secrets = secrets;
        connections = new(options.ExternalConnections);
    }

    /// <summary>Null where an external server is used; likewise the others.</summary>
    public PostgresServer? Postgres { get; private set; }

    public RedisServer? Redis { get; private set; }

    public KafkaBroker? Kafka { get; private set; }

    /// <summary>Completes when all servers answer and all databases are there.</summary>
    public Task Started { get; private set; } = Task.CompletedTask;

    /// <summary>Connection strings by name.</summary>
    public IReadOnlyDictionary<string, string> Connections => connections;

    /// <summary>The names of all connection strings that the product uses.</summary>
    public static IEnumerable<string> ConnectionNames => [.. Databases, Names.Connections.Redis, Names.Connections.Kafka];

    /// <summary>Begins to start what no connection string names. All addresses are known at once; whoever uses them waits for <see cref="Started"/>.</summary>
    /// <exception cref="InvalidOperationException">PostgreSQL is not installed, or the broker could not start; the message says what.</exception>
    public void Begin(CancellationToken cancellationToken)
    {
        StartKafka();
        Started = Task.WhenAll(StartPostgresAsync(cancellationToken), StartRedisAsync(cancellationToken));
    }

    public async ValueTask DisposeAsync()
    {
        // What is being started is stopped after that.
        await Started.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (Kafka is not null)
        {
            await Kafka.DisposeAsync();
        }

        await Task.WhenAll(Redis?.StopAsync() ?? Task.CompletedTask, Postgres?.StopAsync() ?? Task.CompletedTask);
    }

    private Task StartPostgresAsync(CancellationToken cancellationToken)
    {
        var missing = Databases.Where(d => !options.ExternalConnections.ContainsKey(d)).ToArray();
        if (missing is [])
        {
            return Task.CompletedTask;
        }

        options.Progress("PostgreSQL");
        var server = PostgresServer.Choose(new() { Directory = options.DataDirectory, Port = addresses.Port(Ports.Postgres), Password = secrets.PostgresPassword });
        Postgres = server;
        foreach (var database in missing)
        {
            // All pools must fit into the server's connections together.
            connections[database] = server.ConnectionString(database) + ";Maximum Pool Size=60";
        }

        return Task.Run(
            async () =>
            {
                await server.StartAsync(cancellationToken);
                foreach (var database in missing)
                {
                    await server.CreateDatabaseAsync(database, cancellationToken);
                }
            },
            cancellationToken);
    }

    private Task StartRedisAsync(CancellationToken cancellationToken)
    {
        if (options.ExternalConnections.ContainsKey(Names.Connections.Redis))
        {
            return Task.CompletedTask;
        }

        options.Progress("Redis");
        var server = RedisServer.Choose(new() { Directory = options.DataDirectory, Port = addresses.Port(Ports.Redis), Password = secrets.RedisPassword });
        Redis = server;
        connections[Names.Connections.Redis] = server.ConnectionString;
        return Task.Run(() => server.StartAsync(cancellationToken), cancellationToken);
    }

    private void StartKafka()
    {
        if (options.ExternalConnections.ContainsKey(Names.Connections.Kafka))
        {
            return;
        }

        options.Progress("Kafka broker");
        Kafka = KafkaBroker.Start(
            new Dictionary<string, int> { [Names.Topics.PaymentEvents] = KafkaBroker.DefaultPartitions }, addresses.Port(Ports.Kafka));
        connections[Names.Connections.Kafka] = Kafka.BootstrapServers;
    }
}
