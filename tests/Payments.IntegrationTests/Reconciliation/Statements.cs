using System.Globalization;
using Payments.Core;
using Payments.Reconciliation;
using Payments.Reconciliation.Intake;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>Small statements and items, one line each, for tests that say what is in them.</summary>
internal static class Statements
{
    public static readonly DateOnly FirstDay = new(2026, 3, 10);
    private const string Header = "automatic_payout_id,automatic_payout_effective_at_utc,balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,payment_intent_id\n";

    public static ExpectedItem Item(int number, long gross, long fee = 30, int day = 0, string currency = "USD") => new(
        Id(number), Mode.Test, Book.Stripe, LineKind.Capture, $"pi_{number}", $"pi_{number}", currency, gross, fee, Id(1_000 + number), Id(5), At(day));

    public static PaymentId Payment(int number) => new(Id(1_000 + number));

    public static DateTimeOffset At(int day) => new(FirstDay.AddDays(day).ToDateTime(new TimeOnly(12, 0)), TimeSpan.Zero);

    public static string Report(params (int Number, long Gross, long Fee, int Day)[] lines) =>
        Header + string.Concat(lines.Select(l => string.Create(
            CultureInfo.InvariantCulture,
            $"po_{l.Day},{FirstDay.AddDays(l.Day + 2):yyyy-MM-dd} 00:00:00,txn_{l.Number},{FirstDay.AddDays(l.Day):yyyy-MM-dd} 12:00:00,usd,{Major(l.Gross)},{Major(l.Fee)},{Major(l.Gross - l.Fee)},charge,ch_{l.Number},pi_{l.Number}\n")));

    public static string Bank(string id, params (int Day, long Amount, string Words)[] entries)
    {
        var total = entries.Sum(e => e.Amount);
        return string.Create(CultureInfo.InvariantCulture, $":20:{id}\r\n:25:DE02/{id}\r\n:28C:{id}/1\r\n:60F:C260309USD0,\r\n")
            + string.Concat(entries.Select(e => string.Create(
                CultureInfo.InvariantCulture, $":61:{FirstDay.AddDays(e.Day):yyMMdd}{(e.Amount < 0 ? "D" : "C")}{Math.Abs(e.Amount) / 100},{Math.Abs(e.Amount) % 100:00}NTRFNONREF\r\n:86:{e.Words}\r\n")))
            + string.Create(CultureInfo.InvariantCulture, $":62F:{(total < 0 ? "D" : "C")}260320USD{Math.Abs(total) / 100},{Math.Abs(total) % 100:00}\r\n-\r\n");
    }

    private static string Major(long minor) => new Money(minor, Currency.Of("USD")).Major();

    private static Guid Id(int number) => new(number, 0, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 1);
}
