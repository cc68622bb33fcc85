using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Payments.Bench.Decisions;

namespace Payments.Bench.Load;

/// <summary>Sales that come at their times, whatever became of those before.</summary>
internal static class OpenScenarios
{
    private const int Many = 256;

    /// <summary>Twice of what the closed loop got done; what is refused must be refused at once and say when to come again.</summary>
    public static async Task<IReadOnlyList<Figure>> OverloadAsync(LoadSettings settings, TextWriter progress, CancellationToken cancellationToken)
    {
        await using var run = await LoadRun.StartWarmAsync(settings, progress, cancellationToken);
        var capacity = new Series("capacity");
        await capacity.MeasureAsync(
            run, () => ClosedLoop.RunAsync(Many, TimeSpan.FromSeconds(settings.SliceSeconds), stop => run.SellAsync(int.MaxValue, stop), cancellationToken), cancellationToken);
        var rate = 2 * capacity.PerSecond;
        await progress.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"  {rate:0} sales a second for {settings.SliceSeconds} s ..."));
        var (accepted, refused, other, silent) = (new ConcurrentQueue<double>(), new ConcurrentQueue<double>(), new ConcurrentQueue<string>(), 0);
        var began = Stopwatch.GetTimestamp();
        var all = await OpenLoop.RunAsync((int)(rate * settings.SliceSeconds), rate, async index =>
        {
            var sent = Stopwatch.GetTimestamp();
            var answer = await run.Teller.AskAsync(run.NextSale(), remember: true, cancellationToken);
            var sinceDue = Stopwatch.GetElapsedTime(began).TotalMilliseconds - (index * 1000 / rate);
            switch (answer.Status)
            {
                case 201 or 202:
                    accepted.Enqueue(sinceDue);
                    break;
                case 429 or 503:
                    refused.Enqueue(Stopwatch.GetElapsedTime(sent).TotalMilliseconds);
                    silent += answer.SaysWhenToRetry ? 0 : 1;
                    break;
                default:
                    other.Enqueue(LoadRun.Ended(answer));
                    break;
            }
        }, cancellationToken);
        await run.JudgeAsync(cancellationToken);
        double[] good = [.. accepted.Order()], bad = [.. refused.Order()];
        return
        [
            new("capacity", capacity.PerSecond, "per second"),
            new("capacity p99", capacity.P99, "ms"),
            new("offered", rate, "per second"),
            new("accepted", good.Length / (double)settings.SliceSeconds, "per second"),
            new("refused", bad.Length / (double)settings.SliceSeconds, "per second"),
            new("accepted p50", Of(good, 50), "ms"),
            new("accepted p99", Of(good, 99), "ms"),
            new("accepted p99 / that at capacity", Of(good, 99) / capacity.P99, "x", 3),
            new("refusal p50", Of(bad, 50), "ms"),
            new("refusal p99", Of(bad, 99), "ms", 5),
            new("refusals without Retry-After", silent, "", 0),
            new("failed otherwise", all.Failed + other.Count, "", 0),
            new("most under way", all.MostUnderWay, ""),
        ];
    }

    /// <summary>Providers take 250 ms, lognormal; the rest of an answer's time is ours.</summary>
    public static async Task<IReadOnlyList<Figure>> LatencyAsync(LoadSettings settings, TextWriter progress, CancellationToken cancellationToken)
    {
        const double median = 250;
        await using var run = await LoadRun.StartWarmAsync(settings, progress, cancellationToken);
        var seconds = settings.SliceSeconds * settings.Slices;
        await SellAsync(run, settings.PerSecond, settings.SliceSeconds, cancellationToken);
        var alone = await SellAsync(run, settings.PerSecond, seconds, cancellationToken);
        await run.Product.SetLatencyAsync(median, cancellationToken);
        var slow = await SellAsync(run, settings.PerSecond, seconds, cancellationToken);
        await run.Product.SetLatencyAsync(0, cancellationToken);
        await run.JudgeAsync(cancellationToken);
        return
        [
            new("with 0 ms: p50 (our own share)", Of(alone.Milliseconds, 50), "ms", 3) { Floor = 5 },
            new("with 0 ms: p99 (our own share)", Of(alone.Milliseconds, 99), "ms", 20) { Floor = 25 },
            new("with 250 ms: p50", Of(slow.Milliseconds, 50), "ms"),
            new("with 250 ms: p50 above the median", Of(slow.Milliseconds, 50) - median, "ms"),
            new("with 250 ms: p99", Of(slow.Milliseconds, 99), "ms"),
            new("offered", settings.PerSecond, "per second"),
            new("answered with 0 ms", alone.PerSecond, "per second"),
            new("answered with 250 ms", slow.PerSecond, "per second"),
            new("failed", alone.Failed + slow.Failed, "", 0),
        ];
    }

    /// <param name="ended">How those ended that were not captured.</param>
    internal static Task<OpenLoopResult> SellAsync(LoadRun run, double perSecond, int seconds, CancellationToken cancellationToken, ConcurrentBag<string>? ended = null) =>
        OpenLoop.RunAsync((int)(perSecond * seconds), perSecond, async _ =>
        {
            if (await run.SellAsync(int.MaxValue, cancellationToken) is { } other)
            {
                ended?.Add(other);
                throw new InvalidOperationException(other);
            }
        }, cancellationToken);

    internal static double Of(double[] sorted, double percent) => sorted.Length == 0 ? double.NaN : Latencies.Percentile(sorted, percent);
}
