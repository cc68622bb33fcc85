using Payments.Fraud.Model;

namespace Payments.Fraud.Training;

/// <summary>
/// A tree as boosting libraries keep it: arrays over the comparisons, where a negative child −(n + 1) is leaf n. At most the
/// threshold goes left.
/// </summary>
/// <param name="MissingLeft">Where unknown values go.</param>
public sealed record SplitArrays(
    IReadOnlyList<int> Left, IReadOnlyList<int> Right, IReadOnlyList<int> Feature, IReadOnlyList<float> Threshold, IReadOnlyList<double> Leaf, bool MissingLeft)
{
    /// <summary>The same tree with children after their parents, without covers. Leaves are multiplied by <paramref name="scale"/>.</summary>
    public DecisionTree ToTree(double scale)
    {
        var nodes = new List<TreeNode>();
        Add(Left.Count == 0 ? ~0 : 0);
        return new([.. nodes]);

        int Add(int child)
        {
            var at = nodes.Count;
            if (child < 0)
            {
                nodes.Add(TreeNode.Leaf((float)(Leaf[~child] * scale), 0));
                return at;
            }

            nodes.Add(default);
            var left = Add(Left[child]);
            var right = Add(Right[child]);
            nodes[at] = new(Feature[child], Threshold[child], left, right, MissingLeft, 0, 0);
            return at;
        }
    }
}

/// <summary>Weighs a tree's nodes with rows.</summary>
public static class Covers
{
    /// <summary>No node weighs nothing, even if rounding sent no row there.</summary>
    private const double Least = 1e-3;

    public static DecisionTree WithCovers(this DecisionTree tree, TrainingRows rows)
    {
        ArgumentNullException.ThrowIfNull(tree);
        ArgumentNullException.ThrowIfNull(rows);
        var nodes = tree.Nodes.ToArray();
        var covers = new double[nodes.Length];
        for (var row = 0; row < rows.Count; row++)
        {
            var at = 0;
            while (!nodes[at].IsLeaf)
            {
                at = nodes[at].Next(rows[row]);
            }

            covers[at] += rows.Weights[row];
        }

        for (var i = nodes.Length - 1; i >= 0; i--)
        {
            covers[i] = nodes[i].IsLeaf ? Math.Max(covers[i], Least) : covers[nodes[i].Left] + covers[nodes[i].Right];
            nodes[i] = nodes[i] with { Cover = covers[i] };
        }

        return new([.. nodes]);
    }
}
