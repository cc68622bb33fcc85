using System.Globalization;
using System.Security.Cryptography;
using Npgsql;
using Payments.AllInOne;
using Payments.AllInOne.Embedded;
using Payments.Platform;
using Payments.ServiceDefaults;

namespace Payments.Chaos.Processes;

/// <summary>
/// The product as it is deployed: every service in a process of its own from the built output, on a PostgreSQL, a Redis, a Kafka broker
/// and simulated providers, all on free ports. Nothing restarts what was killed, unless a <see cref="Supervisor"/> is asked to. Disposing
/// ends every process by its id and removes the data; logs stay where they were asked for elsewhere.
/// </summary>
public sealed class Fleet : IAsyncDisposable
{
    private static readonly string[] Databases =
        [Names.Databases.Payments, Names.Databases.Vault, Names.Databases.Ledger, Names.Databases.Fraud, Names.Databases.Webhooks, Names.Databases.Reconciliation];

    private readonly FleetOptions options;
    private readonly string logs;
    private readonly int firstPort;
    private readonly Addresses addresses;
    private readonly List<ServiceProcess> services = [];
    private readonly Dictionary<string, string> connections = [];
    private PostgresServer? postgres;
    private RedisServer? redis;
    private BrokerProcess? broker;
    private Front? front;
    private MailDrop? mail;

    private Fleet(FleetOptions options, ProductSecrets secrets)
    {
        this.options = options;
        Secrets = secrets;
        firstPort = FirstPort(Ports.DashboardOtlpHttp + 1 + options.ApiReplicas);
        addresses = Addresses.From(firstPort);
        logs = options.Logs ?? Path.Combine(options.Directory, "logs");
    }

    public ProductSecrets Secrets { get; }

    public string Directory => options.Directory;

    /// <summary>Every service's process; the replicas of the API are <c>api-1</c>, <c>api-2</c> …</summary>
    public IReadOnlyList<ServiceProcess> Services => services;

    public IEnumerable<ServiceProcess> Api => services.Where(s => s.Service == Names.Services.Api);

    public PostgresServer Postgres => postgres ?? throw new InvalidOperationException("PostgreSQL is not started.");

    public RedisServer Redis => redis ?? throw new InvalidOperationException("Redis is not started.");

    public BrokerProcess Broker => broker ?? throw new InvalidOperationException("The broker is not started.");

    /// <summary>PostgreSQL's disk; null where it has none of its own.</summary>
    public Disk? Disk { get; private set; }

    public string PostgresLog => Path.Combine(logs, "postgres.log");

    /// <summary>Where receipts arrive.</summary>
    public string MailDirectory => Path.Combine(options.Directory, "mail");

    /// <summary>The process of a service by its name; of the API the first replica.</summary>
    public ServiceProcess this[string service] => services.First(s => s.Service == service);

    /// <summary>A connection string by its name.</summary>
    public string ConnectionString(string name) => connections[name];

    /// <summary>A directory for a fleet, recognised by later runs should this process be killed; what such runs left behind is cleared away first.</summary>
    public static async Task<string> NewDirectoryAsync(CancellationToken cancellationToken)
    {
        await Leftovers.SweepAsync(cancellationToken);
        return Leftovers.NewDirectory();
    }

