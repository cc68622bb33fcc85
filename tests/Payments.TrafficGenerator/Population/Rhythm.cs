namespace Payments.TrafficGenerator.Population;

/// <summary>When people shop, in their own time.</summary>
public static class Rhythm
{
    // From midnight on, in the mean 1.
    private static readonly double[] Hours =
        [.42, .25, .16, .11, .12, .22, .45, .75, 1.02, 1.22, 1.32, 1.38, 1.42, 1.36, 1.28, 1.26, 1.30, 1.38, 1.48, 1.62, 1.68, 1.52, 1.16, .72];

    // From Sunday on, as DayOfWeek counts.
    private static readonly double[] Days = [1.10, .94, .93, .95, .98, 1.08, 1.02];

    private static readonly double HourMean = Hours.Average();
    private static readonly double DayMean = Days.Average();

    /// <summary>No moment is busier.</summary>
    public static double Most { get; } = Hours.Max() / HourMean * (Days.Max() / DayMean);

    /// <summary>How busy a moment is for somebody who lives there, in the mean over a week 1.</summary>
    public static double At(DateTimeOffset moment, Country country, double hoursLate = 0)
    {
        ArgumentNullException.ThrowIfNull(country);
        var local = moment.AddHours(country.HoursFromUtc - hoursLate);
        return Hours[local.Hour] / HourMean * (Days[(int)local.DayOfWeek] / DayMean);
    }

    /// <summary>The same for all customers together.</summary>
    public static double At(DateTimeOffset moment) => Country.All.Sum(c => c.Share * At(moment, c)) / Country.All.Sum(c => c.Share);
}
