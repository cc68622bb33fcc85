using Npgsql;

namespace Payments.Bench.Load;

/// <summary>Processor time by part, what was allocated, and what PostgreSQL wrote, since the machine or the server started.</summary>
/// <param name="Allocated">Bytes on managed heaps.</param>
/// <param name="Transactions">Also those that only read.</param>
internal sealed record Consumption(
    double Product, double Postgres, double Redis, double Load, double Allocated, double Transactions, double WalBytes, double Syncs, double WalRecords)
{
    /// <summary>Transactions that wrote something.</summary>
    public double Commits { get; init; }

    /// <summary>Where PostgreSQL's log ended.</summary>
    public string LogEnd { get; private init; } = "";

    public double Processors => Product + Postgres + Redis + Load;

    /// <summary>Statistics are behind by up to a second: wait before the second reading.</summary>
    public static async Task<Consumption> ReadAsync(LoadRun run, CancellationToken cancellationToken)
    {
        var product = run.Product;
        await using var connection = new NpgsqlConnection(product.ConnectionString("payments") + ";Pooling=false");
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(
            $"""
            SELECT (SELECT sum(xact_commit)::float8 FROM pg_stat_database WHERE datname IS NOT NULL AND datname <> '{Baseline.Database}'), wal_bytes::float8, wal_sync::float8, wal_records::float8,
                pg_current_wal_flush_lsn()::text
            FROM pg_stat_wal
            """, connection);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        await row.ReadAsync(cancellationToken);
        return new(
            product.Processes.Values.Sum(Processor.Of), Processor.OfFamily(product.PostgresId), Processor.Of(product.RedisId),
            Environment.CpuUsage.TotalTime.TotalMicroseconds, run.Sink.Allocated, row.GetDouble(0), row.GetDouble(1), row.GetDouble(2), row.GetDouble(3))
        {
            LogEnd = row.GetString(4),
        };
    }

    /// <summary>What was used between two readings.</summary>
    public static async Task<Consumption> BetweenAsync(Product product, Consumption before, Consumption after, CancellationToken cancellationToken) => new(
        after.Product - before.Product, after.Postgres - before.Postgres, after.Redis - before.Redis, after.Load - before.Load, after.Allocated - before.Allocated,
        after.Transactions - before.Transactions, after.WalBytes - before.WalBytes, after.Syncs - before.Syncs, after.WalRecords - before.WalRecords)
    {
        Commits = await WalDump.CommitsAsync(product.PostgresData, before.LogEnd, after.LogEnd, cancellationToken),
    };

    public static Consumption operator +(Consumption a, Consumption b) => new(
        a.Product + b.Product, a.Postgres + b.Postgres, a.Redis + b.Redis, a.Load + b.Load, a.Allocated + b.Allocated,
        a.Transactions + b.Transactions, a.WalBytes + b.WalBytes, a.Syncs + b.Syncs, a.WalRecords + b.WalRecords)
    {
        Commits = a.Commits + b.Commits,
    };

    public static Consumption Nothing { get; } = new(0, 0, 0, 0, 0, 0, 0, 0, 0);

    /// <summary>Per operation, processor time in microseconds.</summary>
    public IEnumerable<Figure> Per(string prefix, double operations) =>
    [
        new($"{prefix} CPU, product", Product / operations, "µs"),
        new($"{prefix} CPU, PostgreSQL", Postgres / operations, "µs"),
        new($"{prefix} CPU, Redis", Redis / operations, "µs"),
        new($"{prefix} CPU, load", Load / operations, "µs"),
        new($"{prefix} allocated, product", Allocated / operations / 1000, "kB"),
        new($"{prefix} WAL", WalBytes / operations, "bytes"),
        new($"{prefix} WAL records", WalRecords / operations, ""),
        new($"{prefix} transactions, also reading", Transactions / operations, ""),
        new($"{prefix} fsyncs", Syncs / operations, ""),
    ];
}
