using System.Collections.Concurrent;
using System.Globalization;
using Npgsql;
using Payments.AllInOne.Embedded;
using Payments.IntegrationTests.CardSearch;
using Payments.Platform;
using Payments.Platform.Postgres;
using Xunit;

[assembly: AssemblyFixture(typeof(Payments.IntegrationTests.EmbeddedServers))]

namespace Payments.IntegrationTests;

/// <summary>
/// Real servers for the tests of this process: one PostgreSQL, one Redis and one Kafka broker, each started when first asked
/// for, on free ports, in a directory that is removed at the end. Ask for it in a test class's constructor.
/// </summary>
/// <remarks>A test that stops, hangs or wipes a server starts one of its own, because others use these at the same time.</remarks>
public sealed class EmbeddedServers : IAsyncDisposable
{
    private const string Password = "only-for-tests";
    private static readonly string Prefix = Path.Combine(Path.GetTempPath(), "payments-tests-");
    private readonly SemaphoreSlim gate = new(1);
    private readonly Lazy<string> directory = new(NewDirectory);
    private readonly ConcurrentDictionary<string, Lazy<Task<string>>> templates = new();
    private PostgresServer? postgres;
    private RedisServer? redis;
    private KafkaBroker? kafka;
    private int databases;
    private bool swept;

    /// <summary>Removed at the end, together with everything in it.</summary>
    public string Directory => directory.Value;

    public async Task<PostgresServer> PostgresAsync(CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken);
        try
        {
            await SweepAsync(cancellationToken);
            return postgres ??= await PostgresServer.StartAsync(new() { Directory = Directory, Password = Password }, cancellationToken);
        }
        finally
        {
            gate.Release();
        }
    }

    public async Task<RedisServer> RedisAsync(CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken);
        try
        {
            return redis ??= await RedisServer.StartAsync(new() { Directory = Directory, Password = Password }, cancellationToken);
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>The shared broker with topic <c>payments.events</c>; tests that need a topic of their own create one on it.</summary>
    public async Task<KafkaBroker> KafkaAsync(CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken);
        try
        {
            return kafka ??= KafkaBroker.Start(new Dictionary<string, int> { [Names.Topics.PaymentEvents] = KafkaBroker.DefaultPartitions });
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>A fresh, empty database on the shared PostgreSQL: its connection string.</summary>
    public async Task<string> CreateDatabaseAsync(CancellationToken cancellationToken) =>
        Pooled(await (await PostgresAsync(cancellationToken)).CreateDatabaseAsync(NextName(), cancellationToken));

    /// <summary>
    /// A fresh database that has been migrated: its connection string. It is copied from one to which the migrations were applied when
    /// they were first asked for, because applying them a thousand times takes longer than what is tested.
    /// </summary>
    public async Task<string> CreateDatabaseAsync(IReadOnlyList<Migration> migrations, CancellationToken cancellationToken)
    {
        var server = await PostgresAsync(cancellationToken);
        var name = NextName();
        var template = await templates.GetOrAdd(string.Concat(migrations.Select(m => m.Hash)), _ => new(() => TemplateAsync(server, migrations))).Value;
        await ExecuteAsync(server, $"CREATE DATABASE {name} TEMPLATE {template}", cancellationToken);
        return Pooled(server.ConnectionString(name));
    }

    /// <summary>A fresh directory for a server of the test's own.</summary>
    public string CreateDirectory() => System.IO.Directory.CreateTempSubdirectory(Path.GetFileName(Directory) + "-").FullName;

    public async ValueTask DisposeAsync()
    {
        if (kafka is not null)
        {
            await kafka.DisposeAsync();
        }

        if (redis is not null)
        {
            await redis.DisposeAsync();
        }

        if (postgres is not null)
        {
            await postgres.DisposeAsync();
        }

        if (directory.IsValueCreated)
        {
            var all = System.IO.Directory.GetDirectories(Path.GetTempPath(), Path.GetFileName(Directory) + "*");
            List<string> cardData = [];
            foreach (var left in all)
            {
                cardData.AddRange(await CardDataSearch.InFilesAsync(left, planted: false, CancellationToken.None));
                System.IO.Directory.Delete(left, recursive: true);
            }

            Assert.True(cardData.Count == 0, "After the whole run card data stands in " + string.Join(", ", cardData));
        }

        gate.Dispose();
    }

    private string NextName() => string.Create(CultureInfo.InvariantCulture, $"test_{Interlocked.Increment(ref databases)}");

    // Many databases share one server: a pool that a crowd has filled gives its connections back before the next crowd comes.
    private static string Pooled(string connection) => connection + ";Connection Idle Lifetime=10;Connection Pruning Interval=5";

    // Its own, not that of the test which happens to be the first.
    private async Task<string> TemplateAsync(PostgresServer server, IReadOnlyList<Migration> migrations)
    {
        var name = NextName();
        await using (var database = NpgsqlDataSource.Create(await server.CreateDatabaseAsync(name, CancellationToken.None) + ";Pooling=false"))
        {
            await Migrations.ApplyAsync(database, migrations, CancellationToken.None);
        }

        // What others are connected to cannot be copied.
        await ExecuteAsync(server, $"ALTER DATABASE {name} ALLOW_CONNECTIONS false", CancellationToken.None);
        return name;
    }

    private static async Task ExecuteAsync(PostgresServer server, string sql, CancellationToken cancellationToken)
    {
        await using var database = NpgsqlDataSource.Create(server.ConnectionString("postgres") + ";Pooling=false");
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Clears away what test runs that were killed have left behind.</summary>
    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        if (swept)
        {
            return;
        }

        swept = true;
        foreach (var left in System.IO.Directory.GetDirectories(Path.GetTempPath(), Path.GetFileName(Prefix) + "*"))
        {
            var owner = left[Prefix.Length..].Split('-')[0];
            if (!System.IO.Directory.Exists("/proc/" + owner))
            {
                try
                {
                    await PostgresServer.StopLeftBehindAsync(left, cancellationToken);
                    await RedisServer.StopLeftBehindAsync(left, cancellationToken);
                    System.IO.Directory.Delete(left, recursive: true);
                }
                catch (IOException) when (!System.IO.Directory.Exists(left))
                {
                    // Another test run swept at the same time.
                }
            }
        }
    }

    private static string NewDirectory()
    {
        var path = Prefix + Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        System.IO.Directory.CreateDirectory(path);
        return path;
    }
}
