using System.Globalization;
using System.Text;
using Payments.Core;

namespace Payments.Ledger.Endpoints;

/// <summary>A settlement as a page to print: no script, nothing fetched from elsewhere.</summary>
internal static class StatementPage
{
    private const string Style = "body{font:14px/1.5 sans-serif;max-width:42em;margin:2em auto}table{border-collapse:collapse;width:100%}td,th{padding:.3em .6em;border-bottom:1px solid #ccc;text-align:left}"
        + "td.n{text-align:right;font-variant-numeric:tabular-nums}tr.sum td{font-weight:bold;border-top:2px solid #000}@media print{body{margin:0}}";

    /// <summary>Everything in it is an id, a code, a date or a number: none of it needs escaping.</summary>
    public static string Of(SettlementView settlement, MerchantId merchant)
    {
        var own = Currency.Of(settlement.Currency);
        var page = new StringBuilder();
        page.Append(CultureInfo.InvariantCulture, $"<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Settlement {settlement.Id}</title><style>{Style}</style></head><body>");
        page.Append(CultureInfo.InvariantCulture, $"<h1>Settlement</h1><p>{settlement.Id}<br>Merchant {merchant}, {Words.Of(settlement.Mode)} mode<br>");
        page.Append(CultureInfo.InvariantCulture, $"Cut-off {settlement.CutAt.UtcDateTime:yyyy-MM-dd HH:mm} UTC, paid from {settlement.PayOn:yyyy-MM-dd} on, {settlement.Items} items</p><table><tbody>");
        foreach (var (name, amount, isSum) in new[]
        {
            ("Payments", settlement.Gross, false), ("Refunds", settlement.Refunds, false), ("Commission", settlement.Commission, false), ("Disputes", settlement.Disputes, false),
            ("Dispute fees", settlement.DisputeFees, false), ("Corrections", settlement.Corrections, false), ("Other", settlement.Other, false), ("Net", settlement.Net, true),
            ("Reserve held", -settlement.ReserveHeld, false), ("Reserve released", settlement.ReserveReleased, false),
        })
        {
            Row(page, name, amount, own, isSum);
        }

        if (settlement.Rate is { } rate)
        {
            page.Append(CultureInfo.InvariantCulture, $"<tr><td>Rate {own} to {settlement.PaidCurrency}</td><td class=\"n\">{rate:0.############}</td></tr>");
        }

        Row(page, "Payable", settlement.Paid, Currency.Of(settlement.PaidCurrency), isSum: true);
        return page.Append("</tbody></table></body></html>").ToString();
    }

    private static void Row(StringBuilder page, string name, long minor, Currency currency, bool isSum) =>
        page.Append(CultureInfo.InvariantCulture, $"<tr{(isSum ? " class=\"sum\"" : "")}><td>{name}</td><td class=\"n\">{new Money(minor, currency)}</td></tr>");
}
