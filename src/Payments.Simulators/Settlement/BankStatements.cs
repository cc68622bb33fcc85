using System.Globalization;
using System.Text;
using System.Xml.Linq;
using Payments.Core;

namespace Payments.Simulators.Settlement;

/// <summary>A payout on the bank account.</summary>
internal sealed record BankEntry(DateOnly Day, Currency Currency, long Amount, string Reference, string Words);

/// <summary>The bank's statements of what providers paid out: one account per currency.</summary>
internal static class BankStatements
{
    public static IReadOnlyList<BankEntry> Entries(IReadOnlyList<SettledMovement> stripe, IReadOnlyList<SettledMovement> adyen, int batch) =>
    [
        .. stripe.GroupBy(l => (Payout: SettlementReports.PayoutOf(l), l.PaidOutIn, Day: DateOnly.FromDateTime(l.At.UtcDateTime)))
            .Select(g => new BankEntry(SettlementReports.PaidOn(g.Key.Day), g.Key.PaidOutIn, g.Sum(l => l.PaidNet), g.Key.Payout, $"STRIPE PAYOUT {g.Key.Payout}")),
        .. adyen.GroupBy(l => l.PaidOutIn)
            .Select(g => new BankEntry(SettlementReports.PaidOn(DateOnly.FromDateTime(g.Max(l => l.At).UtcDateTime)), g.Key, g.Sum(l => l.PaidNet), $"BATCH {batch}", $"ADYEN N.V. BATCH {batch}")),
    ];

    public static string Camt053(IReadOnlyList<BankEntry> entries, Currency currency, string id)
    {
        XNamespace space = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08";
        var (own, first, last) = Own(entries, currency);
        var created = last.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) + "T20:00:00Z";
        var statement = new XElement(space + "Stmt",
            new XElement(space + "Id", id), new XElement(space + "CreDtTm", created), new XElement(space + "Acct", new XElement(space + "Id", new XElement(space + "IBAN", "DE02120300000000202051"))),
            Balance("OPBD", 0, first), Balance("CLBD", own.Sum(e => e.Amount), last));
        foreach (var entry in own)
        {
            statement.Add(new XElement(space + "Ntry",
                Amount(entry.Amount), Sign(entry.Amount), new XElement(space + "Sts", new XElement(space + "Cd", "BOOK")), new XElement(space + "BookgDt", Day(entry.Day)), new XElement(space + "BkTxCd"),
                new XElement(space + "NtryDtls", new XElement(space + "TxDtls",
                    new XElement(space + "Refs", new XElement(space + "EndToEndId", entry.Reference)), new XElement(space + "RmtInf", new XElement(space + "Ustrd", entry.Words))))));
        }

        var header = new XElement(space + "GrpHdr", new XElement(space + "MsgId", "M" + id), new XElement(space + "CreDtTm", created));
        return new XDeclaration("1.0", "UTF-8", null) + "\n" + new XElement(space + "Document", new XElement(space + "BkToCstmrStmt", header, statement));

        XElement Amount(long amount) => new(space + "Amt", new XAttribute("Ccy", currency.Code), new Money(Math.Abs(amount), currency).Major());

        XElement Sign(long amount) => new(space + "CdtDbtInd", amount < 0 ? "DBIT" : "CRDT");

        XElement Day(DateOnly day) => new(space + "Dt", day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));

        XElement Balance(string code, long amount, DateOnly day) => new(space + "Bal",
            new XElement(space + "Tp", new XElement(space + "CdOrPrtry", new XElement(space + "Cd", code))), Amount(amount), Sign(amount), new XElement(space + "Dt", Day(day)));
    }

    public static string Mt940(IReadOnlyList<BankEntry> entries, Currency currency, string id)
    {
        var (own, first, last) = Own(entries, currency);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $":20:{id}\r\n:25:12030000/0000202051\r\n:28C:1/1\r\n:60F:{Balance(0, first)}\r\n");
        foreach (var entry in own)
        {
            text.Append(CultureInfo.InvariantCulture, $":61:{entry.Day:yyMMdd}{entry.Day:MMdd}{Sign(entry.Amount)}{Comma(entry.Amount)}NTRFNONREF\r\n:86:{entry.Words}\r\n");
        }

        return text.Append(CultureInfo.InvariantCulture, $":62F:{Balance(own.Sum(e => e.Amount), last)}\r\n-\r\n").ToString();

        string Sign(long amount) => amount < 0 ? "D" : "C";

        string Comma(long amount) => new Money(Math.Abs(amount), currency).Major().Replace('.', ',') is var major && major.Contains(',', StringComparison.Ordinal) ? major : major + ",";

        string Balance(long amount, DateOnly day) => string.Create(CultureInfo.InvariantCulture, $"{Sign(amount)}{day:yyMMdd}{currency.Code}{Comma(amount)}");
    }

    private static (List<BankEntry> Own, DateOnly First, DateOnly Last) Own(IReadOnlyList<BankEntry> entries, Currency currency)
    {
        var own = entries.Where(e => e.Currency.Equals(currency)).OrderBy(e => e.Day).ThenBy(e => e.Reference, StringComparer.Ordinal).ToList();
        return own.Count == 0 ? (own, new DateOnly(2026, 1, 1), new DateOnly(2026, 1, 1)) : (own, own[0].Day, own[^1].Day);
    }
}
