using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Payments.AllInOne.Embedded;
using Payments.Core;
using Payments.Platform.Postgres;
using Payments.Reconciliation;
using Payments.Reconciliation.Imports;
using Payments.Reconciliation.Matching;

namespace Payments.Bench;

/// <summary>
/// As many provider lines as ledger items, over ten days, with a few missing, doubled and changed: importing, comparing, and what the same
/// server takes for the bare full outer join of the two tables; medians of rounds in turn. Sizes in millions: <c>PAYMENTS_BENCH_RECON_MILLIONS</c>, 1 and 5 by default.
/// </summary>
internal static class ReconciliationScenario
{
    private const int Days = 10;
    private const int Rounds = 3;
    private const int JoinMegabytes = 64;
    private const double MostGrowth = 1.15;
    private const double MostMegabytes = 400;
    private const double MostOverBareJoin = 3;

    // As a server has it that keeps so much: both sizes are compared in memory, not one in it and one beside it.
    private static readonly Dictionary<string, string> Server = new() { ["shared_buffers"] = "3GB" };

    public static readonly Scenario Reconciliation = new("recon", "reconciliation: provider lines against as many ledger items", (progress, stop) => RunAsync(progress, stop).GetAwaiter().GetResult());

    private sealed record Measured(double Millions, double Import, double Match, double BareJoin);

