namespace Payments.Bench.Load;

/// <summary>What it costs that every service is a process of its own: sales that way, and with all in one process, each as a ratio to B.</summary>
internal static class SeparateScenario
{
    private const int Many = 256;

    public static async Task<IReadOnlyList<Figure>> RunAsync(LoadSettings settings, TextWriter progress, CancellationToken cancellationToken)
    {
        var (together, one) = await MeasureAsync(separate: false);
        var (apart, separate) = await MeasureAsync(separate: true);
        var ratio = separate.PerSecond / apart.B;
        return
        [
            .. Figures(together, one), .. Figures(apart, separate),
            new($"{separate.Name} / B", ratio, "x") { AtLeast = 0.7, Floor = 0.5 },
            new("separate / one process, each / B", ratio / (one.PerSecond / together.B), "x"),
        ];

        async Task<(SaleSlices Slices, Series Series)> MeasureAsync(bool separate)
        {
            await using var run = await LoadRun.StartAsync(settings, progress, cancellationToken, separate);
            await run.Baseline.PrepareAsync(cancellationToken);
            await run.WarmUpAsync(int.MaxValue, cancellationToken);
            var slices = new SaleSlices([Many], separate ? "separate at" : "one process at");
            await slices.MeasureAsync(run, cancellationToken);
            await run.JudgeAsync(cancellationToken);
            return (slices, slices.All[0].Series);
        }

        static IEnumerable<Figure> Figures(SaleSlices slices, Series series) =>
            [new($"B beside {series.Name}", slices.B, "per second"), .. series.Figures(), .. series.Consumed.Per(series.Name, series.Calls)];
    }
}
