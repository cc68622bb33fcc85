using System.Globalization;
using Payments.Bench.Decisions;
using Payments.Core;
using Payments.Fraud.Model;
using Payments.TrafficGenerator;

namespace Payments.Bench;

/// <summary>
/// The whole decision, as the fraud service makes it: rules, lists, velocity in Redis, the model with its reasons, and the decision
/// stored in PostgreSQL, all on this machine, asked 2,000 times a second without waiting for answers.
/// </summary>
internal static class FraudDecisionScenario
{
    private const int PerSecond = 2_000;
    private const int WarmUpSeconds = 12;
    private const int Seconds = 20;

    public static async Task<IReadOnlyList<Figure>> RunAsync(Ensemble model, TextWriter progress, CancellationToken cancellationToken)
    {
        progress.WriteLine("starting PostgreSQL and Redis ...");
        await using var servers = await OwnServers.StartAsync(cancellationToken);
        await using var rig = await FraudRig.StartAsync(await servers.NewAsync(cancellationToken), streamed: false, model, cancellationToken);
        var questions = new Questions(new IdSource(TimeProvider.System));
        var asked = TrafficFlow.Payments(new(Seed: 1, PaymentsPerDay: 2_000_000, Customers: 1_000_000, Merchants: 1_000))
            .Take(PerSecond * (WarmUpSeconds + Seconds)).Select(questions.Of).ToArray();

        // Slowly first: the program is compiled and the pools are filled while nobody counts.
        progress.WriteLine("warming up ...");
        var slow = PerSecond * WarmUpSeconds / 4;
        await OpenLoop.RunAsync(slow, PerSecond / 2.0, i => rig.Scorer.ScoreAsync(asked[i], cancellationToken), cancellationToken);
        await OpenLoop.RunAsync((PerSecond * WarmUpSeconds) - slow, PerSecond, i => rig.Scorer.ScoreAsync(asked[slow + i], cancellationToken), cancellationToken);

        progress.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{PerSecond} decisions a second for {Seconds} seconds ..."));
        var (modelled, rejected, challenged) = (0, 0, 0);
        var load = Load();
        var (collections, busy) = (GC.CollectionCount(0), Environment.CpuUsage.TotalTime);
        var result = await OpenLoop.RunAsync(PerSecond * Seconds, PerSecond, DecideAsync, cancellationToken);
        busy = Environment.CpuUsage.TotalTime - busy;
        return
        [
            new("decision p50", Latencies.Percentile(result.Milliseconds, 50), "ms"),
            new("decision p90", Latencies.Percentile(result.Milliseconds, 90), "ms"),
            new("decision p99", Latencies.Percentile(result.Milliseconds, 99), "ms", 5),
            new("decision p99.9", Latencies.Percentile(result.Milliseconds, 99.9), "ms"),
            new("decision longest", result.Milliseconds[^1], "ms"),
            new("decisions answered", result.PerSecond, "per second"),
            new("decisions failed", result.Failed, "", 0),
            new("decisions without model", (PerSecond * Seconds) - result.Failed - modelled, "", 0),
            new("decisions rejected", 100.0 * rejected / asked.Length, "%"),
            new("decisions not plain", 100.0 * challenged / asked.Length, "%"),
            new("processor time of each", busy.TotalMicroseconds / (PerSecond * Seconds), "µs"),
            new("most under way", result.MostUnderWay, ""),
            new("collections", GC.CollectionCount(0) - collections, ""),
            new("machine's load before", load, $"{Environment.ProcessorCount} cores"),
            new("machine's load after", Load(), $"{Environment.ProcessorCount} cores"),
        ];

        async Task DecideAsync(int index)
        {
            var decision = await rig.Scorer.ScoreAsync(asked[(PerSecond * WarmUpSeconds) + index], cancellationToken);
            _ = decision.ModelVersion is null ? 0 : Interlocked.Increment(ref modelled);
            _ = decision.Verdict == FraudVerdict.Reject ? Interlocked.Increment(ref rejected) : 0;
            _ = decision.Verdict == FraudVerdict.Approve && decision.ThreeDSecure == ThreeDSecureRequest.None ? 0 : Interlocked.Increment(ref challenged);
        }
    }

    /// <summary>Of the last minute, by everybody.</summary>
    private static double Load() => double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture);
}
