using Payments.Fraud.Model;

namespace Payments.Tests.Fraud.Model;

public sealed class EnsembleScorerTests
{
    [Theory]
    [InlineData(0, 1, 3)]
    [InlineData(1, 1, 1)]
    [InlineData(1, 8, 2)]
    [InlineData(3, 2, 5)]
    [InlineData(7, 32, 10)]
    [InlineData(200, 32, 100)]
    public void The_flat_scorer_agrees_with_a_walk_through_the_trees(int trees, int leaves, int features)
    {
        var random = new Random(11);
        var ensemble = RandomEnsembles.Of(random, trees, leaves, features);
        var scorer = new EnsembleScorer(ensemble);
        for (var i = 0; i < 300; i++)
        {
            var row = RandomEnsembles.Row(random, features);
            Assert.Equal(ensemble.Raw(row), scorer.Raw(row), 1e-9);
        }
    }

    [Fact]
    public void Values_without_bounds_and_unknown_ones_go_where_the_tree_says()
    {
        //                     root: f0 > 1 ?   unknown goes left in one tree and right in the other
        DecisionTree Stump(bool missingLeft) => new([new(0, 1, 1, 2, missingLeft, 0, 2), TreeNode.Leaf(10, 1), TreeNode.Leaf(20, 1)]);
        foreach (var (value, left) in new[] { (float.NegativeInfinity, true), (1f, true), (1.0000001f, false), (float.PositiveInfinity, false), (float.MaxValue, false) })
        {
            foreach (var missingLeft in new[] { true, false })
            {
                Assert.Equal(left ? 10 : 20, Scorer(Stump(missingLeft)).Raw([value]));
            }
        }

        Assert.Equal(10, Scorer(Stump(missingLeft: true)).Raw([float.NaN]));
        Assert.Equal(20, Scorer(Stump(missingLeft: false)).Raw([float.NaN]));
    }

    [Fact]
    public void A_row_of_another_length_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new EnsembleScorer(RandomEnsembles.Of(new(1), 2, 4, 3)).Raw([1, 2]));

    [Fact]
    public async Task Many_threads_that_share_a_scorer_get_the_same_scores_as_one()
    {
        var random = new Random(5);
        var ensemble = RandomEnsembles.Of(random, 100, 32, 60);
        var scorer = new EnsembleScorer(ensemble);
        var rows = Enumerable.Range(0, 500).Select(_ => RandomEnsembles.Row(random, 60)).ToArray();
        var alone = Array.ConvertAll(rows, r => scorer.Score(r));

        using var barrier = new Barrier(8);
        var wrong = await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Factory.StartNew(
            () =>
            {
                barrier.SignalAndWait(TestContext.Current.CancellationToken);
                var different = 0;
                for (var i = 0; i < 5_000; i++)
                {
                    var row = (i * 7 + thread * 61) % rows.Length;
                    different += scorer.Score(rows[row]) == alone[row] ? 0 : 1;
                }

                return different;
            },
            TestContext.Current.CancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)));
        Assert.Equal(0, wrong.Sum());
    }

    [Fact]
    public void Scoring_and_path_attribution_allocate_nothing()
    {
        var random = new Random(3);
        var calibration = new IsotonicCalibration([new(-9, 0.001, 500), new(-3, 0.02, 200), new(0, 0.5, 50), new(4, 0.9, 10)]);
        var ensemble = RandomEnsembles.Of(random, 200, 32, 100, calibration);
        var (scorer, paths) = (new EnsembleScorer(ensemble), new PathAttribution(ensemble));
        var row = RandomEnsembles.Row(random, 100);
        var contributions = new double[100];
        double sum = 0;
        Score(10);

        // The runtime itself may allocate on a thread while it replaces code by faster code; scoring would do so every time.
        Assert.Contains(0, Enumerable.Range(0, 10).Select(_ => Allocated()).ToArray());
        Assert.True(double.IsFinite(sum));

        long Allocated()
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Score(1_000);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        void Score(int times)
        {
            for (var i = 0; i < times; i++)
            {
                sum += scorer.Score(row).Score;
                paths.Fill(row, contributions);
            }
        }
    }

    private static EnsembleScorer Scorer(DecisionTree tree) => new(new(RandomEnsembles.Origin, ["f0"], 0, [tree], new PlattCalibration(1, 0, 1)));
}
