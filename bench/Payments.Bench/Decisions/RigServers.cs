using Payments.AllInOne.Embedded;

namespace Payments.Bench.Decisions;

/// <summary>Where a rig works: an empty database, an empty Redis and a directory for files.</summary>
internal sealed record RigServers(string Directory, string Database, string Redis);

/// <summary>A PostgreSQL and a Redis of this process's own, gone with their data at the end.</summary>
internal sealed class OwnServers : IAsyncDisposable
{
    private const string Password = "only-for-measuring";

    private readonly string directory;
    private readonly PostgresServer postgres;
    private int rigs;

    private OwnServers(string directory, PostgresServer postgres)
    {
        this.directory = directory;
        this.postgres = postgres;
    }

    private List<RedisServer> Redises { get; } = [];

    /// <summary>Processor time of both so far, in microseconds.</summary>
    public (double Postgres, double Redis) Used() => (Processor.OfFamily(postgres.ProcessId!.Value), Redises.Sum(r => Processor.Of(r.ProcessId!.Value)));

    public static async Task<OwnServers> StartAsync(CancellationToken cancellationToken)
    {
        var directory = System.IO.Directory.CreateTempSubdirectory("payments-bench-").FullName;
        return new(directory, await PostgresServer.StartAsync(new() { Directory = directory, Password = Password }, cancellationToken));
    }

    /// <summary>Each has a database and a Redis of its own: runs do not see each other's history.</summary>
    public async Task<RigServers> NewAsync(CancellationToken cancellationToken)
    {
        var name = $"bench_{++rigs}";
        var home = System.IO.Directory.CreateDirectory(Path.Combine(directory, name)).FullName;
        var redis = await RedisServer.StartAsync(new() { Directory = home, Password = Password }, cancellationToken);
        Redises.Add(redis);
        return new(home, await postgres.CreateDatabaseAsync(name, cancellationToken), redis.ConnectionString);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var redis in Redises)
        {
            await redis.DisposeAsync();
        }

        await postgres.DisposeAsync();
        System.IO.Directory.Delete(directory, recursive: true);
    }
}
