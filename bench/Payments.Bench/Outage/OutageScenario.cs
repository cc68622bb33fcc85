using System.Collections.Concurrent;
using System.Diagnostics;
using Payments.Bench.Decisions;
using Payments.Core.Seams;

namespace Payments.Bench.Outage;

/// <summary>
/// Payments at a steady rate while the fraud service and Redis are killed and the event stream is cut off, all at once. Whether every
/// payment has a decision in time, and whether one was approved that the documented default does not approve.
/// </summary>
internal static class OutageScenario
{
    public static readonly Scenario Outage = new(
        "outage", "payments while the fraud service, Redis and the event stream are killed: how long each waits for its decision, and what is decided",
        (progress, cancellationToken) => RunAsync(progress, cancellationToken).GetAwaiter().GetResult());

    private const int PerSecond = 40;
    private const int WarmUpSeconds = 15;
    private const int BeforeSeconds = 5;
    private const int OutageSeconds = 20;
    private const double Longest = 0.15;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // On both sides of every border of the default.
    private static readonly long[] Amounts = [4_000, 5_000, 5_001, 30_000, 50_000, 50_001, 90_000];

    private static async Task<IReadOnlyList<Figure>> RunAsync(TextWriter progress, CancellationToken cancellationToken)
    {
        await using var rig = await OutageRig.StartAsync(progress, cancellationToken);
        progress.WriteLine("warming up ...");
        await PayAsync(rig, WarmUpSeconds, cancellationToken);
        rig.Waits.Clear();
        var before = await PayAsync(rig, BeforeSeconds, cancellationToken);
        double[] waitsBefore = [.. rig.Waits.Order()];

        progress.WriteLine("killing the fraud service, Redis and the stream under load ...");
        rig.Waits.Clear();
        var paying = PayAsync(rig, OutageSeconds, cancellationToken);
        await rig.KillAsync();
        var during = await paying;
        double[] waits = [.. rig.Waits.Order()];

        progress.WriteLine("starting them again ...");
        var began = Stopwatch.GetTimestamp();
        await rig.RestoreAsync(cancellationToken);
        while (Stopwatch.GetElapsedTime(began) < Patience && (await rig.PayAsync(Amounts[0], cancellationToken)).ByDefault)
        {
            await Task.Delay(100, cancellationToken);
        }

        var back = Stopwatch.GetElapsedTime(began).TotalSeconds;
        var limits = new FraudDefault();
        return
        [
            new("before: payments", before.Count, ""),
            new("before: decided by default", before.Count(p => p.ByDefault), ""),
            new("before: wait for a decision p50", 1_000 * Latencies.Percentile(waitsBefore, 50), "ms"),
            new("before: p99", 1_000 * Latencies.Percentile(waitsBefore, 99), "ms"),
            new("killed: payments", during.Count, ""),
            new("killed: decided by default", during.Count(p => p.ByDefault), ""),
            new("killed: not answered 201", during.Count(p => p.Status != 201), "", 0),
            new("killed: without a decision", (PerSecond * OutageSeconds) - during.Count(p => p.Decision is not null), "", 0),
            new("killed: approved beyond the default", during.Count(p => p is { ByDefault: true, Decision: "approve" } && p.Amount > limits.ApproveUpToUsCents), "", 0),
            new("killed: beyond it not held", during.Count(p => p is { ByDefault: true, Decision: not "review" } && p.Amount > limits.ChallengeUpToUsCents), "", 0),
            new("killed: wait for a decision p50", 1_000 * Latencies.Percentile(waits, 50), "ms"),
            new("killed: p99", 1_000 * Latencies.Percentile(waits, 99), "ms"),
            new("killed: longest", 1_000 * waits[^1], "ms", 1_000 * Longest),
            new("killed: later than 150 ms", waits.Count(w => w > Longest), "", 0),
            new("decided by the service again after", back, "s"),
        ];
    }

    private static async Task<ConcurrentBag<PaidFor>> PayAsync(OutageRig rig, int seconds, CancellationToken cancellationToken)
    {
        var paid = new ConcurrentBag<PaidFor>();
        await OpenLoop.RunAsync(PerSecond * seconds, PerSecond, async i => paid.Add(await rig.PayAsync(Amounts[i % Amounts.Length], cancellationToken)), cancellationToken);
        return paid;
    }
}
