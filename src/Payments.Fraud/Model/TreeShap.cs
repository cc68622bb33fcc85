namespace Payments.Fraud.Model;

/// <summary>
/// Exact Shapley values of a tree ensemble (Lundberg, Erion and Lee: Consistent Individualized Feature Attribution for Tree
/// Ensembles, algorithm 2): each feature's average effect over all orders in which features could become known, where an unknown
/// feature leaves it to the covers which way a payment goes. Immutable, may be shared by threads.
/// </summary>
public sealed class TreeShap
{
    // By length of a path and place in it, what weights are multiplied with: a division in the innermost loop costs more than all the rest.
    private static readonly Ratios[] ByLength = [.. Enumerable.Range(0, EnsembleValidation.MostDepth + 3).Select(length => new Ratios(length))];

    private readonly Ensemble ensemble;
    private readonly int deepest;

    public TreeShap(Ensemble ensemble)
    {
        ArgumentNullException.ThrowIfNull(ensemble);
        this.ensemble = ensemble;
        deepest = ensemble.Trees.Length == 0 ? 0 : ensemble.Trees.Max(t => t.Depth());
        Base = ensemble.Base + ensemble.Trees.Sum(t => t.Expectations()[0]);
    }

    /// <summary>The average raw score of the training rows.</summary>
    public double Base { get; }

    public Attribution Of(ReadOnlySpan<float> row)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(row.Length, ensemble.Features.Length);
        var contributions = new double[ensemble.Features.Length];

        // A path of depth d has d + 2 entries, and each depth keeps its own copy.
        var paths = new Entry[(deepest + 2) * (deepest + 3) / 2];
        foreach (var tree in ensemble.Trees)
        {
            new Walk(tree.Nodes.AsSpan(), row, contributions).Visit(0, paths, 0, new(-1, 1, 1, 0));
        }

        return new(Base, contributions);
    }

    /// <summary>A feature on the way to a node.</summary>
    /// <param name="Zero">Share of payments that go this way when the feature is unknown.</param>
    /// <param name="One">1 if this payment goes this way when it is known, otherwise 0.</param>
    /// <param name="Weight">Weight of the sets of known features of each size.</param>
    private record struct Entry(int Feature, double Zero, double One, double Weight);

    /// <summary>length / (i + 1), (length − 1 − i) / length, length / (length − 1 − i).</summary>
    private sealed class Ratios(int length)
    {
        public readonly double[] Up = [.. Enumerable.Range(0, length).Select(i => length / (i + 1.0))];
        public readonly double[] Down = [.. Enumerable.Range(0, length).Select(i => (length - 1.0 - i) / length)];
        public readonly double[] Rest = [.. Enumerable.Range(0, length).Select(i => length / (length - 1.0 - i))];
    }

    private readonly ref struct Walk(ReadOnlySpan<TreeNode> nodes, ReadOnlySpan<float> row, double[] contributions)
    {
        private readonly ReadOnlySpan<TreeNode> nodes = nodes;
        private readonly ReadOnlySpan<float> row = row;

        /// <param name="paths">Starts with the parent's path of <paramref name="length"/> entries; what follows is free.</param>
        public void Visit(int at, Span<Entry> paths, int length, Entry reached)
        {
            var path = paths[length..];
            paths[..length].CopyTo(path);
            Extend(path, length, reached);
            length++;

            var node = nodes[at];
            if (node.IsLeaf)
            {
                for (var i = 1; i < length; i++)
                {
                    contributions[path[i].Feature] += UnwoundWeight(path, length, i) * (path[i].One - path[i].Zero) * node.Value;
                }

                return;
            }

            // A feature that was compared before is known or unknown for both comparisons.
            var (zero, one) = (1.0, 1.0);
            for (var i = 1; i < length; i++)
            {
                if (path[i].Feature == node.Feature)
                {
                    (zero, one) = (path[i].Zero, path[i].One);
                    Unwind(path, length, i);
                    length--;
                    break;
                }
            }

            var hot = node.Next(row);
            var cold = hot == node.Left ? node.Right : node.Left;
            Visit(hot, path, length, new(node.Feature, zero * nodes[hot].Cover / node.Cover, one, 0));
            Visit(cold, path, length, new(node.Feature, zero * nodes[cold].Cover / node.Cover, 0, 0));
        }

        private static void Extend(Span<Entry> path, int length, Entry reached)
        {
            path[length] = reached with { Weight = length == 0 ? 1 : 0 };
            var share = 1.0 / (length + 1);
            for (var i = length - 1; i >= 0; i--)
            {
                var weight = path[i].Weight * share;
                path[i + 1].Weight += reached.One * weight * (i + 1);
                path[i].Weight = reached.Zero * weight * (length - i);
            }
        }

        private static void Unwind(Span<Entry> path, int length, int index)
        {
            var (zero, one) = (path[index].Zero, path[index].One);
            var next = path[length - 1].Weight;
            var ratios = ByLength[length];
            for (var i = length - 2; i >= 0; i--)
            {
                if (one != 0)
                {
                    var before = path[i].Weight;
                    path[i].Weight = next * ratios.Up[i];
                    next = before - path[i].Weight * zero * ratios.Down[i];
                }
                else
                {
                    path[i].Weight = path[i].Weight * ratios.Rest[i] / zero;
                }
            }

            for (var i = index; i < length - 1; i++)
            {
                path[i] = path[i + 1] with { Weight = path[i].Weight };
            }
        }

        /// <summary>The sum of the weights as they would be without one feature.</summary>
        private static double UnwoundWeight(ReadOnlySpan<Entry> path, int length, int index)
        {
            var (zero, one) = (path[index].Zero, path[index].One);
            var ratios = ByLength[length];
            double total = 0;
            if (one != 0)
            {
                var next = path[length - 1].Weight;
                var (up, down) = (ratios.Up, ratios.Down);
                for (var i = length - 2; i >= 0; i--)
                {
                    var weight = next * up[i];
                    total += weight;
                    next = path[i].Weight - weight * zero * down[i];
                }

                return total;
            }

            var rest = ratios.Rest;
            for (var i = length - 2; i >= 0; i--)
            {
                total += path[i].Weight * rest[i];
            }

            return total / zero;
        }
    }
}
