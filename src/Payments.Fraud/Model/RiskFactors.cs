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
    /// <summary>All factors that say anything, the strongest argument for fraud first.</summary>
    /// <param name="row">Of all features, or of a stream's, which come first.</param>
    public static ImmutableArray<RiskFactor> Of(Attribution attribution, ReadOnlySpan<float> row)
    {
        ArgumentNullException.ThrowIfNull(attribution);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(row.Length, FeatureCatalogue.Count);
        ArgumentOutOfRangeException.ThrowIfNotEqual(attribution.Contributions.Length, row.Length);
        var factors = new Dictionary<string, (double Sum, int Strongest)>(StringComparer.Ordinal);
        for (var i = 0; i < row.Length; i++)
        {
            var contribution = attribution.Contributions[i];
            if (contribution == 0)
            {
                continue;
            }

            var name = FeatureCatalogue.All[i].Factor;
            var (sum, strongest) = factors.GetValueOrDefault(name, (0, i));
            factors[name] = (sum + contribution, Math.Abs(contribution) > Math.Abs(attribution.Contributions[strongest]) ? i : strongest);
        }

        var values = row.ToArray();
        return [.. factors
            .OrderByDescending(f => f.Value.Sum).ThenBy(f => f.Key, StringComparer.Ordinal)
            .Select(f => new RiskFactor(
                f.Key,
                f.Value.Sum,
                FeatureCatalogue.All[f.Value.Strongest].Name,
                float.IsNaN(values[f.Value.Strongest]) ? null : values[f.Value.Strongest],
                FeatureCatalogue.All[f.Value.Strongest].Meaning))];
    }
}
