using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Payments.Chaos.Judging;
using Payments.Chaos.Load;
using Payments.Platform;

namespace Payments.Bench.Load;

/// <summary>Compares everything that was done with every record of it, by the rules of the chaos machine's verdict.</summary>
/// <param name="began">What was there before is not looked at.</param>
internal sealed class Integrity(Product product, Journal journal, IReadOnlyList<BenchShop> shops, DateTimeOffset began)
{
    private static readonly string[] Consumers = [Names.Databases.Ledger, Names.Databases.Webhooks, Names.Databases.Fraud, Names.Databases.Reconciliation];

    private readonly EvidenceReader reader = new(
        new(product.ConnectionString, product.Api, "api", product.Simulators) { Since = FirstIdOf(began) }, journal, [.. shops.Select(s => s.Shop)]);

    /// <summary>Events that a consumer has not applied yet, at the consumer that is furthest behind.</summary>
    public async Task<(string Consumer, long Events)> LagAsync(CancellationToken cancellationToken)
    {
        var written = await SumAsync(Names.Databases.Payments, "SELECT COALESCE(sum(seq), 0)::bigint FROM outbox_heads", cancellationToken);
        var worst = ("none", 0L);
        foreach (var consumer in Consumers)
        {
            var lag = written - await SumAsync(consumer, "SELECT COALESCE(sum(seq), 0)::bigint FROM checkpoints", cancellationToken);
            worst = lag > worst.Item2 ? (consumer, lag) : worst;
        }

        return worst;
    }

    /// <summary>Waits until nothing is under way; returns the seconds that it took.</summary>
    public async Task<double> RestAsync(TimeSpan limit, TextWriter progress, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        var told = began;
        while (true)
        {
            var unrest = await reader.UnrestAsync(cancellationToken);
            var elapsed = Stopwatch.GetElapsedTime(began);
            if (unrest.Count == 0 || elapsed > limit)
            {
                return elapsed.TotalSeconds;
            }

            if (Stopwatch.GetElapsedTime(told) > TimeSpan.FromSeconds(15))
            {
                told = Stopwatch.GetTimestamp();
                await progress.WriteLineAsync($"  waiting for rest: {string.Join("; ", unrest.Take(3).Select(u => $"{u.What} {u.Detail}"))}");
            }

            await Task.Delay(500, cancellationToken);
        }
    }

    /// <exception cref="InvalidOperationException">A promise was broken: no figure of this run means anything.</exception>
    public async Task<string> JudgeAsync(CancellationToken cancellationToken)
    {
        await reader.ReadBackAsync(cancellationToken);
        var evidence = await reader.ReadAsync([], null, cancellationToken);
        var violations = Verdict.Of(evidence);
        return violations.Count == 0
            ? string.Create(CultureInfo.InvariantCulture, $"ok: {evidence.Payments.Count} payments, {evidence.Told.Count} answers, {evidence.Events.Count} events, {evidence.Lines.Count} postings, {evidence.Charges.Count} charges, {evidence.Received.Count} webhooks agree")
            : throw new InvalidOperationException($"VIOLATION: {violations.Count}, so no figure is shown:{Environment.NewLine}{string.Join(Environment.NewLine, violations.Take(10))}");
    }

    /// <summary>The least UUIDv7 of a moment.</summary>
    private static Guid FirstIdOf(DateTimeOffset moment) =>
        Guid.ParseExact(moment.ToUnixTimeMilliseconds().ToString("x12", CultureInfo.InvariantCulture).PadRight(32, '0'), "N");

    private async Task<long> SumAsync(string database, string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(product.ConnectionString(database) + ";Pooling=false");
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
