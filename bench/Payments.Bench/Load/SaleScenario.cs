using System.Globalization;

namespace Payments.Bench.Load;

/// <summary>Complete sales: key, token, fraud decision, both writes, the provider, event, posting, webhook queued.</summary>
internal static class SaleScenario
{
    private const int Many = 256;
    private const int Some = 64;
    private const double QuickMachine = 4_000;

    /// <param name="shops">At how many merchants.</param>
    public static async Task<IReadOnlyList<Figure>> RunAsync(LoadSettings settings, int shops, TextWriter progress, CancellationToken cancellationToken)
    {
        await using var run = await LoadRun.StartAsync(settings, progress, cancellationToken);
        await progress.WriteLineAsync("  preparing the baseline ...");
        await run.Baseline.PrepareAsync(cancellationToken);
        await progress.WriteLineAsync("  warming up ...");
        await ClosedLoop.RunAsync(Some, TimeSpan.FromSeconds(settings.WarmUpSeconds), stop => run.SellAsync(shops, stop), cancellationToken);
        await run.Integrity.RestAsync(TimeSpan.FromMinutes(2), progress, cancellationToken);

        var baseline = new List<double>();
        var series = settings.Connections.Select(c => (Connections: c, Series: new Series(string.Create(CultureInfo.InvariantCulture, $"at {c}")))).ToArray();
        for (var i = 0; i < settings.Slices; i++)
        {
            baseline.Add(await run.Baseline.MeasureAsync(settings.SliceSeconds, cancellationToken));
            await progress.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"  B: {baseline[^1]:0}/s"));
            foreach (var (connections, one) in series)
            {
                await one.MeasureAsync(
                    run, () => ClosedLoop.RunAsync(connections, TimeSpan.FromSeconds(settings.SliceSeconds), stop => run.SellAsync(shops, stop), cancellationToken), cancellationToken);
            }
        }

        var rest = await run.JudgeAsync(cancellationToken);
        var b = Series.Median(baseline);
        return [new("B", b, "per second"), .. series.SelectMany(s => Figures(s.Connections, s.Series, b)), new("webhooks delivered after", rest, "s"), new("telemetry sent", run.TelemetryMegabytes, "MiB")];
    }

    private static IEnumerable<Figure> Figures(int connections, Series series, double b)
    {
        foreach (var figure in series.Figures())
        {
            yield return figure;
        }

        var ratio = new Figure($"{series.Name} / B", series.PerSecond / b, "x");
        var used = series.Consumed;
        switch (connections)
        {
            case Many:
                yield return ratio with { AtLeast = 1, Floor = 0.8 };
                if (b >= QuickMachine)
                {
                    yield return new("sales a second where B is quick", series.PerSecond, "per second") { AtLeast = QuickMachine };
                }

                foreach (var figure in used.Per(series.Name, series.Calls))
                {
                    yield return figure;
                }

                yield return new($"{series.Name} CPU, everything", (used.Product + used.Postgres + used.Redis + used.Load) / series.Calls, "µs", 450) { Floor = 600 };
                yield return new($"{series.Name} commits", used.Commits / series.Calls, "", 0.1) { Floor = 0.2 };
                yield return new($"{series.Name} WAL", used.WalBytes / series.Calls / 1000, "kB", 6) { Floor = 8 };
                break;
            case Some:
                yield return ratio with { AtLeast = 0.9, Floor = 0.7 };
                break;
            default:
                yield return ratio;
                break;
        }
    }
}
