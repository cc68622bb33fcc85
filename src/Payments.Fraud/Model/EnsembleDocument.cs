using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Payments.Fraud.Model;

/// <summary>The file as it is written; see docs/fraud-model.md.</summary>
internal sealed record EnsembleDocument(
    string Format, int FormatVersion, OriginDocument Origin, string[] Features, double Base, TreeDocument[] Trees, CalibrationDocument Calibration,
    SortedDictionary<string, ProfileDocument>? Profiles = null)
{
    public static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        MaxDepth = 8,
    };

    public static EnsembleDocument Of(Ensemble ensemble)
    {
        var origin = ensemble.Origin;
        return new(
            EnsembleFile.Format,
            EnsembleFile.Version,
            new(origin.Version, origin.Trainer, origin.Seed, origin.TrainedFrom, origin.TrainedTo, origin.Rows, origin.Frauds, origin.Metrics),
            [.. ensemble.Features],
            ensemble.Base,
            [.. ensemble.Trees.Select(TreeDocument.Of)],
            CalibrationDocument.Of(ensemble.Calibration),
            ensemble.Profiles.IsEmpty ? null : new(ensemble.Profiles.ToDictionary(p => p.Key, p => new ProfileDocument([.. p.Value.Cuts], [.. p.Value.Shares])), StringComparer.Ordinal));
    }
}

internal sealed record OriginDocument(
    string Version, string Trainer, long Seed, long TrainedFrom, long TrainedTo, long Rows, long Frauds, ImmutableSortedDictionary<string, double> Metrics);

/// <summary>One array per property of a node: smaller than an object per node, and still readable.</summary>
internal sealed record TreeDocument(int[] Feature, float[] Threshold, int[] Left, int[] Right, bool[] MissingLeft, float[] Value, double[] Cover)
{
    public static TreeDocument Of(DecisionTree tree) => new(
        [.. tree.Nodes.Select(n => n.Feature)],
        [.. tree.Nodes.Select(n => n.Threshold)],
        [.. tree.Nodes.Select(n => n.Left)],
        [.. tree.Nodes.Select(n => n.Right)],
        [.. tree.Nodes.Select(n => n.MissingLeft)],
        [.. tree.Nodes.Select(n => n.Value)],
        [.. tree.Nodes.Select(n => n.Cover)]);
}

/// <summary>Kind <c>isotonic</c> has points, kind <c>platt</c> slope, intercept and rows.</summary>
internal sealed record CalibrationDocument(
    string Kind, PointDocument[]? Points = null, double? Slope = null, double? Intercept = null, double? Rows = null)
{
    public static CalibrationDocument Of(Calibration calibration) => calibration switch
    {
        IsotonicCalibration isotonic => new("isotonic", [.. isotonic.Points.Select(p => new PointDocument(p.Raw, p.Probability, p.Rows))]),
        PlattCalibration platt => new("platt", Slope: platt.Slope, Intercept: platt.Intercept, Rows: platt.Rows),
        _ => throw new ArgumentException($"No file can hold a {calibration.GetType().Name}.", nameof(calibration)),
    };
}

internal sealed record ProfileDocument(float[] Cuts, double[] Shares);

internal sealed record PointDocument(double Raw, double Probability, double Rows);
