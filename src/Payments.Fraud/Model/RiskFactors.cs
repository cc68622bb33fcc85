using System.Collections.Immutable;
using Payments.Fraud.Features;

namespace Payments.Fraud.Model;

/// <summary>One named reason.</summary>
/// <param name="Contribution">What it adds to the log-odds of fraud; negative speaks for the payment.</param>
/// <param name="Feature">The feature that says most of it.</param>
/// <param name="Value">That feature's value, null if unknown.</param>
public sealed record RiskFactor(string Name, double Contribution, string Feature, float? Value, string Meaning);

/// <summary>Sums contributions up to the risk factors that people are told.</summary>
public static class RiskFactors
{
    private static readonly string[] Names = [.. FeatureCatalogue.All.Select(f => f.Factor).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    private static readonly int[] FactorOf = [.. FeatureCatalogue.All.Select(f => Array.BinarySearch(Names, f.Factor, StringComparer.Ordinal))];

    /// <summary>All factors that say anything, the strongest argument for fraud first.</summary>
    /// <param name="row">Of all features, or of a stream's, which come first.</param>
    public static ImmutableArray<RiskFactor> Of(Attribution attribution, ReadOnlySpan<float> row)
    {
        ArgumentNullException.ThrowIfNull(attribution);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(row.Length, FeatureCatalogue.Count);
        ArgumentOutOfRangeException.ThrowIfNotEqual(attribution.Contributions.Length, row.Length);
        Span<double> sums = stackalloc double[Names.Length];
        Span<int> strongest = stackalloc int[Names.Length];
        sums.Clear();
        strongest.Fill(-1);
        var contributions = attribution.Contributions;
        for (var i = 0; i < row.Length; i++)
        {
            if (contributions[i] != 0)
            {
                var factor = FactorOf[i];
                sums[factor] += contributions[i];
                strongest[factor] = strongest[factor] < 0 || Math.Abs(contributions[i]) > Math.Abs(contributions[strongest[factor]]) ? i : strongest[factor];
            }
        }

        var factors = ImmutableArray.CreateBuilder<RiskFactor>(Names.Length);
        for (var factor = 0; factor < Names.Length; factor++)
        {
            if (strongest[factor] is >= 0 and var feature)
            {
                var (name, meaning) = (FeatureCatalogue.All[feature].Name, FeatureCatalogue.All[feature].Meaning);
                factors.Add(new(Names[factor], sums[factor], name, float.IsNaN(row[feature]) ? null : row[feature], meaning));
            }
        }

        factors.Sort(static (a, b) => b.Contribution.CompareTo(a.Contribution) is not 0 and var order ? order : string.CompareOrdinal(a.Name, b.Name));
        return factors.DrainToImmutable();
    }
}
