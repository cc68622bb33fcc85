using Payments.Fraud.Model;
using Payments.Fraud.Training;

namespace Payments.Tests.Fraud.Model;

public sealed class HistogramTrainerTests
{
    private static readonly TrainingOptions Bare = new()
    {
        Rounds = 1,
        LearningRate = 1,
        MaxLeaves = 2,
        MinLeafRows = 1,
        MinLeafHessian = 0,
        L2 = 1,
    };

    [Fact]
    public void One_split_is_the_one_computed_by_hand()
    {
        // Eight payments, the three largest are frauds. p = 3/8, so each has the derivative 3/8 or −5/8 and the second derivative 15/64.
        // Left of 5.5: G = 5 · 3/8 = 15/8, H = 5 · 15/64 = 75/64, leaf −G/(H + 1) = −120/139. Right: G = −15/8, H = 45/64, leaf 120/109.
        var trained = Train(Rows([1, 2, 3, 4, 5, 6, 7, 8], [0, 0, 0, 0, 0, 1, 1, 1]), Bare);
        Assert.Equal(Math.Log(3.0 / 5), trained.Base, 1e-12);
        Assert.Equal(
            [new(0, 5.5f, 1, 2, false, 0, 8), TreeNode.Leaf((float)(-120.0 / 139), 5), TreeNode.Leaf((float)(120.0 / 109), 3)],
            Assert.Single(trained.Trees).Nodes.AsEnumerable());
    }

    [Fact]
    public void The_second_round_starts_where_the_first_ended()
    {
        var trained = Train(Rows([1, 2, 3, 4, 5, 6, 7, 8], [0, 0, 0, 0, 0, 1, 1, 1]), Bare with { Rounds = 2 });
        var left = 1 / (1 + Math.Exp(-(Math.Log(3.0 / 5) - 120.0 / 139)));
        Assert.Equal(-5 * left / (5 * left * (1 - left) + 1), trained.Trees[1].Evaluate([1]), 1e-6);
    }

    [Theory]
    [InlineData(1, true)] // Unknown values behave like the large ones, which are frauds ...
    [InlineData(0, false)] // ... or like the small ones.
    public void Unknown_values_go_to_the_side_they_resemble(int missingLabel, bool right)
    {
        var trained = Train(Rows([1, 2, 3, 4, 5, 6, float.NaN, float.NaN], [0, 0, 0, 1, 1, 1, missingLabel, missingLabel]), Bare);
        var root = trained.Trees[0].Nodes[0];
        Assert.Equal(3.5f, root.Threshold);
        Assert.Equal(!right, root.MissingLeft);
    }

    [Fact]
    public void Being_unknown_can_be_the_very_sign()
    {
        var trained = Train(Rows([1, 2, 3, 1, 2, 3, float.NaN, float.NaN], [0, 0, 0, 0, 0, 0, 1, 1]), Bare);
        Assert.True(trained.Trees[0].Evaluate([float.NaN]) > 0);
        Assert.True(trained.Trees[0].Evaluate([1_000_000]) < 0);
        Assert.Equal(trained.Trees[0].Evaluate([1]), trained.Trees[0].Evaluate([1_000_000]));
    }

    [Fact]
    public void The_same_seed_makes_the_same_trees_on_any_number_of_threads_and_another_seed_makes_others()
    {
        var rows = Noisy(3_000, seed: 4);
        var options = new TrainingOptions { Rounds = 15, RowShare = 0.5, FeatureShare = 0.6, Seed = 9 };
        var first = Nodes(options with { Threads = 2 });
        Assert.Equal(first, Nodes(options with { Threads = 2 }));
        Assert.Equal(first, Nodes(options with { Threads = 1 }));
        Assert.NotEqual(first, Nodes(options with { Seed = 10 }));

        TreeNode[] Nodes(TrainingOptions how) => [.. Train(rows, how).Trees.SelectMany(t => t.Nodes)];
    }

    [Fact]
    public void Training_ends_when_the_rows_set_aside_gain_no_more_and_returns_the_best_length()
    {
        // The labels are chance: every tree makes it worse for rows not seen.
        var (rows, aside) = (Chance(400, seed: 1), Chance(400, seed: 2));
        var rounds = 0;
        var trained = new HistogramTrainer().Train(
            rows, aside, new() { Rounds = 200, LearningRate = 0.3, PatienceRounds = 5 }, p => rounds = p.Round, TestContext.Current.CancellationToken);
        Assert.InRange(rounds, 5, 60);
        Assert.Equal(rounds - 5, trained.Trees.Count);
    }

    [Fact]
    public void Boosting_learns_what_no_single_feature_shows()
    {
        // Fraud when exactly one of the two is large.
        var random = new Random(6);
        var values = Enumerable.Range(0, 4_000).Select(_ => (float)random.NextDouble()).ToArray();
        var labels = Enumerable.Range(0, 2_000).Select(i => (values[2 * i] > 0.5f) != (values[2 * i + 1] > 0.7f)).ToArray();
        var trained = Train(new(values, 2, labels, Ones(2_000)), new() { Rounds = 60, LearningRate = 0.2 });
        var right = Enumerable.Range(0, 2_000).Count(i => (trained.Base + trained.Trees.Sum(t => t.Evaluate(values.AsSpan(2 * i, 2))) > 0) == labels[i]);
        Assert.InRange(right, 1_970, 2_000);
    }

    [Fact]
    public void A_weight_counts_like_so_many_rows()
    {
        var weighted = new TrainingRows(new float[] { 1, 2, 3, 4 }, 1, [false, false, true, true], [3, 1, 1, 2]);
        var repeated = Rows([1, 1, 1, 2, 3, 4, 4], [0, 0, 0, 0, 1, 1, 1]);
        var (one, other) = (Train(weighted, Bare), Train(repeated, Bare));
        Assert.Equal(other.Base, one.Base, 1e-12);
        Assert.Equal(other.Trees[0].Nodes.AsEnumerable(), one.Trees[0].Nodes);

        var classWeighted = Train(Rows([1, 2, 3, 4], [0, 0, 1, 1]), Bare with { FraudWeight = 3 });
        Assert.Equal(Math.Log(3), classWeighted.Base, 1e-12);
    }

    [Fact]
    public void Training_without_frauds_is_refused() => Assert.Throws<ArgumentException>(() => Train(Rows([1, 2], [0, 0]), Bare));

    private static TrainedTrees Train(TrainingRows rows, TrainingOptions options) =>
        new HistogramTrainer().Train(rows, null, options, null, TestContext.Current.CancellationToken);

    private static TrainingRows Rows(float[] values, int[] labels) => new(values, 1, Array.ConvertAll(labels, l => l == 1), Ones(values.Length));

    private static TrainingRows Noisy(int count, int seed)
    {
        var random = new Random(seed);
        var values = Enumerable.Range(0, count * 10).Select(_ => random.Next(9) == 0 ? float.NaN : (float)random.NextDouble()).ToArray();
        return new(values, 10, [.. Enumerable.Range(0, count).Select(i => values[10 * i] + random.NextDouble() > 1.5)], Ones(count));
    }

    private static TrainingRows Chance(int count, int seed)
    {
        var random = new Random(seed);
        return new(
            Enumerable.Range(0, count * 5).Select(_ => (float)random.NextDouble()).ToArray(), 5,
            [.. Enumerable.Range(0, count).Select(_ => random.Next(3) == 0)], Ones(count));
    }

    private static float[] Ones(int count) => [.. Enumerable.Repeat(1f, count)];
}
