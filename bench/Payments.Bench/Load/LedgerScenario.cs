using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Payments.AllInOne.Embedded;
using Payments.Core;
using Payments.Ledger;
using Payments.Ledger.Chain;
using Payments.Ledger.Closing;
using Payments.Ledger.Controls;
using Payments.Platform.Postgres;
using Payments.Platform.Secrets;

namespace Payments.Bench.Load;

/// <summary>
/// The ledger's posting alone, by the code that its consumer runs: journals of sales, an authorization and a capture each, in batches.
/// What is compared with B are movements: one moves an amount between two accounts, as a transaction of B does.
/// </summary>
internal static class LedgerScenario
{
    // As many as a deployed ledger has replicas.
    private const int Writers = 2;
    private const int ManyMerchants = 1_000;

    // journals a batch, what movements a second are to be as a ratio to B, and what would do
    private static readonly (int Size, double? AtLeast, double? Floor)[] Batches = [(1, null, null), (100, 5, 4), (1_000, 10, 8)];

    // over how many merchants
    private static readonly (string Name, int Merchants)[] Spreads = [("spread", ManyMerchants), ("hot", 1)];

    public static async Task<IReadOnlyList<Figure>> RunAsync(LoadSettings settings, TextWriter progress, CancellationToken cancellationToken)
    {
        var directory = Directory.CreateTempSubdirectory("payments-bench-").FullName;
        try
        {
            await using var server = await PostgresServer.StartAsync(new() { Directory = directory, Password = "only-for-this-run" }, cancellationToken);
            return await RunAsync(server, settings, progress, cancellationToken);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task<IReadOnlyList<Figure>> RunAsync(PostgresServer server, LoadSettings settings, TextWriter progress, CancellationToken cancellationToken)
    {
        var connectionString = await server.CreateDatabaseAsync("ledger", cancellationToken);
        await using var owner = NpgsqlDataSource.Create(connectionString + ";Command Timeout=0");
        await Migrations.ApplyAsync(owner, Migrations.In(typeof(LedgerModule).Assembly, Plumbing.Inbox, Plumbing.Idempotency), cancellationToken);
        await using var service = NpgsqlDataSource.Create(new ServiceRole(LedgerModule.DefaultRole).Apply(connectionString));
        var baseline = new Baseline(server.ConnectionString("postgres"));
        await baseline.PrepareAsync(cancellationToken);

        var ids = new IdSource(TimeProvider.System);
        LedgerWriter[] writers = [.. Enumerable.Range(0, Writers).Select(n => new LedgerWriter(service, ids, n, Writers))];
        var variants = Batches.SelectMany(b => Spreads.Select(s => new Variant(b.Size, s.Name, [.. Enumerable.Range(0, s.Merchants).Select(_ => ids.New<MerchantId>())]))).ToArray();
        await progress.WriteLineAsync("  warming up ...");
        foreach (var variant in variants)
        {
            await variant.PostAsync(writers, TimeSpan.FromSeconds(settings.WarmUpSeconds / (double)variants.Length), cancellationToken);
        }

        var b = new List<double>();
        for (var i = 0; i < settings.Slices; i++)
        {
            b.Add(await baseline.MeasureAsync(settings.SliceSeconds, cancellationToken));
            await progress.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"  B: {b[^1]:0}/s"));
            foreach (var variant in variants)
            {
                await variant.MeasureAsync(server, writers, settings.SliceSeconds, progress, cancellationToken);
            }
        }

        var posted = writers.Aggregate(new Posted(), (sum, w) => sum + w.Posted);
        Array.ForEach(writers, w => w.Dispose());
        await JudgeAsync(owner, posted, progress, cancellationToken);
        return [new("B", Series.Median(b), "per second"), .. variants.SelectMany(v => Figures(v, Series.Median(b))), .. HotBesideSpread(variants)];
    }

    private static IEnumerable<Figure> Figures(Variant variant, double b)
    {
        var (_, atLeast, floor) = Batches.Single(batch => batch.Size == variant.Size);
        return
        [
            new($"{variant.Name}: journals", variant.JournalsPerSecond, "per second"),
            new($"{variant.Name}: movements", variant.MovementsPerSecond, "per second"),
            new($"{variant.Name}: CPU of PostgreSQL", variant.MicrosecondsPerJournal, "µs a journal"),
            new($"{variant.Name}: journals / B", variant.JournalsPerSecond / b, "x"),
            new($"{variant.Name}: movements / B", variant.MovementsPerSecond / b, "x") { AtLeast = atLeast, Floor = floor },
        ];
    }