    private static async Task<IReadOnlyList<Figure>> RunAsync(TextWriter progress, CancellationToken cancellationToken)
    {
        var sizes = (Environment.GetEnvironmentVariable("PAYMENTS_BENCH_RECON_MILLIONS") ?? "1,5").Split(',').Select(m => double.Parse(m, CultureInfo.InvariantCulture)).ToArray();
        var directory = Directory.CreateTempSubdirectory("payments-bench-").FullName;
        var measured = new List<Measured>();
        ForgetPeak();
        try
        {
            await using var server = await PostgresServer.StartAsync(new() { Directory = directory, Password = "only-for-this-run", Settings = Server }, cancellationToken);
            foreach (var millions in sizes)
            {
                measured.Add(await MeasureAsync(server, directory, millions, progress, cancellationToken));
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        using var process = Process.GetCurrentProcess();
        var figures = new List<Figure>();
        foreach (var (millions, import, match, bare) in measured)
        {
            var of = string.Create(CultureInfo.InvariantCulture, $"{millions} M");
            figures.Add(new($"{of}: import", import / millions, "s per million"));
            figures.Add(new($"{of}: match", match / millions, "s per million"));
            figures.Add(new($"{of}: bare join", bare / millions, "s per million"));
            figures.Add(new($"{of}: match / join", match / bare, "x", MostOverBareJoin));
        }

        if (measured.Count > 1)
        {
            var (first, last) = (measured[0], measured[^1]);
            figures.Add(new("growth, match", last.Match / last.Millions / (first.Match / first.Millions), "x of linear", MostGrowth));
            figures.Add(new("growth, import", last.Import / last.Millions / (first.Import / first.Millions), "x of linear", MostGrowth));
        }

        figures.Add(new("peak memory", process.PeakWorkingSet64 / 1048576.0, "MiB", MostMegabytes));
        return figures;
    }

    private static async Task<Measured> MeasureAsync(PostgresServer server, string directory, double millions, TextWriter progress, CancellationToken cancellationToken)
    {
        var count = (int)(millions * 1_000_000);
        var name = string.Create(CultureInfo.InvariantCulture, $"recon_{count}");
        await using var database = NpgsqlDataSource.Create(await server.CreateDatabaseAsync(name, cancellationToken) + ";Command Timeout=0");
        await Migrations.ApplyAsync(database, Migrations.In(typeof(ReconciliationModule).Assembly, Plumbing.Inbox), cancellationToken);
        progress.WriteLine($"{count} items ...");
        await ItemsAsync(database, count, cancellationToken);
        var file = Path.Combine(directory, name + ".csv");
        await WriteAsync(file, count, cancellationToken);

        progress.WriteLine("importing ...");
        var importing = Stopwatch.GetTimestamp();
        var imported = await new Importer(database).ImportAsync(file, Mode.Test, null, null, cancellationToken);
        var import = Stopwatch.GetElapsedTime(importing).TotalSeconds;
        Invariant.Holds(imported is { State: "complete", Quarantined: 0 }, "the whole file is imported");
        File.Delete(file);
        await ExecuteAsync(database, "VACUUM ANALYZE recon.items", cancellationToken);
        await ExecuteAsync(database, "VACUUM ANALYZE recon.lines", cancellationToken);

        // What the import left to be written is not the comparison's time.
        await ExecuteAsync(database, "CHECKPOINT", cancellationToken);
        var (bare, match) = (new List<double>(), new List<double>());
        for (var round = 1; round <= Rounds; round++)
        {
            progress.WriteLine(string.Create(CultureInfo.InvariantCulture, $"the bare join, and comparing: {round} of {Rounds} ..."));
            bare.Add(await BareJoinAsync(database, cancellationToken));
            await ExecuteAsync(database, $"SELECT recon.touch('test', 'provider', 'stripe', date '2026-03-01' + d) FROM generate_series(0, {Days - 1}) d", cancellationToken);
            var began = Stopwatch.GetTimestamp();
            var compared = await new Matcher(database, NullLogger<Matcher>.Instance) { JoinMegabytes = JoinMegabytes }.MatchAsync(null, null, cancellationToken);
            match.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
            Invariant.Holds(compared.Days >= Days, "every day is compared anew");
        }

        return new(millions, import, Median(match), Median(bare));
    }

    /// <summary>What other scenarios of this process held is not this one's.</summary>
    private static void ForgetPeak()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        File.WriteAllText("/proc/self/clear_refs", "5");
    }

    private static double Median(List<double> seconds) => seconds.Order().ElementAt(seconds.Count / 2);

    private static async Task<double> BareJoinAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var began = Stopwatch.GetTimestamp();
        await using var command = new NpgsqlCommand($"""
            SET work_mem = '{JoinMegabytes}MB'; SET enable_mergejoin = off; SET jit = off;
            SELECT count(*), sum(o.gross), sum(t.gross) FROM recon.items o FULL JOIN recon.lines t ON t.match_key = o.match_key
            """, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
        return Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    private static async Task ItemsAsync(NpgsqlDataSource database, int count, CancellationToken cancellationToken)
    {
        await ExecuteAsync(database, "SELECT recon.make_partitions('2026-03-01', '2026-03-31'); SELECT recon.open_day('test', 'provider', 'stripe', '2026-03-01')", cancellationToken);
        await ExecuteAsync(database, $"""
            INSERT INTO recon.items (item_id, match_key, occurrence, day, mode, leg, provider, kind, reference, alternative, currency, gross, fee, payment_id, merchant_id, source, occurred_at)
            SELECT lpad(to_hex(i), 32, '0')::uuid, encode(substring(sha256(convert_to('test|provider|stripe|capture|pi_' || i || '|USD', 'UTF8')) FROM 1 FOR 16), 'hex')::uuid, 1,
                date '2026-03-01' + (i::bigint * {Days} / {count + 1})::int, 'test', 'provider', 'stripe', 'capture', 'pi_' || i, 'pi_' || i, 'USD', 1000 + i % 5000, 30 + i % 50,
                lpad(to_hex(i), 32, '1')::uuid, lpad(to_hex(i % 1000), 32, '2')::uuid, 'payment.captured', timestamptz '2026-03-01 12:00:00Z'
            FROM generate_series(1, {count}) i
            """, cancellationToken);
        await ExecuteAsync(database, $"SELECT recon.touch('test', 'provider', 'stripe', date '2026-03-01' + d) FROM generate_series(0, {Days - 1}) d", cancellationToken);
    }

    private static async Task WriteAsync(string file, int count, CancellationToken cancellationToken)
    {
        await using var text = new StreamWriter(file);
        await text.WriteLineAsync("automatic_payout_id,automatic_payout_effective_at_utc,balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,payment_intent_id");
        for (var i = 1; i <= count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (gross, fee) = (1000 + (i % 5000) + (i % 10_037 == 0 ? 1 : 0), 30 + (i % 50));
            var day = 1 + (int)((long)i * Days / (count + 1));
            var line = string.Create(CultureInfo.InvariantCulture,
                $"po_{day},2026-03-{day + 2:00} 00:00:00,txn_{i},2026-03-{day:00} 12:00:00,usd,{gross / 100}.{gross % 100:00},{fee / 100}.{fee % 100:00},{(gross - fee) / 100}.{(gross - fee) % 100:00},charge,ch_{i},pi_{i}");
            for (var times = i % 10_007 == 0 ? 0 : i % 10_009 == 0 ? 2 : 1; times > 0; times--)
            {
                await text.WriteLineAsync(line);
            }
        }
    }

    private static async Task ExecuteAsync(NpgsqlDataSource database, string sql, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(sql);
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
