namespace Payments.Fraud.Features;

/// <summary>Fills one row of features from left to right.</summary>
internal ref struct FeatureWriter(Span<float> row)
{
    private readonly Span<float> row = row;

    public int Written { get; private set; }

    public void Add(float value) => row[Written++] = value;

    /// <summary>A quotient; not a number, which means unknown, where nothing is known to divide by.</summary>
    public void AddRatio(double value, double by) => Add(by > 0 ? (float)(value / by) : float.NaN);

    /// <summary>Hours since a moment, unknown if it never came.</summary>
    public void AddHours(long at, long since) => Add(since == Outcomes.Never ? float.NaN : (float)((at - since) / 3600.0));
}
