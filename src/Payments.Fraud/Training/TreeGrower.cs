using System.Collections.Immutable;
using Payments.Fraud.Model;

namespace Payments.Fraud.Training;

/// <summary>
/// Grows one tree leaf by leaf, always where the loss falls most. Features are shared out among threads and each feature is summed
/// in the order of rows, so that the number of threads and their timing change nothing.
/// </summary>
internal sealed class TreeGrower
{
    private const double LeastGain = 1e-9;

    private readonly BinnedRows binned;
    private readonly TrainingRows rows;
    private readonly TrainingOptions options;
    private readonly ParallelOptions parallel;
    private readonly Stack<Histogram> spare = new();
    private readonly int binsPerFeature;
    private readonly float[] leafGradients;
    private readonly float[] leafHessians;
    private readonly int[] scratch;

    public TreeGrower(BinnedRows binned, TrainingRows rows, TrainingOptions options, CancellationToken cancellationToken)
    {
        (this.binned, this.rows, this.options) = (binned, rows, options);
        parallel = new() { MaxDegreeOfParallelism = options.Threads, CancellationToken = cancellationToken };
        binsPerFeature = Enumerable.Range(0, rows.Columns).Max(binned.BinsOf);
        leafGradients = new float[rows.Count];
        leafHessians = new float[rows.Count];
        scratch = new int[rows.Count];
    }

    /// <param name="order">Rows that the tree sees; reordered.</param>
    /// <param name="features">Features that it may use.</param>
    public DecisionTree Grow(Span<int> order, int[] features, float[] gradients, float[] hessians)
    {
        var nodes = new List<TreeNode> { default };
        var open = new PriorityQueue<Leaf, (double, int)>();
        var work = order.ToArray();
        var whole = Fill(work, 0, work.Length, features, gradients, hessians);
        Offer(new Leaf(Node: 0, From: 0, work.Length, Depth: 0, whole, Total(whole.Of(features[0])), Split.None));

        var leaves = 1;
        while (open.Count > 0 && leaves < options.MaxLeaves)
        {
            var leaf = open.Dequeue();
            var split = leaf.Best;
            var middle = Divide(work, leaf, split);
            var smallerIsLeft = middle - leaf.From <= leaf.From + leaf.Count - middle;
            var (from, count) = smallerIsLeft ? (leaf.From, middle - leaf.From) : (middle, leaf.From + leaf.Count - middle);
            var smaller = Fill(work, from, count, features, gradients, hessians);
            Parallel.ForEach(features, parallel, feature => leaf.Histogram.Subtract(feature, smaller));

            var (left, right) = (nodes.Count, nodes.Count + 1);
            nodes[leaf.Node] = new(split.Feature, binned.Above(split), left, right, split.MissingLeft, 0, 0);
            nodes.Add(default);
            nodes.Add(default);
            leaves++;
            Offer(new Leaf(left, leaf.From, middle - leaf.From, leaf.Depth + 1, smallerIsLeft ? smaller : leaf.Histogram, split.Left, Split.None));
            Offer(new Leaf(right, middle, leaf.From + leaf.Count - middle, leaf.Depth + 1, smallerIsLeft ? leaf.Histogram : smaller, split.Right, Split.None));
        }

        while (open.Count > 0)
        {
            Close(open.Dequeue());
        }

        return new([.. WithCovers(nodes)]);

        void Offer(Leaf leaf)
        {
            var best = leaf.Depth < options.MaxDepth ? Search(leaf.Histogram, features, leaf.Sums) : Split.None;
            if (best.Gain > LeastGain)
            {
                open.Enqueue(leaf with { Best = best }, (-best.Gain, leaf.Node));
            }
            else
            {
                Close(leaf);
            }
        }

        void Close(Leaf leaf)
        {
            spare.Push(leaf.Histogram);
            double cover = 0;
            foreach (var row in work.AsSpan(leaf.From, leaf.Count))
            {
                cover += rows.Weights[row];
            }

            var value = -leaf.Sums.Gradient / (leaf.Sums.Hessian + options.L2) * options.LearningRate;
            nodes[leaf.Node] = TreeNode.Leaf((float)value, cover);
        }
    }

    private static IEnumerable<TreeNode> WithCovers(List<TreeNode> nodes)
    {
        for (var i = nodes.Count - 1; i >= 0; i--)
        {
            var node = nodes[i];
            nodes[i] = node.IsLeaf ? node : node with { Cover = nodes[node.Left].Cover + nodes[node.Right].Cover };
        }

        return nodes;
    }

    private static BinSums Total(ReadOnlySpan<BinSums> bins)
    {
        BinSums total = default;
        foreach (ref readonly var bin in bins)
        {
            total.Add(bin);
        }

        return total;
    }

    private Histogram Fill(int[] work, int from, int count, int[] features, float[] gradients, float[] hessians)
    {
        var histogram = spare.Count > 0 ? spare.Pop() : new Histogram(rows.Columns, binsPerFeature);
        for (var i = 0; i < count; i++)
        {
            leafGradients[i] = gradients[work[from + i]];
            leafHessians[i] = hessians[work[from + i]];
        }

        Parallel.ForEach(features, parallel, feature =>
            histogram.Fill(feature, binned.Bins[feature], work.AsSpan(from, count), leafGradients.AsSpan(0, count), leafHessians.AsSpan(0, count)));
        return histogram;
    }

    private Split Search(Histogram histogram, int[] features, BinSums total)
    {
        var best = Split.None;
        foreach (var feature in features)
        {
            var candidate = histogram.Best(feature, binned.BinsOf(feature), total, options);
            best = candidate.Gain > best.Gain ? candidate : best;
        }

        return best;
    }

    /// <summary>Left rows first, both sides in their old order.</summary>
    private int Divide(int[] work, Leaf leaf, Split split)
    {
        var bins = binned.Bins[split.Feature];
        int left = leaf.From, right = 0;
        for (var i = leaf.From; i < leaf.From + leaf.Count; i++)
        {
            var row = work[i];
            var bin = bins[row];
            if (bin == 0 ? split.MissingLeft : bin <= split.Bin)
            {
                work[left++] = row;
            }
            else
            {
                scratch[right++] = row;
            }
        }

        scratch.AsSpan(0, right).CopyTo(work.AsSpan(left));
        return left;
    }

    private sealed record Leaf(int Node, int From, int Count, int Depth, Histogram Histogram, BinSums Sums, Split Best);
}
