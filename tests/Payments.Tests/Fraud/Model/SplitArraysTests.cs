using Payments.Fraud.Model;
using Payments.Fraud.Training;

namespace Payments.Tests.Fraud.Model;

public sealed class SplitArraysTests
{
    [Fact]
    public void A_tree_of_arrays_becomes_nodes_with_scaled_leaves_and_the_covers_of_rows()
    {
        // Comparison 0: f0 at most 5 → comparison 1, otherwise leaf 0. Comparison 1: f1 at most 2 → leaf 2, otherwise leaf 1.
        var tree = new SplitArrays([1, ~2], [~0, ~1], [0, 1], [5, 2], [10, 20, 30], MissingLeft: true).ToTree(0.5)
            .WithCovers(new(new float[] { 9, 0, 5, 3, float.NaN, 2 }, 2, [true, false, false], [1, 2, 4]));
        Assert.Equal(
            [
                new(0, 5, 1, 4, true, 0, 7), new(1, 2, 2, 3, true, 0, 6), TreeNode.Leaf(15, 4), TreeNode.Leaf(10, 2), TreeNode.Leaf(5, 1),
            ],
            tree.Nodes.AsEnumerable());

        // The file takes it.
        var ensemble = new Ensemble(RandomEnsembles.Origin, ["a", "b"], 0, [tree], new PlattCalibration(1, 0, 1));
        Assert.Equal(tree.Nodes.AsEnumerable(), EnsembleFile.Read(EnsembleFile.Write(ensemble)).Trees[0].Nodes);
    }

    [Fact]
    public void A_tree_without_comparisons_is_its_leaf() =>
        Assert.Equal([TreeNode.Leaf(6, 0)], new SplitArrays([], [], [], [], [3], MissingLeft: true).ToTree(2).Nodes.AsEnumerable());

    [Fact]
    public void Covers_measured_afterwards_are_those_of_the_trainer()
    {
        var random = new Random(1);
        var values = Enumerable.Range(0, 2_000).Select(_ => random.Next(7) == 0 ? float.NaN : (float)random.NextDouble()).ToArray();
        var rows = new TrainingRows(values, 4, [.. Enumerable.Range(0, 500).Select(i => values[4 * i] > 0.6)], [.. Enumerable.Range(0, 500).Select(i => i % 3 + 1f)]);
        var trained = new HistogramTrainer().Train(rows, null, new() { Rounds = 3 }, null, TestContext.Current.CancellationToken);
        Assert.All(trained.Trees, t => Assert.Equal(t.Nodes.AsEnumerable(), t.WithCovers(rows).Nodes));
    }

    [Fact]
    public void The_best_length_is_where_the_loss_on_other_rows_is_least()
    {
        DecisionTree Leaf(float value) => new([TreeNode.Leaf(value, 1)]);
        var rows = new TrainingRows(new float[4], 1, [true, true, true, false], [1, 1, 1, 1]);

        // The log-odds of three in four are 1.0986: 0.5 + 0.5 comes nearest.
        Assert.Equal(2, LogisticLoss.BestLength(0, [Leaf(0.5f), Leaf(0.5f), Leaf(0.5f), Leaf(-3)], rows));
        Assert.Equal(0, LogisticLoss.BestLength(1.0986, [Leaf(0.5f)], rows));
        Assert.Equal(Math.Log(2), LogisticLoss.Mean(rows, [0, 0, 0, 0]), 1e-12);
    }
}
