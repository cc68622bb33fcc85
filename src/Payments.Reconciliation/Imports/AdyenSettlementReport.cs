using System.Globalization;
using NodaTime;
using Payments.Core;

namespace Payments.Reconciliation.Imports;

/// <summary>Adyen's settlement details report: one file per batch, debit and credit in columns of their own.</summary>
public static class AdyenSettlementReport
{
    public const string Format = "adyen_settlement_detail";

    private static readonly string[] RequiredColumns =
    [
        "Merchant Account", "Psp Reference", "Creation Date", "TimeZone", "Type", "Modification Reference", "Gross Currency", "Gross Debit (GC)", "Gross Credit (GC)",
        "Net Currency", "Net Debit (NC)", "Net Credit (NC)", "Commission (NC)", "Markup (NC)", "Scheme Fees (NC)", "Interchange (NC)", "Batch Number",
    ];

    private static readonly Dictionary<string, LineKind> Kinds = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Settled"] = LineKind.Capture,
        ["Refunded"] = LineKind.Refund,
        ["RefundedReversed"] = LineKind.RefundReversal,
        ["Chargeback"] = LineKind.Chargeback,
        ["SecondChargeback"] = LineKind.Chargeback,
        ["ChargebackReversed"] = LineKind.ChargebackReversal,
        ["Fee"] = LineKind.Fee,
        ["MiscCosts"] = LineKind.Fee,
        ["InvoiceDeduction"] = LineKind.Fee,
        ["MerchantPayout"] = LineKind.Payout,
        ["DepositCorrection"] = LineKind.Adjustment,
        ["Balancetransfer"] = LineKind.Adjustment,
    };

    public static bool Recognizes(string head) => head.Contains("Psp Reference", StringComparison.OrdinalIgnoreCase) && head.Contains("Batch Number", StringComparison.OrdinalIgnoreCase);

    /// <summary>The account and the batch, as the first row that can be read says them.</summary>
    public static string IdentityOf(StatementFile file)
    {
        using var rows = CsvRows.Open(file, RequiredColumns);
        while (rows.Next())
        {
            if (rows.IsWhole && rows["Merchant Account"] is { } account && rows["Batch Number"] is { } batch)
            {
                return $"{account} batch {batch}";
            }
        }

        throw new RefusedFileException(2, "no row says its account and batch");
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
        if (!Kinds.TryGetValue(row.Required("Type"), out var kind))
        {
            throw new UnreadableException("Type", "is no type that is known");
        }

        var settled = AmountText.CurrencyOf(row["Net Currency"], "Net Currency");
        var net = Signed(row, "Net Credit (NC)", "Net Debit (NC)", settled);
        var batch = "batch " + row.Required("Batch Number");
        var at = TimeOf(row);
        var day = Calendars.DayOf(Book.Adyen, at);
        if (kind is LineKind.Fee or LineKind.Payout)
        {
            var fee = kind == LineKind.Fee ? -net : 0;
            return new(row.Line, Leg.Provider, Book.Adyen, kind, row["Modification Reference"] ?? row["Psp Reference"] ?? batch, null, settled.Code, kind == LineKind.Fee ? 0 : net, settled.Code, fee, net, batch, day, at);
        }

        var currency = AmountText.CurrencyOf(row["Gross Currency"], "Gross Currency");
        var gross = Signed(row, "Gross Credit (GC)", "Gross Debit (GC)", currency);
        var fees = FeeColumns.Sum(c => AmountText.ParseOptional(row[c], settled, c));
        if (currency.Equals(settled) && checked(gross - fees) != net)
        {
            throw new UnreadableException("Net Credit (NC)", "is not gross less fees");
        }

        var psp = row.Required("Psp Reference");
        var reference = kind == LineKind.Capture ? psp : row["Modification Reference"] ?? psp;
        return new(row.Line, Leg.Provider, Book.Adyen, kind, reference, psp, currency.Code, gross, settled.Code, fees, net, batch, day, at,
            Id.TryParse<AttemptId>(row["Merchant Reference"], out var attempt) ? attempt : null);
    }

    private static readonly string[] FeeColumns = ["Commission (NC)", "Markup (NC)", "Scheme Fees (NC)", "Interchange (NC)"];

    private static long Signed(CsvRows row, string credit, string debit, Currency currency) =>
        row[credit] is null && row[debit] is null
            ? throw new UnreadableException(credit, "and its counterpart are empty")
            : checked(AmountText.ParseOptional(row[credit], currency, credit) - AmountText.ParseOptional(row[debit], currency, debit));

    private static DateTimeOffset TimeOf(CsvRows row)
    {
        var zone = Calendars.ZoneNamed(row.Required("TimeZone")) ?? throw new UnreadableException("TimeZone", "is no time zone");
        return DateTime.TryParseExact(row["Creation Date"], ["yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)
            && time.Year is > 1900 and < 9999 // where every zone has an instant
            ? Calendars.InstantOf(LocalDateTime.FromDateTime(time), zone)
            : throw new UnreadableException("Creation Date", "is no time");
    }
}
