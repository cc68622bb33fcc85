using System.Collections.Immutable;

namespace Payments.Fraud.Model;

/// <summary>How a number was distributed in training: what its later distribution is compared with.</summary>
/// <param name="Cuts">Rising; a bin holds what is at most its cut, the last bin all the rest.</param>
/// <param name="Shares">Of the rows: first those without a value, then bin by bin.</param>
public sealed record FeatureProfile(ImmutableArray<float> Cuts, ImmutableArray<double> Shares)
{
    /// <summary>The name under which an ensemble keeps the profile of its own score.</summary>
    public const string Score = "score";

    /// <summary>Bins of values; ten are usual for the stability index.</summary>
    private const int Bins = 10;

    public static FeatureProfile Of(ReadOnlySpan<float> values, ReadOnlySpan<float> weights)
    {
        var known = new List<(float Value, double Weight)>(values.Length);
        double all = 0;
        for (var i = 0; i < values.Length; i++)
        {
            all += weights[i];
            if (!float.IsNaN(values[i]))
            {
                known.Add((values[i], weights[i]));
            }
        }

        known.Sort((a, b) => a.Value.CompareTo(b.Value));
        var total = known.Sum(k => k.Weight);
        var cuts = new List<float>();
        double seen = 0;
        for (var i = 0; i + 1 < known.Count; i++)
        {
            seen += known[i].Weight;
            if (seen >= total * (cuts.Count + 1) / Bins && known[i].Value < known[i + 1].Value && cuts.Count < Bins - 1)
            {
                cuts.Add(known[i].Value);
            }
        }

        var profile = new FeatureProfile([.. cuts], []);
        var shares = new double[cuts.Count + 2];
        for (var i = 0; i < values.Length; i++)
        {
            shares[profile.PlaceOf(values[i])] += weights[i] / all;
        }

        // A sum of many small parts may end a little above the whole.
        return profile with { Shares = [.. shares.Select(s => Math.Min(s, 1))] };
    }

    /// <summary>Index into <see cref="Shares"/>.</summary>
    public int PlaceOf(float value)
    {
        if (float.IsNaN(value))
        {
            return 0;
        }

        var place = 1;
        foreach (var cut in Cuts)
        {
            place += value > cut ? 1 : 0;
        }

        return place;
    }

    /// <summary>
    /// The population stability index: Σ (now − then) · ln(now / then). Below 0.1 nothing has changed, above 0.25 much has. Shares of
    /// less than a ten-thousandth count as one, so that an empty place is not infinitely far away.
    /// </summary>
    public double StabilityIndex(ReadOnlySpan<long> counts)
    {
        const double least = 1e-4;
        ArgumentOutOfRangeException.ThrowIfNotEqual(counts.Length, Shares.Length);
        long all = 0;
        foreach (var count in counts)
        {
            all += count;
        }

        if (all == 0)
        {
            return double.NaN;
        }

        double index = 0;
        for (var i = 0; i < counts.Length; i++)
        {
            var (then, now) = (Math.Max(Shares[i], least), Math.Max((double)counts[i] / all, least));
            index += (now - then) * Math.Log(now / then);
        }

        return index;
    }
}
