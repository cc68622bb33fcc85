namespace Payments.Ledger.Settlement;

/// <summary>How often a merchant is settled, and how many banking days later it is paid.</summary>
public enum SettlementInterval
{
    DailyT1,
    DailyT2,
    Weekly,
}

/// <summary>When and how a merchant is settled in one mode.</summary>
/// <param name="Weekday">1 is Monday; only of <see cref="SettlementInterval.Weekly"/>.</param>
/// <param name="TimeZone">Of the tz database: where the merchant's days begin and end.</param>
/// <param name="Calendar">One of <see cref="BankingDays.Names"/>.</param>
/// <param name="Currency">USD or EUR; null: each currency is paid as it is.</param>
/// <param name="ReserveBasisPoints">How much of the gross amount is kept back.</param>
/// <param name="ReserveDays">After how many days that is given back.</param>
public sealed record SettlementTerms(
    SettlementInterval Schedule, int? Weekday = null, string TimeZone = "UTC", string Calendar = BankingDays.Target, string? Currency = null, int ReserveBasisPoints = 0, int ReserveDays = 0)
{
    /// <summary>Those of a merchant for which nobody set any.</summary>
    public static SettlementTerms Default { get; } = new(SettlementInterval.DailyT2);
}