    public static async Task<Fleet> StartAsync(FleetOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        System.IO.Directory.CreateDirectory(options.Directory);
        var fleet = new Fleet(options, await ProductSecrets.LoadAsync(options.Directory, cancellationToken));
        try
        {
            await fleet.StartAsync(cancellationToken);
            return fleet;
        }
        catch (Exception)
        {
            await fleet.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(services.Select(s => s.StopAsync()));
        foreach (var server in new[] { front, (IAsyncDisposable?)mail, redis, postgres })
        {
            if (server is not null)
            {
                await server.DisposeAsync();
            }
        }

        await (broker?.StopAsync() ?? Task.CompletedTask);
        await Disk.UnmountAsync(Path.Combine(options.Directory, Disk.Name), CancellationToken.None);
        System.IO.Directory.Delete(options.Directory, recursive: true);
    }

    private async Task StartAsync(CancellationToken cancellationToken)
    {
        System.IO.Directory.CreateDirectory(logs);
        options.Progress("PostgreSQL, Redis and the broker");
        broker = new BrokerProcess(addresses.Port(Ports.Kafka), options.Directory, logs);
        broker.Launch();
        await Task.WhenAll(StartPostgresAsync(cancellationToken), StartRedisAsync(cancellationToken));
        await broker.WaitUntilReadyAsync(cancellationToken);
        connections[Names.Connections.Kafka] = broker.BootstrapServers;
        mail = MailDrop.Start(MailDirectory);
        AddServices();

        options.Progress("databases");
        await MigrateAsync(cancellationToken);

        options.Progress("services");
        services.ForEach(s => s.Launch());
        await Task.WhenAll(services.Select(s => s.WaitUntilReadyAsync(cancellationToken)));
        await WaitUntilHealthyAsync(cancellationToken);
    }

    /// <summary>Brings every database up to date, in this process, which is the quickest.</summary>
    private async Task MigrateAsync(CancellationToken cancellationToken)
    {
        await using var log = new FileLog(Path.Combine(logs, "migrations.log"));
        var configuration = ServiceConfiguration.Of(Product(), addresses, Secrets, connections, mail!.Port);
        foreach (var service in Service.All)
        {
            await using var app = service.Build(addresses, configuration, new InProcessSeams(), log.ProviderOf(service.Name));
            await app.MigrateAsync(cancellationToken);
        }
    }

    private AllInOneOptions Product() => new()
    {
        DataDirectory = options.Directory,
        SimulatorLatencyMilliseconds = options.SimulatorLatencyMilliseconds,
        Configuration = options.Configuration,
    };

    private async Task StartPostgresAsync(CancellationToken cancellationToken)
    {
        var directory = options.Directory;
        if (options.DiskMegabytes is { } size)
        {
            Disk = await Disk.TryMountAsync(directory, size, cancellationToken);
            directory = Disk?.Path ?? directory;
        }

        // Its log must stay writable, and stay, when the disk does not.
        File.CreateSymbolicLink(Path.Combine(directory, "postgres.log"), PostgresLog);
        postgres = await PostgresServer.StartAsync(
            new() { Directory = directory, Port = addresses.Port(Ports.Postgres), Password = Secrets.PostgresPassword, Settings = options.PostgresSettings }, cancellationToken);
        foreach (var database in Databases)
        {
            // Six pools must fit into the server's connections together.
            connections[database] = await postgres.CreateDatabaseAsync(database, cancellationToken) + ";Maximum Pool Size=50";
        }
    }

    private async Task StartRedisAsync(CancellationToken cancellationToken)
    {
        redis = await RedisServer.StartAsync(
            new() { Directory = options.Directory, Port = addresses.Port(Ports.Redis), Password = Secrets.RedisPassword }, cancellationToken);
        connections[Names.Connections.Redis] = redis.ConnectionString;
    }

    private void AddServices()
    {
        var common = ServiceConfiguration.Of(Product(), addresses, Secrets, connections, mail!.Port).ToDictionary(c => c.Key, c => c.Value);
        common["Logging:Console:FormatterName"] = "simple";

        // What is judged is what becomes of payments that go on: none waits for a person or a challenge because the fraud service was killed.
        common.TryAdd("Payments:FraudDefault:ApproveUpToUsCents", "1000000000");
        common["Logging:Console:FormatterOptions:SingleLine"] = "true";
        common["Logging:Console:FormatterOptions:TimestampFormat"] = "HH:mm:ss.fff ";
        common["Logging:Console:FormatterOptions:UseUtcTimestamp"] = "true";

        Add(Names.Services.Simulators, addresses.Simulators, addresses.Simulators, addresses.SimulatorsHttps);
        Add(Names.Services.Vault, addresses.Vault);
        Add(Names.Services.Fraud, addresses.Fraud);
        Add(Names.Services.Ledger, addresses.Ledger);
        Add(Names.Services.Webhooks, addresses.Webhooks);
        Add(Names.Services.Reconciliation, addresses.Reconciliation);
        // A lone replica stands at the service's address itself.
        int[] replicas = options.ApiReplicas == 1 ? [addresses.Api.Port] : [.. Enumerable.Range(firstPort + Ports.DashboardOtlpHttp + 1, options.ApiReplicas)];
        for (var i = 0; i < replicas.Length; i++)
        {
            var address = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{replicas[i]}"));
            services.Add(NewProcess(Names.Services.Api, string.Create(CultureInfo.InvariantCulture, $"{Names.Services.Api}-{i + 1}"), address));
        }

        front = replicas.Length > 1 ? new Front(addresses.Api.Port, replicas) : null;

        void Add(string service, Uri address, params Uri[] urls) => services.Add(NewProcess(service, service, address, urls));

        ServiceProcess NewProcess(string service, string name, Uri address, params Uri[] urls) => new(
            service, name, address, common, options.Directory, logs,
            // The books are outside: they and the clock that dates them are exempt from faults.
            service == Names.Services.Simulators ? null : options.ClockLibrary,
            [.. urls.Select(u => u.GetLeftPart(UriPartial.Authority))]);
    }

    /// <summary>
    /// The first of so many free ports in a row. They lie below those that the system gives to outgoing connections, any of which could
    /// otherwise take the port of a service while it is dead.
    /// </summary>
    private static int FirstPort(int count)
    {
        const int lowest = 10_240;
        const int ephemeral = 32_000;
        while (true)
        {
            var first = RandomNumberGenerator.GetInt32(lowest, ephemeral - count);
            if (Enumerable.Range(first, count).All(FreePort.IsFree))
            {
                return first;
            }
        }
    }

    private async Task WaitUntilHealthyAsync(CancellationToken cancellationToken)
    {
        using var client = new HttpClient();
        foreach (var service in services)
        {
            var began = TimeProvider.System.GetTimestamp();
            while (true)
            {
                using var answer = await client.GetAsync(new Uri(service.Address, "/health"), cancellationToken);
                if (answer.IsSuccessStatusCode)
                {
                    break;
                }

                if (TimeProvider.System.GetElapsedTime(began) > TimeSpan.FromSeconds(60))
                {
                    throw new InvalidOperationException($"{service.Name} is not healthy: {await answer.Content.ReadAsStringAsync(cancellationToken)} (log: {service.LogFile})");
                }

                await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
            }
        }
    }
}
