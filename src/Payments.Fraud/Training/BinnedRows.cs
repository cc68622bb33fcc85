namespace Payments.Fraud.Training;

/// <summary>Each feature cut into bins of about equal weight; a histogram over bins replaces sorting. Bin 0 is unknown.</summary>
internal sealed class BinnedRows
{
    private const int SampleRows = 100_000;

    private BinnedRows(byte[][] bins, float[][] cuts)
    {
        Bins = bins;
        Cuts = cuts;
    }

    /// <summary>By feature, then row.</summary>
    public byte[][] Bins { get; }

    /// <summary>By feature: bin b (from 1) holds what is at most the cut b − 1, the last bin all the rest.</summary>
    public float[][] Cuts { get; }

    /// <summary>The value that a split compares with; when only unknown values go right, none is above it.</summary>
    public float Above(in Split split) =>
        split.Bin <= Cuts[split.Feature].Length ? Cuts[split.Feature][split.Bin - 1] : float.MaxValue;

    public int BinsOf(int feature) => Cuts[feature].Length + 2;

    public static BinnedRows Of(TrainingRows rows, int maxBins, int threads, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxBins, 255);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBins, 3);
        var bins = new byte[rows.Columns][];
        var cuts = new float[rows.Columns][];
        Parallel.For(0, rows.Columns, new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellationToken }, feature =>
        {
            cuts[feature] = CutsOf(rows, feature, maxBins - 1);
            var column = new byte[rows.Count];
            for (var row = 0; row < column.Length; row++)
            {
                column[row] = BinOf(rows[row][feature], cuts[feature]);
            }

            bins[feature] = column;
        });
        return new(bins, cuts);
    }

    private static byte BinOf(float value, float[] cuts)
    {
        if (float.IsNaN(value))
        {
            return 0;
        }

        int low = 0, high = cuts.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (value <= cuts[middle])
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }

        return (byte)(low + 1);
    }

    private static float[] CutsOf(TrainingRows rows, int feature, int mostBins)
    {
        // Every row that is a fraud, and an even sample of the others.
        var step = Math.Max(1, rows.Count / SampleRows);
        var sample = new List<float>(Math.Min(rows.Count, 2 * SampleRows));
        for (var row = 0; row < rows.Count; row++)
        {
            var value = rows[row][feature];
            if ((row % step == 0 || rows.Labels[row]) && !float.IsNaN(value))
            {
                sample.Add(value);
            }
        }

        sample.Sort();
        var distinct = new List<(float Value, int Count)>();
        foreach (var value in sample)
        {
            if (distinct.Count > 0 && distinct[^1].Value == value)
            {
                distinct[^1] = (value, distinct[^1].Count + 1);
            }
            else
            {
                distinct.Add((value, 1));
            }
        }

        var cuts = new List<float>();
        double perBin = (double)sample.Count / mostBins, filled = 0;
        for (var i = 0; i + 1 < distinct.Count; i++)
        {
            filled += distinct[i].Count;
            if (distinct.Count <= mostBins || filled >= perBin * (cuts.Count + 1))
            {
                cuts.Add(Between(distinct[i].Value, distinct[i + 1].Value));
            }
        }

        return [.. cuts.Distinct().Take(mostBins - 1)];
    }

    /// <summary>Half way, so that a value seen later falls on the nearer side; never the upper value itself.</summary>
    private static float Between(float lower, float upper)
    {
        var middle = (float)(((double)lower + upper) / 2);
        return middle < upper && float.IsFinite(middle) ? middle : lower;
    }
}
