using System.Collections.Immutable;

namespace Payments.Fraud.Model;

/// <summary>What makes a document a model; each refusal says where it stands.</summary>
internal static class EnsembleValidation
{
    public const int MostTrees = 10_000;
    public const int MostNodes = 4_095;
    public const int MostDepth = 64;

    /// <summary>Raw scores stay far from what a double cannot add up.</summary>
    private const double MostValue = 1e6;

    public static Ensemble Check(EnsembleDocument document)
    {
        Require(document.Format == EnsembleFile.Format, "format", $"must be \"{EnsembleFile.Format}\"");
        Require(document.FormatVersion == EnsembleFile.Version, "format_version", $"is {document.FormatVersion}; this program reads {EnsembleFile.Version}");
        Require(double.Abs(document.Base) <= MostValue, "base", "must be a finite number of reasonable size");
        Require(document.Features.Length is > 0 and <= EnsembleScorer.MostFeatures, "features", $"must be 1 to {EnsembleScorer.MostFeatures} names");
        Require(document.Features.All(f => f is { Length: > 0 and <= 100 }), "features", "must be names of 1 to 100 characters");
        Require(document.Features.Distinct(StringComparer.Ordinal).Count() == document.Features.Length, "features", "must differ");
        Require(document.Trees.Length <= MostTrees, "trees", $"must be at most {MostTrees}");
        return new(
            Origin(document.Origin),
            [.. document.Features],
            document.Base,
            [.. document.Trees.Select((t, i) => Tree(t, $"trees[{i}]", document.Features.Length))],
            Calibration(document.Calibration))
        {
            Profiles = Profiles(document),
        };
    }

    private static ImmutableSortedDictionary<string, FeatureProfile> Profiles(EnsembleDocument document)
    {
        var profiles = ImmutableSortedDictionary.CreateBuilder<string, FeatureProfile>(StringComparer.Ordinal);
        foreach (var (name, profile) in document.Profiles ?? [])
        {
            var at = $"profiles.{name}";
            Require(name == FeatureProfile.Score || document.Features.Contains(name), at, "is of no feature of the model");
            Require(profile is not null && profile.Shares.Length == profile.Cuts.Length + 2 && profile.Cuts.Length <= 100, at, "must have two shares more than cuts, which are at most 100");
            Require(profile.Cuts.All(float.IsFinite) && profile.Cuts.Zip(profile.Cuts.Skip(1)).All(c => c.First < c.Second), at, "must have finite, rising cuts");
            Require(profile.Shares.All(s => s is >= 0 and <= 1) && Math.Abs(profile.Shares.Sum() - 1) < 1e-3, at, "must have shares that add up to 1");
            profiles.Add(name, new([.. profile.Cuts], [.. profile.Shares]));
        }

        return profiles.ToImmutable();
    }

    private static EnsembleOrigin Origin(OriginDocument origin)
    {
        Require(origin.Version.Length is > 0 and <= 100, "origin.version", "must have 1 to 100 characters");
        Require(origin.Trainer.Length is > 0 and <= 100, "origin.trainer", "must have 1 to 100 characters");
        Require(origin.TrainedFrom <= origin.TrainedTo, "origin.trained_to", "must not be before trained_from");
        Require(origin.Frauds >= 0 && origin.Frauds <= origin.Rows, "origin.frauds", "must be between 0 and rows");
        Require(origin.Metrics.Count <= 100 && origin.Metrics.Values.All(double.IsFinite), "origin.metrics", "must be at most 100 finite numbers");
        return new(origin.Version, origin.Trainer, origin.Seed, origin.TrainedFrom, origin.TrainedTo, origin.Rows, origin.Frauds, origin.Metrics);
    }

