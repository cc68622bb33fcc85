using System.Globalization;
using System.Text;
using Npgsql;
using Payments.Core;
using Payments.Platform.Postgres;

namespace Payments.Ledger.Endpoints;

/// <summary>
/// A settlement's items as CSV (RFC 4180), row by row as the database gives them. Amounts are in minor units; the amounts of all rows add
/// up to what became payable before any exchange.
/// </summary>
internal sealed class StatementCsv(SettlementView settlement, NpgsqlDataSource database) : IResult
{
    // Of the items alone: the month of their movements may be retired.
    private const string Items = "SELECT occurred_at, payment_id, class, kind, amount FROM ledger.settlement_items WHERE batch_id = $1 ORDER BY version";

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        ArgumentNullException.ThrowIfNull(httpContext);
        httpContext.Response.ContentType = "text/csv; charset=utf-8";
        await using var writer = new StreamWriter(httpContext.Response.Body, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\r\n" };
        await writer.WriteLineAsync("settlement,occurred_at,payment,class,kind,currency,amount");
        await using (var command = database.CreateCommand(Items).With(settlement.Id.Value))
        await using (var reader = await command.ExecuteReaderAsync(httpContext.RequestAborted))
        {
            while (await reader.ReadAsync(httpContext.RequestAborted))
            {
                var at = await reader.IsDBNullAsync(0, httpContext.RequestAborted) ? ""
                    : reader.GetFieldValue<DateTimeOffset>(0).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
                var payment = await reader.IsDBNullAsync(1, httpContext.RequestAborted) ? "" : new PaymentId(reader.GetGuid(1)).ToString();
                await writer.WriteLineAsync(Line(at, payment, reader.GetString(2), reader.GetString(3), reader.GetInt64(4)));
            }
        }

        foreach (var (kind, amount) in new[] { ("reserve", -settlement.ReserveHeld), ("reserve_release", settlement.ReserveReleased) }.Where(r => r.Item2 != 0))
        {
            await writer.WriteLineAsync(Line("", "", "reserve", kind, amount));
        }
    }

    // Ids, codes and numbers: nothing of it needs quotes.
    private string Line(string at, string payment, string @class, string kind, long amount) =>
        string.Create(CultureInfo.InvariantCulture, $"{settlement.Id},{at},{payment},{@class},{kind},{settlement.Currency},{amount}");
}
