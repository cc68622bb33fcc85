using System.Collections.Immutable;

namespace Payments.Fraud.Model;

/// <summary>One node of a tree. Children come after their parent; node 0 is the root.</summary>
/// <param name="Feature">Index of the feature that is compared, −1 for a leaf.</param>
/// <param name="Threshold">A value above it goes right, any other left.</param>
/// <param name="MissingLeft">Where a payment goes whose feature is unknown.</param>
/// <param name="Value">What a leaf adds to the raw score; 0 for an inner node.</param>
/// <param name="Cover">Weight of the training rows that came here; a parent's is the sum of its children's.</param>
public readonly record struct TreeNode(int Feature, float Threshold, int Left, int Right, bool MissingLeft, float Value, double Cover)
{
    public bool IsLeaf => Feature < 0;

    public static TreeNode Leaf(float value, double cover) => new(-1, 0, 0, 0, false, value, cover);

    /// <summary>Where a row goes from here: the one definition that everything else is tested against.</summary>
    public int Next(ReadOnlySpan<float> row)
    {
        var value = row[Feature];
        return float.IsNaN(value) ? MissingLeft ? Left : Right : value > Threshold ? Right : Left;
    }
}

/// <summary>A regression tree as it is trained, stored and explained; for scoring it is flattened.</summary>
public sealed record DecisionTree(ImmutableArray<TreeNode> Nodes)
{
    public int Leaves => (Nodes.Length + 1) / 2;

    public float Evaluate(ReadOnlySpan<float> row)
    {
        var at = 0;
        while (!Nodes[at].IsLeaf)
        {
            at = Nodes[at].Next(row);
        }

        return Nodes[at].Value;
    }

    /// <summary>Comparisons on the longest way from the root to a leaf.</summary>
    public int Depth()
    {
        Span<int> depth = Nodes.Length <= 1024 ? stackalloc int[Nodes.Length] : new int[Nodes.Length];
        var deepest = 0;
        for (var i = 0; i < Nodes.Length; i++)
        {
            deepest = Math.Max(deepest, depth[i]);
            if (!Nodes[i].IsLeaf)
            {
                depth[Nodes[i].Left] = depth[Nodes[i].Right] = depth[i] + 1;
            }
        }

        return deepest;
    }

    /// <summary>Of each node the mean of the leaves below it, weighted by cover: what the tree answers when nothing more is known.</summary>
    public double[] Expectations()
    {
        var expected = new double[Nodes.Length];
        for (var i = Nodes.Length - 1; i >= 0; i--)
        {
            var node = Nodes[i];
            expected[i] = node.IsLeaf
                ? node.Value
                : (expected[node.Left] * Nodes[node.Left].Cover + expected[node.Right] * Nodes[node.Right].Cover) / node.Cover;
        }

        return expected;
    }
}
