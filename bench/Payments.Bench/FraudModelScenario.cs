using System.Collections.Immutable;
using Payments.Fraud.Features;
using Payments.Fraud.Model;

namespace Payments.Bench;

/// <summary>The fraud model at 200 trees of 32 leaves over all features, which is more than the trained ones have; alone, and within whole decisions.</summary>
internal static class FraudModelScenario
{
    private const int Trees = 200;
    private const int Leaves = 32;
    private const int MostDepth = 10;

    /// <summary>Of the values of leaves in the whole decision: wide enough that some of the payments are more than plainly approved, and so have exact reasons.</summary>
    private const float Spread = 5;

    public static readonly Scenario Fraud = new(
        "fraud", $"the fraud model: scoring and reasons at {Trees} trees of {Leaves} leaves; whole decisions with rules, velocity and that model, on PostgreSQL and Redis", RunAll);

    private static IReadOnlyList<Figure> RunAll(TextWriter progress, CancellationToken cancellationToken) =>
        [.. Run(progress, cancellationToken), .. FraudDecisionScenario.RunAsync(Make(new Random(20_180_402), -7.5, Spread), progress, cancellationToken).GetAwaiter().GetResult()];

    private static IReadOnlyList<Figure> Run(TextWriter progress, CancellationToken cancellationToken)
    {
        var random = new Random(20_180_401);
        var ensemble = Make(random, -4, 1);
        var (scorer, paths, shap) = (new EnsembleScorer(ensemble), new PathAttribution(ensemble), new TreeShap(ensemble));
        var rows = Enumerable.Range(0, 1_024).Select(_ => Row(random)).ToArray();
        var contributions = new double[FeatureCatalogue.Count];
        double sum = 0;

        progress.WriteLine("scoring ...");
        var score = Latencies.Of(300_000, i => sum += scorer.Score(rows[i % rows.Length]).Score);
        ScoreMany();
        var before = GC.GetAllocatedBytesForCurrentThread();
        ScoreMany();
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        cancellationToken.ThrowIfCancellationRequested();

        progress.WriteLine("reasons by path ...");
        var byPath = Latencies.Of(50_000, i =>
        {
            paths.Fill(rows[i % rows.Length], contributions);
            sum += contributions[0];
        });
        cancellationToken.ThrowIfCancellationRequested();

        progress.WriteLine("exact reasons ...");
        var exact = Latencies.Of(1_000, i => sum += shap.Of(rows[i % rows.Length]).Contributions[0]);
        if (!double.IsFinite(sum))
        {
            throw new InvalidOperationException("A score is not a number.");
        }

        return
        [
            new("score p50", Latencies.Percentile(score, 50), "µs", 5),
            new("score p99", Latencies.Percentile(score, 99), "µs", 50),
            new("score allocations", allocated, "bytes", 0),
            new("reasons by path p50", Latencies.Percentile(byPath, 50), "µs"),
            new("reasons by path p99", Latencies.Percentile(byPath, 99), "µs"),
            new("exact reasons p50", Latencies.Percentile(exact, 50), "µs"),
            new("exact reasons p99", Latencies.Percentile(exact, 99), "µs"),
        ];

        // Once before it counts: the runtime allocates when it compiles the loop anew.
        void ScoreMany()
        {
            for (var i = 0; i < 100_000; i++)
            {
                sum += scorer.Score(rows[i % rows.Length]).Score;
            }
        }
    }

    private static Ensemble Make(Random random, double start, float spread) => new(
        new("bench", "random", 0, 0, 0, 1, 0, ImmutableSortedDictionary<string, double>.Empty),
        FeatureCatalogue.Names,
        start,
        [.. Enumerable.Range(0, Trees).Select(_ => Tree(random, spread))],
        new IsotonicCalibration([.. Enumerable.Range(0, 60).Select(i => new CalibrationPoint(i / 5.0 - 9, i / 60.0, 100))]));

    /// <summary>Grown at random leaves, as a trainer grows them where the loss falls most; seldom as deep as allowed.</summary>
    private static DecisionTree Tree(Random random, float spread)
    {
        var nodes = new List<TreeNode> { TreeNode.Leaf(0, 0) };
        var open = new List<(int Node, int Depth)> { (0, 0) };
        var leaves = 1;
        while (leaves < Leaves)
        {
            var chosen = random.Next(open.Count);
            var (at, depth) = open[chosen];
            open.RemoveAt(chosen);
            if (depth == MostDepth)
            {
                continue;
            }

            nodes[at] = new(random.Next(FeatureCatalogue.Count), (float)random.NextDouble(), nodes.Count, nodes.Count + 1, random.Next(2) == 0, 0, 0);
            for (var child = 0; child < 2; child++)
            {
                open.Add((nodes.Count, depth + 1));
                nodes.Add(TreeNode.Leaf(spread * (float)(random.NextDouble() - 0.5) / 10, 1 + random.Next(1_000)));
            }

            leaves++;
        }

        for (var i = nodes.Count - 1; i >= 0; i--)
        {
            nodes[i] = nodes[i].IsLeaf ? nodes[i] : nodes[i] with { Cover = nodes[nodes[i].Left].Cover + nodes[nodes[i].Right].Cover };
        }

        return new([.. nodes]);
    }

    private static float[] Row(Random random) =>
        [.. Enumerable.Range(0, FeatureCatalogue.Count).Select(_ => random.Next(10) == 0 ? float.NaN : (float)random.NextDouble())];
}
