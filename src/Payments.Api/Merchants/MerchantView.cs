using Payments.Core;

namespace Payments.Api.Merchants;

public enum RiskTier
{
    Low,
    Standard,
    High,
}

/// <summary>When captured money is paid out: the first or second banking day after, or once a week.</summary>
public enum SettlementSchedule
{
    DailyT1,
    DailyT2,
    Weekly,
}

/// <summary>A merchant as operators see it.</summary>
public sealed record MerchantView(
    MerchantId Id,
    string Object,
    string Name,
    bool Active,
    RiskTier RiskTier,
    PlanView Plan,
    MonthlyLimits MonthlyLimits,
    Settlement Settlement,
    Routing Routing,
    bool Receipts,
    string? StatementDescriptor,
    RateLimit RateLimit,
    int CaptureWindowDays,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt);

/// <param name="Ach">Of debits of bank accounts.</param>
public sealed record PlanView(int Version, PlanPrice Credit, PlanPrice Debit, PlanCappedPrice Ach);

/// <param name="MostUsCents">Never more than this.</param>
public sealed record PlanCappedPrice(int RatePerMillion, long MostUsCents)
{
    public static PlanCappedPrice Default { get; } = new(FeePlan.DefaultAch.RatePerMillion, FeePlan.DefaultAch.MostMinor);
}

/// <param name="RatePerMillion">Hundredths of a basis point: 29000 is 2.9 %.</param>
/// <param name="FixedUsCents">Per payment, in US cents; other currencies take its equivalent by the table of payment limits.</param>
public sealed record PlanPrice(int RatePerMillion, long FixedUsCents)
{
    public static PlanPrice DefaultCredit { get; } = new(29_000, 30);

    public static PlanPrice DefaultDebit { get; } = new(15_000, 25);
}

/// <summary>Most volume per calendar month (UTC) in minor units, each currency by itself; null: no limit.</summary>
public sealed record MonthlyLimits(long? Test = null, long? Live = null);

public sealed record Settlement(string Currency = "USD", SettlementSchedule Schedule = SettlementSchedule.DailyT2);

public sealed record Routing(Provider? PreferredProvider = null);

/// <param name="RequestsPerSecond">Per key; null: the default of the key's class.</param>
public sealed record RateLimit(int? RequestsPerSecond = null);
