using System.Globalization;

namespace Payments.TrafficGenerator;

/// <summary>
/// Draws that follow from numbers alone (SplitMix64): the same numbers, the same draws, on every platform. What a person or a merchant
/// is like is drawn anew from its number whenever it is needed, so that nobody has to be remembered.
/// </summary>
public sealed class Dice
{
    private ulong state;

    public Dice(params ReadOnlySpan<long> numbers)
    {
        foreach (var number in numbers)
        {
            state = Mix(state ^ (ulong)number);
        }
    }

    public ulong Bits() => Mix(state += 0x9E3779B97F4A7C15);

    /// <summary>From 0 to below 1.</summary>
    public double Fraction() => (Bits() >> 11) * (1.0 / (1UL << 53));

    public double Between(double least, double most) => least + ((most - least) * Fraction());

    /// <summary>From 0 to below <paramref name="bound"/>.</summary>
    public int Below(int bound) => (int)(((Bits() >> 32) * (ulong)bound) >> 32);

    public bool Chance(double probability) => Fraction() < probability;

    public double Normal() => Math.Sqrt(-2 * Math.Log(1 - Fraction())) * Math.Cos(2 * Math.PI * Fraction());

    /// <param name="sigma">Standard deviation of the logarithm.</param>
    public double LogNormal(double median, double sigma) => median * Math.Exp(sigma * Normal());

    public double Exponential(double mean) => -mean * Math.Log(1 - Fraction());

    /// <summary>How many of the events come about that come one by one, so many in the mean.</summary>
    public int Poisson(double mean)
    {
        if (mean > 60)
        {
            return Math.Max(0, (int)Math.Round(mean + (Math.Sqrt(mean) * Normal())));
        }

        var count = -1;
        for (double left = 1, limit = Math.Exp(-mean); left > limit; count++)
        {
            left *= 1 - Fraction();
        }

        return count;
    }

    /// <summary>One of the rows, by their weights.</summary>
    public T Pick<T>(IReadOnlyList<T> rows, Func<T, double> weight)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(weight);
        var draw = Fraction() * rows.Sum(weight);
        foreach (var row in rows)
        {
            if ((draw -= weight(row)) < 0)
            {
                return row;
            }
        }

        return rows[^1];
    }

    public T Pick<T>(IReadOnlyList<T> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        return rows[Below(rows.Count)];
    }

    public string Hex(int digits) => Bits().ToString("x16", CultureInfo.InvariantCulture)[..digits];

    private static ulong Mix(ulong bits)
    {
        bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9;
        bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
        return bits ^ (bits >> 31);
    }
}
