using System.Collections.Frozen;
using PublicHoliday;

namespace Payments.Ledger.Settlement;

/// <summary>On which days banks work, by calendar.</summary>
public static class BankingDays
{
    public const string Target = "target";

    private static readonly FrozenDictionary<string, Func<DateTime, bool>> Holidays = new Dictionary<string, Func<DateTime, bool>>(StringComparer.Ordinal)
    {
        ["weekends"] = _ => false,
        [Target] = new EcbTargetClosingDay().IsPublicHoliday,
        ["federal_reserve"] = new USAFederalReserveHoliday().IsPublicHoliday,
        ["uk"] = new UKBankHoliday().IsPublicHoliday,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static IEnumerable<string> Names => Holidays.Keys.Order(StringComparer.Ordinal);

    public static bool Has(string calendar) => Holidays.ContainsKey(calendar);

    public static bool IsBankingDay(string calendar, DateOnly day) =>
        day.DayOfWeek is not (DayOfWeek.Saturday or DayOfWeek.Sunday) && !Holidays[calendar](day.ToDateTime(TimeOnly.MinValue));

    /// <summary>The banking day so many banking days after <paramref name="day"/>.</summary>
    public static DateOnly After(string calendar, DateOnly day, int days)
    {
        while (days > 0)
        {
            day = day.AddDays(1);
            days -= IsBankingDay(calendar, day) ? 1 : 0;
        }

        return day;
    }
}
