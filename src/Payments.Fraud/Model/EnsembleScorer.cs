namespace Payments.Fraud.Model;

/// <summary>A model's answer.</summary>
/// <param name="Raw">The log-odds of the trees.</param>
/// <param name="Score">0 (good) to 100 (certain fraud), calibrated: of the payments with 30, about 30 in 100 are frauds.</param>
/// <param name="Confidence">0 to 1: how exactly the score could be measured.</param>
public readonly record struct ModelScore(double Raw, double Score, double Confidence);

/// <summary>
/// An ensemble flattened for scoring: immutable, so any number of threads may share it, and without allocations. Four trees are
/// walked at once, so that the processor waits for four comparisons instead of one; a leaf is its own child until all have arrived.
/// An unknown value becomes −∞ or +∞, whichever leads where the node wants it, so that a step is one comparison.
/// </summary>
public sealed class EnsembleScorer
{
    private const int Lanes = 4;

    /// <summary>Features beyond this would not fit on the stack.</summary>
    public const int MostFeatures = 1_000;

    private readonly Step[] steps;
    private readonly float[] leaves;
    private readonly Group[] groups;
    private readonly double start;
    private readonly Calibration calibration;

    public EnsembleScorer(Ensemble ensemble)
    {
        ArgumentNullException.ThrowIfNull(ensemble);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ensemble.Features.Length, MostFeatures);
        Features = ensemble.Features.Length;
        start = ensemble.Base;
        calibration = ensemble.Calibration;

        // Trees of like depth walk together. The order of addition follows, and is the same for every call.
        var trees = ensemble.Trees.Select(t => (Tree: t, Depth: t.Depth())).OrderBy(t => t.Depth).ToList();
        while (trees.Count % Lanes != 0)
        {
            trees.Insert(0, (new([TreeNode.Leaf(0, 1)]), 0));
        }

        var size = trees.Sum(t => t.Tree.Nodes.Length);
        steps = new Step[size];
        leaves = new float[size];
        groups = new Group[trees.Count / Lanes];
        Span<int> roots = stackalloc int[Lanes];
        for (int i = 0, at = 0; i < trees.Count; i++)
        {
            roots[i % Lanes] = at;
            Flatten(trees[i].Tree, at);
            at += trees[i].Tree.Nodes.Length;
            if (i % Lanes == Lanes - 1)
            {
                groups[i / Lanes] = new(roots[0], roots[1], roots[2], roots[3], trees[i].Depth);
            }
        }
    }

    public int Features { get; }

    public ModelScore Score(ReadOnlySpan<float> row)
    {
        var raw = Raw(row);
        var calibrated = calibration.Of(raw);
        return new(raw, 100 * calibrated.Probability, calibrated.Confidence);
    }

    public double Raw(ReadOnlySpan<float> row)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(row.Length, Features);
        Span<float> known = stackalloc float[2 * Features];
        for (var i = 0; i < row.Length; i++)
        {
            var value = row[i];
            known[2 * i] = float.IsNaN(value) ? float.NegativeInfinity : value;
            known[2 * i + 1] = float.IsNaN(value) ? float.PositiveInfinity : value;
        }

        ReadOnlySpan<Step> all = steps;
        ReadOnlySpan<float> values = leaves;
        var sum = start;
        foreach (ref readonly var group in groups.AsSpan())
        {
            int a = group.A, b = group.B, c = group.C, d = group.D;
            for (var depth = group.Depth; depth > 0; depth--)
            {
                a = all[a].Next(known);
                b = all[b].Next(known);
                c = all[c].Next(known);
                d = all[d].Next(known);
            }

            sum += (double)values[a] + values[b] + values[c] + values[d];
        }

        return sum;
    }

    private void Flatten(DecisionTree tree, int offset)
    {
        for (var i = 0; i < tree.Nodes.Length; i++)
        {
            var node = tree.Nodes[i];
            leaves[offset + i] = node.Value;
            steps[offset + i] = node.IsLeaf
                ? new(0, float.PositiveInfinity, offset + i, offset + i)
                : new(2 * node.Feature + (node.MissingLeft ? 0 : 1), node.Threshold, offset + node.Left, offset + node.Right);
        }
    }

    private readonly record struct Group(int A, int B, int C, int D, int Depth);

    private readonly struct Step(int source, float threshold, int left, int right)
    {
        private readonly float threshold = threshold;
        private readonly int source = source;
        private readonly int left = left;
        private readonly int right = right;

        public int Next(ReadOnlySpan<float> known)
        {
            // Selected by arithmetic: which way a payment goes cannot be predicted, and a wrong guess costs more than the step.
            var goesRight = known[source] > threshold ? 1 : 0;
            return left + (right - left) * goesRight;
        }
    }
}