    private static DecisionTree Tree(TreeDocument? tree, string at, int features)
    {
        Require(tree is not null, at, "must not be null");
        var size = tree.Feature.Length;
        Require(size is > 0 and <= MostNodes, at, $"must have 1 to {MostNodes} nodes");
        Require(
            new[] { tree.Threshold.Length, tree.Left.Length, tree.Right.Length, tree.MissingLeft.Length, tree.Value.Length, tree.Cover.Length }.All(l => l == size),
            at, "must have arrays of one length");

        var depth = new int[size];
        var parents = new int[size];
        for (var i = 0; i < size; i++)
        {
            var node = new TreeNode(tree.Feature[i], tree.Threshold[i], tree.Left[i], tree.Right[i], tree.MissingLeft[i], tree.Value[i], tree.Cover[i]);
            Require(i == 0 || parents[i] == 1, $"{at}.node[{i}]", "must be the child of exactly one earlier node");
            Require(node.Cover is > 0 and < 1e15, $"{at}.cover[{i}]", "must be positive");
            Require(float.Abs(node.Value) <= MostValue, $"{at}.value[{i}]", "must be a finite number of reasonable size");
            Require(float.IsFinite(node.Threshold), $"{at}.threshold[{i}]", "must be finite");
            if (node.IsLeaf)
            {
                Require(node is { Feature: -1, Threshold: 0, Left: 0, Right: 0, MissingLeft: false }, $"{at}.node[{i}]", "is a leaf: feature must be -1, the rest 0 and false");
                continue;
            }

            Require(node.Feature < features, $"{at}.feature[{i}]", $"must be below {features}");
            Require(node.Value == 0, $"{at}.value[{i}]", "must be 0, as the node is no leaf");
            Require(node.Left > i && node.Right > i && node.Left < size && node.Right < size && node.Left != node.Right,
                $"{at}.left/right[{i}]", $"must be two different later nodes below {size}");
            parents[node.Left]++;
            parents[node.Right]++;
            depth[node.Left] = depth[node.Right] = depth[i] + 1;
            Require(depth[i] < MostDepth, $"{at}.node[{i}]", $"is deeper than {MostDepth}");
            var below = tree.Cover[node.Left] + tree.Cover[node.Right];
            Require(Math.Abs(below - node.Cover) <= 1e-6 * node.Cover, $"{at}.cover[{i}]", "must be the sum of its children's");
        }

        return new([.. Enumerable.Range(0, size).Select(i =>
            new TreeNode(tree.Feature[i], tree.Threshold[i], tree.Left[i], tree.Right[i], tree.MissingLeft[i], tree.Value[i], tree.Cover[i]))]);
    }

    private static Calibration Calibration(CalibrationDocument calibration)
    {
        const string at = "calibration";
        switch (calibration.Kind)
        {
            case "platt":
                Require(calibration.Points is null, at, "of kind platt has no points");
                Require(calibration is { Slope: > 0 and <= MostValue, Rows: > 0 and < 1e15 }, at, "needs a positive slope and positive rows");
                Require(calibration.Intercept is { } intercept && Math.Abs(intercept) <= MostValue, $"{at}.intercept", "must be a finite number of reasonable size");
                return new PlattCalibration(calibration.Slope.Value, calibration.Intercept.Value, calibration.Rows.Value);

            case "isotonic":
                Require(calibration is { Slope: null, Intercept: null, Rows: null }, at, "of kind isotonic has points only");
                var points = calibration.Points;
                Require(points is { Length: > 0 and <= 10_000 }, $"{at}.points", "must be 1 to 10000");
                for (var i = 0; i < points.Length; i++)
                {
                    var where = $"{at}.points[{i}]";
                    Require(points[i] is { Probability: >= 0 and <= 1, Rows: > 0 and < 1e15 }, where, "needs a probability from 0 to 1 and positive rows");
                    Require(double.Abs(points[i].Raw) <= 1e12, where, "needs a finite raw score");
                    Require(i == 0 || (points[i].Raw > points[i - 1].Raw && points[i].Probability >= points[i - 1].Probability), where, "must rise");
                }

                return new IsotonicCalibration([.. points.Select(p => new CalibrationPoint(p.Raw, p.Probability, p.Rows))]);

            default:
                throw new EnsembleFormatException($"{at}.kind must be \"isotonic\" or \"platt\", not \"{calibration.Kind}\".");
        }
    }

    private static void Require([System.Diagnostics.CodeAnalysis.DoesNotReturnIf(false)] bool condition, string where, string what)
    {
        if (!condition)
        {
            throw new EnsembleFormatException($"{where} {what}.");
        }
    }
}
