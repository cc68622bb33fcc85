namespace Payments.Bench.Load;

/// <summary>Complete sales: key, token, fraud decision, both writes, the provider, event, posting, webhook queued.</summary>
internal static class SaleScenario
{
    private const int Many = 256;
    private const int Some = 64;
    private const double QuickMachine = 4_000;

    public static async Task<IReadOnlyList<Figure>> RunAsync(LoadSettings settings, TextWriter progress, CancellationToken cancellationToken)
    {
        await using var run = await LoadRun.StartAsync(settings, progress, cancellationToken);
        await run.Baseline.PrepareAsync(cancellationToken);
        await run.WarmUpAsync(int.MaxValue, cancellationToken);
        var slices = new SaleSlices(settings.Connections);
        await slices.MeasureAsync(run, cancellationToken);
        var rest = await run.JudgeAsync(cancellationToken);
        var b = slices.B;
        return [new("B", b, "per second"), .. slices.All.SelectMany(s => Figures(s.Connections, s.Series, b)), new("webhooks delivered after", rest, "s"), new("telemetry sent", run.TelemetryMegabytes, "MiB")];
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

                yield return new($"{series.Name} CPU, everything", used.Processors / series.Calls, "µs", 450) { Floor = 600 };
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
