using System.Diagnostics;
using System.Globalization;
using Payments.Chaos.Load;

namespace Payments.Bench.Load;

/// <summary>A built tree on an empty directory: everything is made, started, and a payment captured.</summary>
internal static class ColdStartScenario
{
    private const int Times = 3;

    public static async Task<IReadOnlyList<Figure>> RunAsync(TextWriter progress, CancellationToken cancellationToken)
    {
        // Together they are deleted in the end: for a minute after a deletion ext4 looks long for room for new files.
        var directory = Directory.CreateTempSubdirectory("payments-bench-").FullName;
        try
        {
            return await RunAsync(directory, progress, cancellationToken);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task<IReadOnlyList<Figure>> RunAsync(string directory, TextWriter progress, CancellationToken cancellationToken)
    {
        using var journal = new Journal();
        await using var sink = await Sink.StartAsync(journal, cancellationToken);
        var seconds = new List<double>();
        for (var i = 0; i < Times; i++)
        {
            var began = Stopwatch.GetTimestamp();
            await using var product = await OneProcess.StartAsync(sink.Address, profile: false, cancellationToken, Path.Combine(directory, i.ToString(CultureInfo.InvariantCulture)));
            await product.SetLatencyAsync(0, cancellationToken);
            var shops = await BenchShops.OpenAsync(product, _ => sink.Hooks, 1, 1, cancellationToken);
            using var teller = new Teller(product.Api, journal);
            var answer = await teller.AskAsync(Errand.Sale(1, shops[0]), remember: false, cancellationToken);
            seconds.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
            if (answer.Status != 201)
            {
                throw new InvalidOperationException("The first payment ended otherwise: " + LoadRun.Ended(answer));
            }

            await progress.WriteLineAsync($"  {seconds[^1]:0.0} s");
        }

        return [new("to the first captured payment", Series.Median(seconds), "s", 5) { Floor = 8 }];
    }
}
