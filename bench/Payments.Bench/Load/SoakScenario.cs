using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Payments.Platform;

namespace Payments.Bench.Load;

/// <summary>
/// Sales at a fixed rate for long, at the product as it is deployed: neither its memory, nor how far consumers are behind, nor the times of its
/// answers may grow. The simulated providers, whose books are kept whole in memory, are a process of their own.
/// </summary>
internal static class SoakScenario
{
    private const double Growth = 1.1;
    private const int PaymentsOfOneCard = 50;

    // Neither is the product's: what stands for the providers keeps its books whole in memory, and what stands for Kafka is no Kafka.
    private static readonly string[] Outside = [Names.Services.Simulators, "broker"];

    public static async Task<IReadOnlyList<Figure>> RunAsync(LoadSettings settings, TextWriter progress, CancellationToken cancellationToken)
    {
        // A card that pays hundreds of times within the hour is a fraud: there are so many that none does. The warm-up adds a few to each.
        var cards = (int)Math.Ceiling(settings.PerSecond * 60 * settings.Minutes / settings.Shops / PaymentsOfOneCard);
        settings = settings with { CardsOfEach = Math.Max(settings.CardsOfEach, cards) };
        await using var run = await LoadRun.StartWarmAsync(settings, progress, cancellationToken, separate: true);
        var minutes = new List<Minute>();
        for (var minute = 0.0; minute < settings.Minutes; minute++)
        {
            var seconds = (int)Math.Ceiling(60 * Math.Min(1, settings.Minutes - minute));
            var ended = new ConcurrentBag<string>();
            var result = await OpenScenarios.SellAsync(run, settings.PerSecond, seconds, cancellationToken, ended);
            var now = new Minute(OpenScenarios.Of(result.Milliseconds, 99), (await run.Integrity.LagAsync(cancellationToken)).Events, run.Product.Processes.Where(p => !Outside.Contains(p.Key)).ToDictionary(p => p.Key, p => Megabytes(p.Value)));
            minutes.Add(now);
            await progress.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                $"  minute {minutes.Count}: {result.PerSecond:0}/s, p99 {now.P99:0.0} ms, {now.Memory.Values.Sum():0} MiB, {now.Lag} events behind, {result.Failed} failed {string.Join(", ", ended.CountBy(e => e).Select(e => $"({e.Key}: {e.Value})"))}"));
        }

        await run.JudgeAsync(cancellationToken);
        var third = Math.Max(1, minutes.Count / 3);
        double Middle(Func<Minute, double> of) => Series.Median(minutes.Skip(third).Take(third).DefaultIfEmpty(minutes[0]).Select(of));
        double Last(Func<Minute, double> of) => Series.Median(minutes.TakeLast(third).Select(of));
        return
        [
            new("minutes", minutes.Count, ""),
            new("p99, last third", Last(m => m.P99), "ms"),
            new("p99, last / middle third", Last(m => m.P99) / Middle(m => m.P99), "x", Growth),
            new("memory, last third", Last(m => m.Memory.Values.Sum()), "MiB"),
            new("memory, last / middle third", Last(m => m.Memory.Values.Sum()) / Middle(m => m.Memory.Values.Sum()), "x", Growth),
            .. minutes[0].Memory.Keys.SelectMany(name => (Figure[])
            [
                new($"memory of {name}, middle third", Middle(m => m.Memory[name]), "MiB"),
                new($"memory of {name}, last third", Last(m => m.Memory[name]), "MiB"),
            ]),
            new("events behind, last third", Last(m => m.Lag), "events"),
        ];
    }

    private static double Megabytes(int processId)
    {
        using var process = Process.GetProcessById(processId);
        return process.WorkingSet64 / 1048576.0;
    }

    /// <param name="Lag">Events.</param>
    /// <param name="Memory">What is resident of each service, in MiB.</param>
    private sealed record Minute(double P99, long Lag, IReadOnlyDictionary<string, double> Memory);
}
