using System.Globalization;

namespace Payments.Bench.Load;

/// <summary>Sales in closed loops with so many connections, in turns with the baseline.</summary>
internal sealed class SaleSlices(IEnumerable<int> connections, string name = "at")
{
    private readonly List<double> baseline = [];

    public IReadOnlyList<(int Connections, Series Series)> All { get; } =
        [.. connections.Select(c => (c, new Series(string.Create(CultureInfo.InvariantCulture, $"{name} {c}"))))];

    /// <summary>The median of the baseline's slices.</summary>
    public double B => Series.Median(baseline);

    public async Task MeasureAsync(LoadRun run, CancellationToken cancellationToken)
    {
        for (var i = 0; i < run.Settings.Slices; i++)
        {
            baseline.Add(await run.Baseline.MeasureAsync(run.Settings.SliceSeconds, cancellationToken));
            await run.Progress.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"  B: {baseline[^1]:0}/s"));
            foreach (var (clients, series) in All)
            {
                await series.MeasureAsync(
                    run, () => ClosedLoop.RunAsync(clients, TimeSpan.FromSeconds(run.Settings.SliceSeconds), stop => run.SellAsync(int.MaxValue, stop), cancellationToken), cancellationToken);
            }
        }
    }
}
