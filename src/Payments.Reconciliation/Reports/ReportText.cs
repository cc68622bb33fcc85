using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using CsvHelper;
using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Reconciliation.Reports;

/// <summary>A report as CSV (amounts in major units) and as a plain page to print.</summary>
public static class ReportText
{
    private static readonly string[] CsvHeader = ["mode", "leg", "provider", "day", "closed", "currency", "row", "count", "amount"];

    public static string Csv(DayReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        using (var csv = new CsvWriter(text, CultureInfo.InvariantCulture))
        {
            Row(CsvHeader);
            foreach (var currency in report.Currencies)
            {
                foreach (var (row, count, amount) in Rows(currency))
                {
                    Row([
                        ModeNames.Of(report.Mode), Words.Of(report.Leg), report.Provider, report.Day.ToString("O", CultureInfo.InvariantCulture), report.Closed ? "yes" : "no", currency.Currency, row,
                        count?.ToString(CultureInfo.InvariantCulture) ?? "", new Money(amount, Currency.Of(currency.Currency)).Major(),
                    ]);
                }
            }

            void Row(IEnumerable<string> fields)
            {
                foreach (var field in fields)
                {
                    csv.WriteField(field);
                }

                csv.NextRecord();
            }
        }

        return text.ToString();
    }

    public static string Html(DayReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var title = $"Reconciliation of {report.Provider}, {Words.Of(report.Leg)} leg, {report.Day:O} ({ModeNames.Of(report.Mode)})";
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $$"""
            <!doctype html>
            <html lang="en">
            <head><meta charset="utf-8"><title>{{Encoded(title)}}</title>
            <style>body{font-family:system-ui,sans-serif;max-width:44em;margin:2em auto;padding:0 1em}table{border-collapse:collapse;width:100%;margin:0 0 2em}td,th{padding:4px 12px 4px 0;border-bottom:1px solid #ccc;text-align:left}td:nth-child(n+2),th:nth-child(n+2){text-align:right;font-variant-numeric:tabular-nums}</style></head>
            <body>
            <h1>{{Encoded(title)}}</h1>
            <p>{{(report.Closed ? report.Closing is { } closing ? $"Closed at {closing.ClosedAt.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC with the days up to {closing.Through:O}, hash {closing.Hash}, signed with key {Encoded(closing.KeyId)}." : "Closed." : "Open: what comes in may change it.")}} {{(report.Healthy ? "Healthy: less than 0.1 % is unresolved." : "Not healthy: 0.1 % or more is unresolved.")}}</p>

            """);
        foreach (var currency in report.Currencies)
        {
            text.Append(CultureInfo.InvariantCulture, $"<h2>{Encoded(currency.Currency)}</h2>\n<table>\n<tr><th></th><th>Count</th><th>Amount</th></tr>\n");
            foreach (var (row, count, amount) in Rows(currency))
            {
                text.Append(CultureInfo.InvariantCulture, $"<tr><td>{Encoded(row.Replace('_', ' '))}</td><td>{count}</td><td>{new Money(amount, Currency.Of(currency.Currency)).Major()}</td></tr>\n");
            }

            text.Append("</table>\n");
        }

        return text.Append("</body>\n</html>\n").ToString();
    }

    private static IEnumerable<(string Row, long? Count, long Amount)> Rows(CurrencyReport currency)
    {
        yield return ("ours", currency.OursCount, currency.Ours);
        yield return ("theirs", currency.TheirsCount, currency.Theirs);
        yield return ("difference", null, currency.Difference);
        foreach (var sum in currency.Classes)
        {
            yield return (sum.Class, sum.Items, sum.Amount);
        }
    }

    private static string Encoded(string text) => HtmlEncoder.Default.Encode(text);
}
