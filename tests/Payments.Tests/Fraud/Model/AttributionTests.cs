using System.Numerics;
using Payments.Fraud.Features;
using Payments.Fraud.Model;

namespace Payments.Tests.Fraud.Model;

public sealed class AttributionTests
{
    [Fact]
    public void Exact_contributions_and_paths_add_up_to_the_raw_score()
    {
        var random = new Random(21);
        var ensemble = RandomEnsembles.Of(random, 200, 32, 40);
        var (shap, paths, scorer) = (new TreeShap(ensemble), new PathAttribution(ensemble), new EnsembleScorer(ensemble));
        for (var i = 0; i < 20; i++)
        {
            var row = RandomEnsembles.Row(random, 40);
            Assert.Equal(scorer.Raw(row), shap.Of(row).Raw, 1e-4);
            Assert.Equal(scorer.Raw(row), paths.Of(row).Raw, 1e-4);
            Assert.Equal(shap.Base, paths.Base, 1e-9);
        }
    }

    [Theory]
    [InlineData(1, 2, 1)]
    [InlineData(1, 4, 3)]
    [InlineData(2, 8, 2)]
    [InlineData(3, 12, 6)]
    [InlineData(5, 20, 8)]
    public void Exact_contributions_are_the_Shapley_values_of_the_definition(int trees, int leaves, int features)
    {
        var random = new Random(99);
        for (var i = 0; i < 10; i++)
        {
            var ensemble = RandomEnsembles.Of(random, trees, leaves, features);
            var row = RandomEnsembles.Row(random, features);
            var attribution = new TreeShap(ensemble).Of(row);
            Assert.Equal(Value(ensemble, row, known: 0), attribution.Base, 1e-9);
            for (var feature = 0; feature < features; feature++)
            {
                Assert.Equal(Shapley(ensemble, row, feature), attribution.Contributions[feature], 1e-9);
            }
        }
    }

    [Fact]
    public void A_path_credits_each_comparison_with_the_change_of_the_mean_leaf()
    {
        var random = new Random(17);
        var tree = RandomEnsembles.Tree(random, 16, 4);
        var ensemble = new Ensemble(RandomEnsembles.Origin, ["a", "b", "c", "d"], 0, [tree], new PlattCalibration(1, 0, 1));
        for (var i = 0; i < 30; i++)
        {
            var row = RandomEnsembles.Row(random, 4);
            var expected = new double[4];
            for (var at = 0; !tree.Nodes[at].IsLeaf; at = tree.Nodes[at].Next(row))
            {
                expected[tree.Nodes[at].Feature] += MeanLeaf(tree, tree.Nodes[at].Next(row)) - MeanLeaf(tree, at);
            }

            var actual = new PathAttribution(ensemble).Of(row);
            Assert.Equal(MeanLeaf(tree, 0), actual.Base, 1e-9);
            Assert.All(expected.Zip(actual.Contributions), pair => Assert.Equal(pair.First, pair.Second, 1e-9));
        }
    }

    [Fact]
    public void Contributions_become_named_factors_with_the_value_of_their_strongest_feature()
    {
        var contributions = new double[FeatureCatalogue.Count];
        var row = new float[FeatureCatalogue.Count];
        Set("amount", 0.5, 300);
        Set("card_unusual_7d", 1.0, 3);
        Set("card_unusual_14d", 1.5, 4);
        Set("merchant_fraud_share_7d", -0.25, float.NaN);

        var factors = RiskFactors.Of(new(-5, contributions), row);
        Assert.Equal(
            [("recent_unusual_spending", 2.5, "card_unusual_14d", 4f), ("high_amount", 0.5, "amount", 300f), ("merchant_fraud_history", -0.25, "merchant_fraud_share_7d", null)],
            factors.Select(f => (f.Name, f.Contribution, f.Feature, f.Value)));

        void Set(string feature, double contribution, float value)
        {
            var index = FeatureCatalogue.Names.IndexOf(feature);
            (contributions[index], row[index]) = (contribution, value);
        }
    }

    /// <summary>The mean over all leaves below a node, each by itself.</summary>
    private static double MeanLeaf(DecisionTree tree, int node)
    {
        double sum = 0, cover = 0;
        var open = new Stack<int>([node]);
        while (open.TryPop(out var at))
        {
            if (tree.Nodes[at].IsLeaf)
            {
                (sum, cover) = (sum + tree.Nodes[at].Value * tree.Nodes[at].Cover, cover + tree.Nodes[at].Cover);
            }
            else
            {
                open.Push(tree.Nodes[at].Left);
                open.Push(tree.Nodes[at].Right);
            }
        }

        return sum / cover;
    }

    private static double Shapley(Ensemble ensemble, float[] row, int feature)
    {
        double sum = 0;
        for (uint known = 0; known < 1u << row.Length; known++)
        {
            if ((known & (1u << feature)) == 0)
            {
                var size = BitOperations.PopCount(known);
                var weight = Factorial(size) * Factorial(row.Length - size - 1) / Factorial(row.Length);
                sum += weight * (Value(ensemble, row, known | (1u << feature)) - Value(ensemble, row, known));
            }
        }

        return sum;
    }

    private static double Factorial(int n) => n <= 1 ? 1 : n * Factorial(n - 1);

    /// <summary>What the model answers when only the features of the set are known.</summary>
    private static double Value(Ensemble ensemble, float[] row, uint known)
    {
        return ensemble.Base + ensemble.Trees.Sum(t => At(t, 0));

        double At(DecisionTree tree, int index)
        {
            var node = tree.Nodes[index];
            return node.IsLeaf ? node.Value
                : (known & (1u << node.Feature)) != 0 ? At(tree, node.Next(row))
                : (At(tree, node.Left) * tree.Nodes[node.Left].Cover + At(tree, node.Right) * tree.Nodes[node.Right].Cover) / node.Cover;
        }
    }
}
