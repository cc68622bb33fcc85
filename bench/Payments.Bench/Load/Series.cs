using System.Globalization;

namespace Payments.Bench.Load;

/// <summary>The slices of one kind of load, and what became of them together.</summary>
internal sealed class Series(string name)
{
    private readonly List<Slice> slices = [];

    public string Name => name;

    public Consumption Consumed { get; private set; } = Consumption.Nothing;

    /// <summary>The longest that consumers took to apply what a slice had left them.</summary>
    public double LongestCatchUp { get; private set; }

    public long MostLag { get; private set; }

    public double Calls => slices.Sum(s => s.Milliseconds.Length);

    public double PerSecond => Median(slices.Select(s => s.PerSecond));

    /// <summary>Calls that went well, by the time until their events were applied too.</summary>
    public double PerSecondApplied => Calls / (slices.Sum(s => s.Seconds) + TotalCatchUp);

    public double P99 => Latencies.Percentile(Sorted(), 99);

    private double TotalCatchUp { get; set; }

    /// <summary>Measures one slice, with what was consumed until its events were applied everywhere.</summary>
    public async Task MeasureAsync(LoadRun run, Func<Task<Slice>> load, CancellationToken cancellationToken)
    {
        var statements = run.Profile is { } profile ? await profile.ReadAsync(cancellationToken) : null;
        var before = await Consumption.ReadAsync(run, cancellationToken);
        var slice = await load();
        var began = TimeProvider.System.GetTimestamp();
        var lag = (await run.Integrity.LagAsync(cancellationToken)).Events;
        MostLag = Math.Max(MostLag, lag);
        while (lag > 0 && TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(120))
        {
            await Task.Delay(200, cancellationToken);
            lag = (await run.Integrity.LagAsync(cancellationToken)).Events;
        }

        var catchUp = TimeProvider.System.GetElapsedTime(began).TotalSeconds;
        (LongestCatchUp, TotalCatchUp) = (Math.Max(LongestCatchUp, catchUp), TotalCatchUp + catchUp);
        await Task.Delay(1_200, cancellationToken); // statistics are behind by up to a second
        Consumed += await Consumption.BetweenAsync(run.Product, before, await Consumption.ReadAsync(run, cancellationToken), cancellationToken);
        slices.Add(slice);
        if (statements is not null)
        {
            run.Profile!.Add(name, slice.Milliseconds.Length, statements, await run.Profile.ReadAsync(cancellationToken));
        }

        await run.Progress.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
            $"  {name}: {slice.PerSecond:0}/s{(slice.Milliseconds.Length > 0 ? $", p50 {Latencies.Percentile(slice.Milliseconds, 50):0.0} ms, p99 {Latencies.Percentile(slice.Milliseconds, 99):0.0} ms" : "")}, applied {catchUp:0.0} s later{string.Concat(slice.Others.Select(o => $", {o.Key}: {o.Value}"))}"));
    }

    public IEnumerable<Figure> Figures()
    {
        var sorted = Sorted();
        if (sorted.Length == 0)
        {
            throw new InvalidOperationException($"{name}: nothing went as it should: {string.Join(", ", slices.SelectMany(s => s.Others).Select(o => $"{o.Key}: {o.Value}"))}");
        }

        return
        [
            new(name, PerSecond, "per second"),
            new($"{name} with events applied", PerSecondApplied, "per second"),
            new($"{name} p50", Latencies.Percentile(sorted, 50), "ms"),
            new($"{name} p90", Latencies.Percentile(sorted, 90), "ms"),
            new($"{name} p99", Latencies.Percentile(sorted, 99), "ms"),
            new($"{name} p99.9", Latencies.Percentile(sorted, 99.9), "ms"),
            new($"{name} most lag of events", MostLag, "events"),
            .. slices.SelectMany(s => s.Others).GroupBy(o => o.Key).Select(g => new Figure($"{name} ended {g.Key}", g.Sum(o => o.Value), "")),
        ];
    }

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? double.NaN : sorted[sorted.Length / 2];
    }

    private double[] Sorted() => [.. slices.SelectMany(s => s.Milliseconds).Order()];
}
