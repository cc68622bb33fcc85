using System.Collections.Immutable;
using Payments.Fraud.Model;

namespace Payments.Tests.Fraud.Model;

/// <summary>Seeded trees and rows of any shape.</summary>
internal static class RandomEnsembles
{
    public static EnsembleOrigin Origin { get; } =
        new("test", "random", 7, 0, 86_400, 100, 3, ImmutableSortedDictionary<string, double>.Empty.Add("average_precision", 0.5));

    public static Ensemble Of(Random random, int trees, int leaves, int features, Calibration? calibration = null) => new(
        Origin,
        [.. Enumerable.Range(0, features).Select(f => $"f{f}")],
        random.NextDouble() - 3,
        [.. Enumerable.Range(0, trees).Select(_ => Tree(random, leaves, features))],
        calibration ?? new PlattCalibration(1, 0, 100));

    public static DecisionTree Tree(Random random, int leaves, int features)
    {
        var nodes = new List<TreeNode> { TreeNode.Leaf((float)(random.NextDouble() - 0.5), 0) };
        var open = new List<int> { 0 };
        while (open.Count < leaves)
        {
            var at = open[random.Next(open.Count)];
            open.Remove(at);
            nodes[at] = new(random.Next(features), (float)Math.Round(random.NextDouble(), 1), nodes.Count, nodes.Count + 1, random.Next(2) == 0, 0, 0);
            for (var child = 0; child < 2; child++)
            {
                open.Add(nodes.Count);
                nodes.Add(TreeNode.Leaf((float)(random.NextDouble() - 0.5), 0));
            }
        }

        for (var i = nodes.Count - 1; i >= 0; i--)
        {
            nodes[i] = nodes[i] with { Cover = nodes[i].IsLeaf ? 1 + random.Next(50) : nodes[nodes[i].Left].Cover + nodes[nodes[i].Right].Cover };
        }

        return new([.. nodes]);
    }

    /// <summary>Values that often hit a threshold exactly, and are often unknown.</summary>
    public static float[] Row(Random random, int features) =>
        [.. Enumerable.Range(0, features).Select(_ => random.Next(5) == 0 ? float.NaN : (float)Math.Round(random.NextDouble(), 1))];
}
