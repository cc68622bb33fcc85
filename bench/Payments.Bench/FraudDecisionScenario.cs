using System.Diagnostics;
using System.Globalization;
using Payments.Bench.Decisions;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Fraud.Model;
using Payments.TrafficGenerator;

namespace Payments.Bench;

/// <summary>
/// The whole decision, as the fraud service makes it: rules, lists, velocity in Redis, the model with its reasons, and the decision
/// stored in PostgreSQL, all on this machine. First a few askers one after the other: what a decision costs, whatever else the machine
/// does. Then at rising rates without waiting for answers; the promise is about the last.
/// </summary>
internal static class FraudDecisionScenario
{
    private const int PerSecond = 2_000;
    private const int Askers = 8;
    private const int WarmUp = 8_000;
    private const int Costed = 12_000;

    private static readonly (int PerSecond, int Seconds)[] Steps = [(500, 10), (1_000, 10), (PerSecond, 20)];

    public static async Task<IReadOnlyList<Figure>> RunAsync(Ensemble model, TextWriter progress, CancellationToken cancellationToken)
    {
        progress.WriteLine("starting PostgreSQL and Redis ...");
        await using var servers = await OwnServers.StartAsync(cancellationToken);
        await using var rig = await FraudRig.StartAsync(await servers.NewAsync(cancellationToken), streamed: false, model, cancellationToken);
        var questions = new Questions(new IdSource(TimeProvider.System));
        var run = new Run(servers, rig, [.. TrafficFlow.Payments(new(Seed: 1, PaymentsPerDay: 2_000_000, Customers: 1_000_000, Merchants: 1_000))
            .Take(WarmUp + Costed + Steps.Sum(s => s.PerSecond * s.Seconds)).Select(questions.Of)]);

        progress.WriteLine("warming up ...");
        await run.CostAsync(WarmUp, cancellationToken);
        progress.WriteLine("one after the other ...");
        List<Figure> figures = [.. await run.CostAsync(Costed, cancellationToken)];
        figures.ForEach(f => progress.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {f.Name}: {f.Value:F0} {f.Unit}")));
        foreach (var (perSecond, seconds) in Steps)
        {
            progress.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{perSecond} decisions a second for {seconds} seconds ..."));
            figures.AddRange(await run.MeasureAsync(perSecond, seconds, cancellationToken));
        }

        return figures;
    }

    /// <summary>Of the last minute, by everybody.</summary>
    private static double Load() => double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture);

    /// <summary>Asks one question after the other.</summary>
    private sealed class Run(OwnServers servers, FraudRig rig, FraudRequest[] asked)
    {
        private int next;
        private int modelled;
        private int rejected;
        private int notPlain;

        /// <summary>What a decision takes of the processors.</summary>
        public async Task<IEnumerable<Figure>> CostAsync(int decisions, CancellationToken cancellationToken)
        {
            notPlain = 0;
            var last = next + decisions;
            var (before, service, began) = (servers.Used(), Environment.CpuUsage.TotalTime, Stopwatch.GetTimestamp());
            await Task.WhenAll(Enumerable.Range(0, Askers).Select(_ => Task.Run(AskAsync, cancellationToken)));
            service = Environment.CpuUsage.TotalTime - service;
            var after = servers.Used();
            next = last;
            return
            [
                new("cost: CPU, service", service.TotalMicroseconds / decisions, "µs"),
                new("cost: CPU, PostgreSQL", (after.Postgres - before.Postgres) / decisions, "µs"),
                new("cost: CPU, Redis", (after.Redis - before.Redis) / decisions, "µs"),
                new($"cost: answered by {Askers} askers", decisions / Stopwatch.GetElapsedTime(began).TotalSeconds, "per second"),
                new("cost: not plain", 100.0 * notPlain / decisions, "%"),
            ];

            async Task AskAsync()
            {
                for (var mine = Interlocked.Increment(ref next) - 1; mine < last; mine = Interlocked.Increment(ref next) - 1)
                {
                    await DecideAsync(asked[mine], cancellationToken);
                }
            }
        }

        public Task<OpenLoopResult> DecideAsync(int perSecond, int seconds, CancellationToken cancellationToken)
        {
            var first = next;
            next += perSecond * seconds;
            return OpenLoop.RunAsync(perSecond * seconds, perSecond, i => DecideAsync(asked[first + i], cancellationToken), cancellationToken);
        }

        public async Task<IEnumerable<Figure>> MeasureAsync(int perSecond, int seconds, CancellationToken cancellationToken)
        {
            (modelled, rejected, notPlain) = (0, 0, 0);
            var (load, collections, before) = (Load(), GC.CollectionCount(0), servers.Used());
            var service = Environment.CpuUsage.TotalTime;
            var result = await DecideAsync(perSecond, seconds, cancellationToken);
            service = Environment.CpuUsage.TotalTime - service;
            var after = servers.Used();
            double decisions = perSecond * seconds;
            var promised = perSecond == PerSecond;
            var at = string.Create(CultureInfo.InvariantCulture, $"at {perSecond}/s");
            return
            [
                new($"{at}: decision p50", Latencies.Percentile(result.Milliseconds, 50), "ms"),
                new($"{at}: p90", Latencies.Percentile(result.Milliseconds, 90), "ms"),
                new($"{at}: p99", Latencies.Percentile(result.Milliseconds, 99), "ms", promised ? 5 : null),
                new($"{at}: p99.9", Latencies.Percentile(result.Milliseconds, 99.9), "ms"),
                new($"{at}: longest", result.Milliseconds[^1], "ms"),
                new($"{at}: answered", result.PerSecond, "per second"),
                new($"{at}: failed", result.Failed, "", 0),
                new($"{at}: without model", decisions - result.Failed - modelled, "", 0),
                new($"{at}: rejected", 100 * rejected / decisions, "%"),
                new($"{at}: not plain", 100 * notPlain / decisions, "%"),
                new($"{at}: most under way", result.MostUnderWay, ""),
                new($"{at}: CPU, service and load", service.TotalMicroseconds / decisions, "µs"),
                new($"{at}: CPU, PostgreSQL", (after.Postgres - before.Postgres) / decisions, "µs"),
                new($"{at}: CPU, Redis", (after.Redis - before.Redis) / decisions, "µs"),
                new($"{at}: collections", GC.CollectionCount(0) - collections, ""),
                new($"{at}: machine's load before", load, $"{Environment.ProcessorCount} cores"),
                new($"{at}: machine's load after", Load(), $"{Environment.ProcessorCount} cores"),
            ];
        }

        private async Task DecideAsync(FraudRequest request, CancellationToken cancellationToken)
        {
            var decision = await rig.Scorer.ScoreAsync(request, cancellationToken);
            _ = decision.ModelVersion is null ? 0 : Interlocked.Increment(ref modelled);
            _ = decision.Verdict == FraudVerdict.Reject ? Interlocked.Increment(ref rejected) : 0;
            _ = decision.Verdict == FraudVerdict.Approve && decision.ThreeDSecure == ThreeDSecureRequest.None ? 0 : Interlocked.Increment(ref notPlain);
        }
    }
}
