using System.Globalization;
using NodaTime;

namespace Payments.Reconciliation.Imports;

/// <summary>Stripe's <c>payout_reconciliation.itemized.5</c>: one line per balance transaction of the payouts of a period.</summary>
public static class StripePayoutReport
{
    public const string Format = "stripe_payout_reconciliation";
    private const string TimePattern = "yyyy-MM-dd HH:mm:ss";
    private static readonly string[] RequiredColumns = ["automatic_payout_id", "balance_transaction_id", "currency", "gross", "fee", "net", "reporting_category", "source_id"];

    private static readonly Dictionary<string, LineKind> Kinds = new(StringComparer.Ordinal)
    {
        ["charge"] = LineKind.Capture,
        ["payment"] = LineKind.Capture,
        ["charge_failure"] = LineKind.CaptureReversal,
        ["refund"] = LineKind.Refund,
        ["payment_refund"] = LineKind.Refund,
        ["refund_failure"] = LineKind.RefundReversal,
        ["dispute"] = LineKind.Chargeback,
        ["dispute_reversal"] = LineKind.ChargebackReversal,
        ["fee"] = LineKind.Fee,
        ["network_cost"] = LineKind.Fee,
        ["other_adjustment"] = LineKind.Adjustment,
        ["payout"] = LineKind.Payout,
    };

    /// <summary>Null for a category that is not known.</summary>
    public static LineKind? KindOf(string? category) => category is not null && Kinds.TryGetValue(category, out var kind) ? kind : null;

    public static bool Recognizes(string head) => head.Contains("balance_transaction_id", StringComparison.OrdinalIgnoreCase) && head.Contains("reporting_category", StringComparison.OrdinalIgnoreCase);

    /// <summary>The report says no more of itself than its name.</summary>
    public static string IdentityOf(StatementFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return file.Name;
    }

    public static IEnumerable<LineRead> Read(StatementFile file)
    {
        using var rows = CsvRows.Open(file, RequiredColumns);
        foreach (var line in rows.ReadAll(Line))
        {
            yield return line;
        }
    }

    private static StatementLine? Line(CsvRows row)
    {
        if (!Kinds.TryGetValue(row.Required("reporting_category"), out var kind))
        {
            throw new UnreadableException("reporting_category", "is no category that is known");
        }

        var settled = AmountText.CurrencyOf(row["currency"], "currency");
        var (gross, fee, net) = (AmountText.Parse(row["gross"], settled, "gross"), AmountText.ParseOptional(row["fee"], settled, "fee"), AmountText.Parse(row["net"], settled, "net"));
        if (checked(gross - fee) != net)
        {
            throw new UnreadableException("net", "is not gross less fee");
        }

        if (kind == LineKind.Fee)
        {
            (gross, fee) = (0, -net);
        }

        var shown = row["customer_facing_currency"] is { } code ? AmountText.CurrencyOf(code, "customer_facing_currency") : settled;
        if (!shown.Equals(settled) && kind != LineKind.Fee)
        {
            gross = AmountText.Parse(row["customer_facing_amount"], shown, "customer_facing_amount");
        }

        var (intent, source) = (row["payment_intent_id"], row.Required("source_id"));
        var reference = kind is LineKind.Capture or LineKind.CaptureReversal ? intent ?? row["charge_id"] ?? source : source;
        var currency = kind == LineKind.Fee ? settled : shown;
        return new(
            row.Line, Leg.Provider, Book.Stripe, kind, reference, intent, currency.Code, gross, settled.Code, fee, net, row.Required("automatic_payout_id"),
            DayOf(row, "automatic_payout_effective_at"), TimeOf(row, "created"));
    }

    // The column with _utc says what it is; the other one is in the account's zone, which is UTC unless somebody changed it.
    private static DateTimeOffset TimeOf(CsvRows row, string column)
    {
        var text = row[column + "_utc"] ?? row.Required(column);
        return DateTime.TryParseExact(text, [TimePattern, "yyyy-MM-dd HH:mm", "yyyy-MM-dd"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)
            ? Calendars.InstantOf(LocalDateTime.FromDateTime(time), DateTimeZone.Utc)
            : throw new UnreadableException(column, "is no time");
    }

    private static DateOnly DayOf(CsvRows row, string column) => DateOnly.FromDateTime(TimeOf(row, column).UtcDateTime);
}
