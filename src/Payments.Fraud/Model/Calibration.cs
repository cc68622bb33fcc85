using System.Collections.Immutable;

namespace Payments.Fraud.Model;

/// <summary>A probability with how much it is worth: 1 minus the width of the 90 % interval of what it was measured from.</summary>
public readonly record struct Calibrated(double Probability, double Confidence);

/// <summary>Turns raw scores into probabilities that were measured on payments which the trees had not seen.</summary>
public abstract record Calibration
{
    public abstract Calibrated Of(double raw);

    /// <summary>Wilson's interval at 90 % for a share that was measured from so many rows.</summary>
    protected static double Confidence(double share, double rows)
    {
        const double z = 1.6449;
        if (rows <= 0)
        {
            return 0;
        }

        var half = z * Math.Sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows)) / (1 + z * z / rows);
        return Math.Clamp(1 - 2 * half, 0, 1);
    }
}

/// <summary>Log-odds are a line of the raw score: for few frauds.</summary>
public sealed record PlattCalibration(double Slope, double Intercept, double Rows) : Calibration
{
    public override Calibrated Of(double raw)
    {
        var probability = 1 / (1 + Math.Exp(-(Slope * raw + Intercept)));

        // A row tells the more about a score, the nearer it lies: a tenth of them is a cautious guess.
        return new(probability, Confidence(probability, Rows / 10));
    }
}

/// <summary>A step of measured shares, never falling, joined by straight lines.</summary>
public readonly record struct CalibrationPoint(double Raw, double Probability, double Rows);

public sealed record IsotonicCalibration(ImmutableArray<CalibrationPoint> Points) : Calibration
{
    public override Calibrated Of(double raw)
    {
        // The first point above; with some tens of points and no allocation.
        int low = 0, high = Points.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (Points[middle].Raw > raw)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }

        if (low == 0 || low == Points.Length)
        {
            var end = Points[low == 0 ? 0 : ^1];
            return new(end.Probability, Confidence(end.Probability, end.Rows));
        }

        var (before, after) = (Points[low - 1], Points[low]);
        var part = (raw - before.Raw) / (after.Raw - before.Raw);
        var probability = before.Probability + part * (after.Probability - before.Probability);
        return new(probability, Confidence(probability, before.Rows + part * (after.Rows - before.Rows)));
    }
}
