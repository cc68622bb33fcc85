using NodaTime;

namespace Payments.Ledger.Settlement;

/// <summary>The end of a day on which a merchant is settled, and the day from which what was settled is paid out.</summary>
public readonly record struct CutOff(DateTimeOffset At, DateOnly PayOn)
{
    /// <summary>
    /// The last one at or before <paramref name="now"/>. Cut-offs are the ends of banking days in the merchant's time zone; weekly ones the
    /// end of the weekday, or of the banking day before it.
    /// </summary>
    public static CutOff LastBefore(SettlementTerms terms, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(terms);
        var zone = DateTimeZoneProviders.Tzdb[terms.TimeZone];
        var day = Instant.FromDateTimeOffset(now).InZone(zone).Date.ToDateOnly().AddDays(-1);
        while (!IsSettled(terms, day))
        {
            day = day.AddDays(-1);
        }

        var end = zone.AtStartOfDay(LocalDate.FromDateOnly(day.AddDays(1))).ToInstant().ToDateTimeOffset();
        return new(end, BankingDays.After(terms.Calendar, day, terms.Schedule == SettlementInterval.DailyT2 ? 2 : 1));
    }

    /// <summary>The merchant's day at the cut-off.</summary>
    public static DateOnly DayOf(SettlementTerms terms, DateTimeOffset cutAt)
    {
        ArgumentNullException.ThrowIfNull(terms);
        return Instant.FromDateTimeOffset(cutAt).InZone(DateTimeZoneProviders.Tzdb[terms.TimeZone]).Date.ToDateOnly();
    }

    private static bool IsSettled(SettlementTerms terms, DateOnly day)
    {
        if (terms.Schedule != SettlementInterval.Weekly)
        {
            return BankingDays.IsBankingDay(terms.Calendar, day);
        }

        var last = day.AddDays((terms.Weekday!.Value - IsoDay(day) + 7) % 7);
        while (!BankingDays.IsBankingDay(terms.Calendar, last))
        {
            last = last.AddDays(-1);
        }

        return last == day;
    }

    private static int IsoDay(DateOnly day) => day.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)day.DayOfWeek;
}
