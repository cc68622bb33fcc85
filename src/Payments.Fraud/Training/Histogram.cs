using System.Runtime.InteropServices;

namespace Payments.Fraud.Training;

/// <summary>Sums of first and second derivatives, and the number of rows, of one bin.</summary>
[StructLayout(LayoutKind.Sequential)]
internal record struct BinSums(double Gradient, double Hessian, int Rows)
{
    public void Add(in BinSums other)
    {
        Gradient += other.Gradient;
        Hessian += other.Hessian;
        Rows += other.Rows;
    }

    public readonly BinSums Minus(in BinSums other) => new(Gradient - other.Gradient, Hessian - other.Hessian, Rows - other.Rows);

    public readonly double Score(double l2) => Gradient * Gradient / (Hessian + l2);
}

/// <summary>The best way found to divide a leaf.</summary>
internal readonly record struct Split(double Gain, int Feature, int Bin, bool MissingLeft, BinSums Left, BinSums Right)
{
    public static readonly Split None = new(double.NegativeInfinity, -1, 0, false, default, default);
}

/// <summary>The bins of all features over the rows of one leaf.</summary>
internal sealed class Histogram(int features, int binsPerFeature)
{
    private readonly BinSums[] sums = new BinSums[features * binsPerFeature];

    public Span<BinSums> Of(int feature) => sums.AsSpan(feature * binsPerFeature, binsPerFeature);

    public void Fill(int feature, byte[] bins, ReadOnlySpan<int> rows, ReadOnlySpan<float> gradients, ReadOnlySpan<float> hessians)
    {
        var own = Of(feature);
        own.Clear();
        for (var i = 0; i < rows.Length; i++)
        {
            ref var bin = ref own[bins[rows[i]]];
            bin.Gradient += gradients[i];
            bin.Hessian += hessians[i];
            bin.Rows++;
        }
    }

    /// <summary>Becomes what remains of the parent without the sibling.</summary>
    public void Subtract(int feature, Histogram sibling)
    {
        var own = Of(feature);
        var other = sibling.Of(feature);
        for (var i = 0; i < own.Length; i++)
        {
            own[i] = own[i].Minus(other[i]);
        }
    }

    /// <summary>Every cut of one feature with unknown values on either side, and known against unknown; the first of equals wins.</summary>
    public Split Best(int feature, int bins, in BinSums total, TrainingOptions options)
    {
        var own = Of(feature);
        var best = Split.None;
        var whole = total.Score(options.L2);
        var missing = own[0];
        BinSums known = default;
        for (var bin = 1; bin < (missing.Rows > 0 ? bins : bins - 1); bin++)
        {
            known.Add(own[bin]);
            if (own[bin].Rows == 0)
            {
                continue;
            }

            Consider(known, missingLeft: false, bin, ref best, total);
            if (missing.Rows > 0 && bin < bins - 1)
            {
                var withMissing = known;
                withMissing.Add(missing);
                Consider(withMissing, missingLeft: true, bin, ref best, total);
            }
        }

        return best;

        void Consider(in BinSums left, bool missingLeft, int bin, ref Split found, in BinSums all)
        {
            var right = all.Minus(left);
            if (left.Rows < options.MinLeafRows || right.Rows < options.MinLeafRows
                || left.Hessian < options.MinLeafHessian || right.Hessian < options.MinLeafHessian)
            {
                return;
            }

            var gain = left.Score(options.L2) + right.Score(options.L2) - whole;
            if (gain > found.Gain)
            {
                found = new(gain, feature, bin, missingLeft, left, right);
            }
        }
    }
}
