using System.Collections.Immutable;

namespace Payments.Fraud.Model;

/// <summary>Where a model comes from.</summary>
/// <param name="TrainedFrom">First moment of the training data, seconds since the epoch of the stream.</param>
public sealed record EnsembleOrigin(
    string Version, string Trainer, long Seed, long TrainedFrom, long TrainedTo, long Rows, long Frauds, ImmutableSortedDictionary<string, double> Metrics);

/// <summary>A trained model: trees whose leaves are added to a base give the raw score, the log-odds of fraud.</summary>
public sealed record Ensemble(
    EnsembleOrigin Origin, ImmutableArray<string> Features, double Base, ImmutableArray<DecisionTree> Trees, Calibration Calibration)
{
    /// <summary>Of features by name, and of the score; empty where nothing was kept.</summary>
    public ImmutableSortedDictionary<string, FeatureProfile> Profiles { get; init; } = ImmutableSortedDictionary.Create<string, FeatureProfile>(StringComparer.Ordinal);

    /// <summary>The raw score by the definition, slowly: walks tree by tree.</summary>
    public double Raw(ReadOnlySpan<float> row)
    {
        var sum = Base;
        foreach (var tree in Trees)
        {
            sum += tree.Evaluate(row);
        }

        return sum;
    }

    /// <summary>The same model over another list of features, which has to hold all that it knows: rows of that list can be scored.</summary>
    public Ensemble Over(ImmutableArray<string> names)
    {
        var places = Features.Select(f => names.IndexOf(f)).ToArray();
        var unknown = Features.Where((_, i) => places[i] < 0).ToArray();
        return unknown.Length > 0
            ? throw new EnsembleFormatException($"The model knows features which this program does not compute: {string.Join(", ", unknown)}.")
            : this with
            {
                Features = names,
                Trees = [.. Trees.Select(t => new DecisionTree([.. t.Nodes.Select(n => n.IsLeaf ? n : n with { Feature = places[n.Feature] })]))],
            };
    }
}