    private static IEnumerable<Figure> HotBesideSpread(Variant[] variants) => Batches.Where(b => b.AtLeast is not null).Select(batch =>
    {
        var ofSize = variants.Where(v => v.Size == batch.Size).ToArray();
        return new Figure($"{batch.Size}: hot / spread", ofSize[^1].JournalsPerSecond / ofSize[0].JournalsPerSecond, "x") { AtLeast = 0.9, Floor = 0.8 };
    });

    /// <exception cref="InvalidOperationException">The books do not agree with what was posted, or with themselves: no figure means anything.</exception>
    private static async Task JudgeAsync(NpgsqlDataSource database, Posted posted, TextWriter progress, CancellationToken cancellationToken)
    {
        await progress.WriteLineAsync("  examining the books ...");
        await using (var analyze = database.CreateCommand("ANALYZE"))
        {
            await analyze.ExecuteNonQueryAsync(cancellationToken);
        }

        await using var command = database.CreateCommand("SELECT (SELECT count(*) FROM ledger.journals), (SELECT count(*) FROM ledger.movements)");
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        await row.ReadAsync(cancellationToken);
        var stored = new Posted(row.GetInt64(0), row.GetInt64(1));
        var chain = new ChainVerification(database);
        var closings = new Closings(database, chain, new ClosingKeys(new ConfigurationBuilder().Build(), LedgerOptions.Section, "ledger"), NullLogger<Closings>.Instance);
        var (found, _) = await new Audit(database, closings, chain).ExamineAsync(cancellationToken);
        if (stored != posted || found.Count > 0)
        {
            throw new InvalidOperationException(
                $"VIOLATION, so no figure is shown: {posted} went in, {stored} are there{Environment.NewLine}{string.Join(Environment.NewLine, found.Take(10))}");
        }

        await progress.WriteLineAsync($"  integrity ok: {stored.Journals} journals, {stored.Movements} movements, balances and chain agree");
    }

    /// <summary>One kind of batch, and how quickly it was posted.</summary>
    private sealed class Variant(int size, string spread, MerchantId[] merchants)
    {
        private readonly List<(Posted Posted, double Seconds, double Microseconds)> slices = [];

        public int Size => size;

        public string Name { get; } = string.Create(CultureInfo.InvariantCulture, $"{size} {spread}");

        public double JournalsPerSecond => Series.Median(slices.Select(s => s.Posted.Journals / s.Seconds));

        public double MovementsPerSecond => Series.Median(slices.Select(s => s.Posted.Movements / s.Seconds));

        public double MicrosecondsPerJournal => slices.Sum(s => s.Microseconds) / slices.Sum(s => s.Posted.Journals);

        public async Task<(Posted Posted, double Seconds)> PostAsync(LedgerWriter[] writers, TimeSpan duration, CancellationToken cancellationToken)
        {
            var before = Sum(writers);
            var idle = new ConcurrentBag<LedgerWriter>(writers);
            var slice = await ClosedLoop.RunAsync(
                writers.Length, duration,
                async stop =>
                {
                    Invariant.Holds(idle.TryTake(out var writer), "there are as many writers as clients");
                    await writer!.PostAsync(size, merchants, stop);
                    idle.Add(writer);
                    return null;
                },
                cancellationToken);
            var after = Sum(writers);
            return (new(after.Journals - before.Journals, after.Movements - before.Movements), slice.Seconds);
        }

        public async Task MeasureAsync(PostgresServer server, LedgerWriter[] writers, int seconds, TextWriter progress, CancellationToken cancellationToken)
        {
            var before = Processor.OfFamily(server.ProcessId!.Value);
            var (posted, took) = await PostAsync(writers, TimeSpan.FromSeconds(seconds), cancellationToken);
            slices.Add((posted, took, Processor.OfFamily(server.ProcessId!.Value) - before));
            await progress.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"  {Name}: {posted.Journals / took:0} journals/s, {posted.Movements / took:0} movements/s"));
        }

        private static Posted Sum(LedgerWriter[] writers) => writers.Aggregate(new Posted(), (sum, w) => sum + w.Posted);
    }
}
