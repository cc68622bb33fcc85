namespace Payments.Fraud.Model;

/// <summary>
/// Exact Shapley values of a tree ensemble (Lundberg, Erion and Lee: Consistent Individualized Feature Attribution for Tree
/// Ensembles, algorithm 2): each feature's average effect over all orders in which features could become known, where an unknown
/// feature leaves it to the covers which way a payment goes. Immutable, may be shared by threads.
/// </summary>
public sealed class TreeShap
{
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
            for (var i = length - 1; i >= 0; i--)
            {
                path[i + 1].Weight += reached.One * path[i].Weight * (i + 1) / (length + 1);
                path[i].Weight = reached.Zero * path[i].Weight * (length - i) / (length + 1);
            }
        }

        private static void Unwind(Span<Entry> path, int length, int index)
        {
            var (zero, one) = (path[index].Zero, path[index].One);
            var next = path[length - 1].Weight;
            for (var i = length - 2; i >= 0; i--)
            {
                if (one != 0)
                {
                    var before = path[i].Weight;
                    path[i].Weight = next * length / ((i + 1) * one);
                    next = before - path[i].Weight * zero * (length - 1 - i) / length;
                }
                else
                {
                    path[i].Weight = path[i].Weight * length / (zero * (length - 1 - i));
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
            double total = 0, next = path[length - 1].Weight;
            for (var i = length - 2; i >= 0; i--)
            {
                if (one != 0)
                {
                    var weight = next * length / ((i + 1) * one);
                    total += weight;
                    next = path[i].Weight - weight * zero * (length - 1 - i) / length;
                }
                else
                {
                    total += path[i].Weight * length / (zero * (length - 1 - i));
                }
            }

            return total;
        }
    }
}
