namespace Payments.Fraud.Model;

/// <summary>Why a raw score is what it is: <see cref="Base"/> and the contributions of all features add up to it.</summary>
public sealed record Attribution(double Base, double[] Contributions)
{
    public double Raw => Base + Contributions.Sum();
}

/// <summary>
/// The cheap attribution, some microseconds and no allocation: each comparison on a payment's way is credited with the change of
/// what the tree would answer on average before and after it. It adds up, but the order of comparisons has a say.
/// </summary>
public sealed class PathAttribution
{
    private readonly Ensemble ensemble;
    private readonly double[][] expectations;

    public PathAttribution(Ensemble ensemble)
    {
        ArgumentNullException.ThrowIfNull(ensemble);
        this.ensemble = ensemble;
        expectations = [.. ensemble.Trees.Select(t => t.Expectations())];
        Base = ensemble.Base + expectations.Sum(e => e[0]);
    }

    /// <summary>The average raw score of the training rows.</summary>
    public double Base { get; }

    public Attribution Of(ReadOnlySpan<float> row)
    {
        var contributions = new double[ensemble.Features.Length];
        Fill(row, contributions);
        return new(Base, contributions);
    }

    public void Fill(ReadOnlySpan<float> row, Span<double> contributions)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(row.Length, ensemble.Features.Length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(contributions.Length, ensemble.Features.Length);
        contributions.Clear();
        for (var tree = 0; tree < expectations.Length; tree++)
        {
            var nodes = ensemble.Trees[tree].Nodes.AsSpan();
            var expected = expectations[tree];
            for (var at = 0; !nodes[at].IsLeaf;)
            {
                var next = nodes[at].Next(row);
                contributions[nodes[at].Feature] += expected[next] - expected[at];
                at = next;
            }
        }
    }
}
