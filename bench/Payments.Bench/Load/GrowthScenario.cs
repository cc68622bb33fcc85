namespace Payments.Bench.Load;

/// <summary>Sales on empty tables and on full ones, in one run, each as a ratio to B beside it.</summary>
internal static class GrowthScenario
{
    private const int Many = 256;

    public static async Task<IReadOnlyList<Figure>> RunAsync(LoadSettings settings, TextWriter progress, CancellationToken cancellationToken)
    {
        PastPayments.CheckRoom(settings.Payments);
        await using var run = await LoadRun.StartAsync(settings, progress, cancellationToken);
        await run.Baseline.PrepareAsync(cancellationToken);
        var (empty, few) = await SellAsync("empty at");
        await run.Integrity.RestAsync(TimeSpan.FromMinutes(2), progress, cancellationToken);
        await progress.WriteLineAsync($"  loading {settings.Payments} payments ...");
        var (took, bytes) = await new PastPayments(run).LoadAsync(settings.Payments, cancellationToken);
        var (full, many) = await SellAsync("full at");
        await run.JudgeAsync(cancellationToken);
        var (before, after) = (few.PerSecond / empty.B, many.PerSecond / full.B);
        return
        [
            new("payments loaded", settings.Payments, ""),
            new("loading", took.TotalSeconds, "s"),
            new("a loaded payment", bytes / settings.Payments, "bytes"),
            new("B beside empty", empty.B, "per second"), .. few.Figures(), .. few.Consumed.Per(few.Name, few.Calls), new($"{few.Name} / B", before, "x"),
            new("B beside full", full.B, "per second"), .. many.Figures(), .. many.Consumed.Per(many.Name, many.Calls), new($"{many.Name} / B", after, "x"),
            new("full / empty, sales a second", many.PerSecond / few.PerSecond, "x"),
            new("full / empty, each / B", after / before, "x") { AtLeast = 0.9, Floor = 0.8 },
        ];

        async Task<(SaleSlices Slices, Series Series)> SellAsync(string name)
        {
            await run.WarmUpAsync(int.MaxValue, cancellationToken);
            var slices = new SaleSlices([Many], name);
            await slices.MeasureAsync(run, cancellationToken);
            return (slices, slices.All[0].Series);
        }
    }
}
