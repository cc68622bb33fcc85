using Npgsql;

namespace Payments.Bench.Load;

/// <summary>Processor time by part, and what PostgreSQL wrote, since the machine or the server started.</summary>
internal sealed record Consumption(double Product, double Postgres, double Redis, double Load, double Commits, double WalBytes, double Syncs, double WalRecords)
{
    /// <summary>Statistics are behind by up to a second: wait before the second reading.</summary>
    public static async Task<Consumption> ReadAsync(Product product, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(product.ConnectionString("payments") + ";Pooling=false");
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(
            $"""
            SELECT (SELECT sum(xact_commit)::float8 FROM pg_stat_database WHERE datname IS NOT NULL AND datname <> '{Baseline.Database}'), wal_bytes::float8, wal_sync::float8, wal_records::float8
            FROM pg_stat_wal
            """, connection);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        await row.ReadAsync(cancellationToken);
        return new(
            product.ProcessIds.Sum(Processor.Of), Processor.OfFamily(product.PostgresId), Processor.Of(product.RedisId),
            Environment.CpuUsage.TotalTime.TotalMicroseconds, row.GetDouble(0), row.GetDouble(1), row.GetDouble(2), row.GetDouble(3));
    }

    public static Consumption operator -(Consumption after, Consumption before) => new(
        after.Product - before.Product, after.Postgres - before.Postgres, after.Redis - before.Redis, after.Load - before.Load,
        after.Commits - before.Commits, after.WalBytes - before.WalBytes, after.Syncs - before.Syncs, after.WalRecords - before.WalRecords);

    public static Consumption operator +(Consumption a, Consumption b) => new(
        a.Product + b.Product, a.Postgres + b.Postgres, a.Redis + b.Redis, a.Load + b.Load,
        a.Commits + b.Commits, a.WalBytes + b.WalBytes, a.Syncs + b.Syncs, a.WalRecords + b.WalRecords);

    public static Consumption Nothing { get; } = new(0, 0, 0, 0, 0, 0, 0, 0);

    /// <summary>Per operation, processor time in microseconds.</summary>
    public IEnumerable<Figure> Per(string prefix, double operations) =>
    [
        new($"{prefix} CPU, product", Product / operations, "µs"),
        new($"{prefix} CPU, PostgreSQL", Postgres / operations, "µs"),
        new($"{prefix} CPU, Redis", Redis / operations, "µs"),
        new($"{prefix} CPU, load", Load / operations, "µs"),
        new($"{prefix} WAL", WalBytes / operations, "bytes"),
        new($"{prefix} WAL records", WalRecords / operations, ""),
        new($"{prefix} fsyncs", Syncs / operations, ""),
    ];
}
