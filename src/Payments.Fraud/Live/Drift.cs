using System.Diagnostics.Metrics;
using Payments.Core;
using Payments.Fraud.Features;
using Payments.Fraud.Model;
using Payments.Platform.Http;

namespace Payments.Fraud.Live;

/// <summary>
/// Counts where the features and scores of recent payments fall between the cuts of a model's training: of the current twelve hours and
/// the ones before. Thread-safe.
/// </summary>
internal sealed class Drift
{
    private const long LeastRows = 500;
    private static readonly TimeSpan Half = TimeSpan.FromHours(12);

    private readonly Lock turn = new();
    private readonly (string Name, int Column, FeatureProfile Profile)[] watched;
    private long[][] current;
    private long[][] previous;
    private DateTimeOffset since;
    private long currentRows;
    private long previousRows;

    public Drift(Ensemble ensemble)
    {
        // The score stands behind the last column.
        watched = [.. ensemble.Profiles.Select(p => (p.Key, p.Key == FeatureProfile.Score ? FeatureCatalogue.Count : FeatureCatalogue.Names.IndexOf(p.Key), p.Value)).Where(p => p.Item2 >= 0)];
        current = Empty();
        previous = Empty();
    }

    public void Count(ReadOnlySpan<float> row, float score, DateTimeOffset at)
    {
        lock (turn)
        {
            if (at - since >= Half)
            {
                (previous, previousRows) = at - since < 2 * Half ? (current, currentRows) : (Empty(), 0);
                (current, currentRows, since) = (Empty(), 0, at);
            }

            for (var i = 0; i < watched.Length; i++)
            {
                var value = watched[i].Column == FeatureCatalogue.Count ? score : row[watched[i].Column];
                current[i][watched[i].Profile.PlaceOf(value)]++;
            }

            currentRows++;
        }
    }

    /// <summary>Nothing before enough payments were seen.</summary>
    public IReadOnlyList<(string Name, double Index)> Indices()
    {
        lock (turn)
        {
            if (currentRows + previousRows < LeastRows)
            {
                return [];
            }

            return [.. watched.Select((w, i) => (w.Name, w.Profile.StabilityIndex([.. current[i].Zip(previous[i], (a, b) => a + b)])))];
        }
    }

    public IEnumerable<Measurement<double>> Measurements(Mode mode) => Indices().Select(i => new Measurement<double>(
        i.Index, new KeyValuePair<string, object?>("payments.fraud.feature", i.Name), new KeyValuePair<string, object?>("payments.mode", ModeNames.Of(mode))));

    private long[][] Empty() => [.. watched.Select(w => new long[w.Profile.Shares.Length])];
}
