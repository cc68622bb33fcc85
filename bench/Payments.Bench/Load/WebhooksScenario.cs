using System.Globalization;
using Npgsql;
using Payments.Platform;

namespace Payments.Bench.Load;

/// <summary>
/// A tenth of the merchants have webhook endpoints that are dead: half of those refuse connections, half never answer. First nobody buys at
/// those, then everywhere; sales and what the living hear should stay as they were. In the end the dead come alive and hear everything too.
/// </summary>
internal static class WebhooksScenario
{
    private const int Shops = 20;
    private const int Living = 18;
    private const int Cards = 32;
    private const int Connections = 64;

    public static async Task<IReadOnlyList<Figure>> RunAsync(LoadSettings settings, TextWriter progress, CancellationToken cancellationToken)
    {
        await using var run = await LoadRun.StartAsync(settings with { Shops = Shops, CardsOfEach = Cards }, progress, cancellationToken, hooks: Hook);
        await run.Baseline.PrepareAsync(cancellationToken);
        await run.WarmUpAsync(Living, cancellationToken);
        var without = await PhaseAsync(run, "dead unused", Living, cancellationToken);
        var with = await PhaseAsync(run, "a tenth dead", Shops, cancellationToken);
        await run.Sink.ReviveAsync(cancellationToken);
        await DueNowAsync(run, cancellationToken);
        await run.JudgeAsync(cancellationToken);
        return
        [
            .. without.Figures(), .. with.Figures(),
            new("sales, a tenth dead / unused, each / B", with.SalesByB / without.SalesByB, "x") { AtLeast = 0.9, Floor = 0.8 },
            new("lag p50, a tenth dead / unused", with.Lag(50) / without.Lag(50), "x"),
            new("lag p99, a tenth dead / unused", with.Lag(99) / without.Lag(99), "x"),
        ];
    }

    private static Uri Hook(Sink sink, int shop) => shop < Living ? sink.Hooks : shop % 2 == 0 ? sink.Refusing : sink.Silent;

    private static async Task<Phase> PhaseAsync(LoadRun run, string name, int shops, CancellationToken cancellationToken)
    {
        var phase = new Phase(name);
        var first = run.Sink.Webhooks;
        for (var i = 0; i < run.Settings.Slices; i++)
        {
            phase.Baseline.Add(await run.Baseline.MeasureAsync(run.Settings.SliceSeconds, cancellationToken));
            await phase.Sales.MeasureAsync(run, () => SliceAsync(run, phase, shops, cancellationToken), cancellationToken);
        }

        await QuietAsync(run, cancellationToken);
        phase.Lags = run.Sink.Lags(first);
        await run.Progress.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"  {name}: {phase.Deliveries.Sum() / phase.Deliveries.Count:0} deliveries/s, lag p50 {phase.Lag(50):0} ms, p99 {phase.Lag(99):0} ms"));
        return phase;
    }

    private static async Task<Slice> SliceAsync(LoadRun run, Phase phase, int shops, CancellationToken cancellationToken)
    {
        var before = run.Sink.Webhooks;
        var slice = await ClosedLoop.RunAsync(Connections, TimeSpan.FromSeconds(run.Settings.SliceSeconds), stop => run.SellAsync(shops, stop), cancellationToken);
        phase.Deliveries.Add((run.Sink.Webhooks - before) / slice.Seconds);
        return slice;
    }

    /// <summary>Until the living have heard everything.</summary>
    private static async Task QuietAsync(LoadRun run, CancellationToken cancellationToken)
    {
        for (var heard = -1; heard != run.Sink.Webhooks;)
        {
            heard = run.Sink.Webhooks;
            await Task.Delay(3_000, cancellationToken);
        }
    }

    /// <summary>The schedule of retries goes over days; here nobody waits for it.</summary>
    private static async Task DueNowAsync(LoadRun run, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(run.Product.ConnectionString(Names.Databases.Webhooks) + ";Pooling=false");
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand("UPDATE deliveries SET next_attempt_at = now() WHERE status = 'pending'", connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private sealed class Phase(string name)
    {
        public List<double> Baseline { get; } = [];

        public Series Sales { get; } = new(string.Create(CultureInfo.InvariantCulture, $"{name}: sales at {Connections}"));

        /// <summary>A second, to endpoints that live, while there are sales.</summary>
        public List<double> Deliveries { get; } = [];

        public double[] Lags { get; set; } = [];

        public double SalesByB => Sales.PerSecond / Series.Median(Baseline);

        public double Lag(double percent) => Lags.Length == 0 ? double.NaN : Latencies.Percentile(Lags, percent);

        public IEnumerable<Figure> Figures() =>
        [
            new($"{name}: B", Series.Median(Baseline), "per second"), .. Sales.Figures(),
            new($"{name}: deliveries to the living", Series.Median(Deliveries), "per second"),
            new($"{name}: lag p50", Lag(50), "ms"),
            new($"{name}: lag p99", Lag(99), "ms"),
        ];
    }
}
