using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Ledger.Settlement;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Ledger.Endpoints;

/// <summary>A merchant's settlement in one currency at one cut-off. Amounts are signed as they change what the merchant gets.</summary>
/// <param name="Paid">What became payable, in <paramref name="PaidCurrency"/>: net less the reserve held plus the reserve released, exchanged at <paramref name="Rate"/>.</param>
/// <param name="Rate">Null: it is paid in its own currency.</param>
/// <param name="PayOn">From this day on it is paid out.</param>
public sealed record SettlementView(
    SettlementBatchId Id, string Object, Mode Mode, string Currency, DateTimeOffset CutAt, DateOnly PayOn, long Items, long Gross, long Refunds, long Commission, long Disputes,
    long DisputeFees, long Corrections, long Other, long Net, long ReserveHeld, long ReserveReleased, decimal? Rate, string PaidCurrency, long Paid, DateTimeOffset ClosedAt);

/// <summary>
/// <c>GET /internal/v1/merchants/{merchant}/{mode}/settlements</c>, newest first, and <c>…/{id}</c>: as JSON, and where the caller accepts
/// that before JSON as CSV with every item, or as a page to print.
/// </summary>
internal static class Settlements
{
    private const string Columns = """
        id, mode, currency, cut_at, pay_on, items, gross, refunds, commission, disputes, dispute_fees, corrections, other, net,
        reserve_held, reserve_released, rate, coalesce(paid_currency, currency), coalesce(paid, net), closed_at
        """;

    public static async Task<Results<Ok<Page<SettlementView>>, Problem>> ListAsync(
        HttpContext context, string merchant, string mode, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        if (!MerchantPath.TryRead(merchant, mode, out var of))
        {
            return Problems.NotFound("merchant", "merchant");
        }

        var query = new RequestQuery(context);
        var (limit, cursor, currency) = (query.Limit(), query.CursorId(), query.Currency("currency"));
        if (query.Problem is { } problem)
        {
            return problem;
        }

        await using var command = database.CreateCommand($"""
            SELECT {Columns} FROM ledger.settlement_batches
            WHERE mode = $1 AND merchant_id = $2 AND ($3 IS NULL OR id < $3) AND ($4 IS NULL OR currency = $4) ORDER BY id DESC LIMIT $5
            """).With(ModeNames.Of(of.Mode), of.Merchant.Value);
        command.Parameters.Add(new() { Value = (object?)cursor ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        command.Parameters.Add(new() { Value = (object?)currency ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.With(limit + 1);
        var rows = new List<SettlementView>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(Read(reader));
        }

        return TypedResults.Ok(Page.Of(rows, limit, r => Cursor.Of(r.Id.Value)));
    }

    public static async Task<IResult> GetAsync(HttpContext context, string merchant, string mode, string id, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        if (!MerchantPath.TryRead(merchant, mode, out var of))
        {
            return Problems.NotFound("merchant", "merchant");
        }

        if (!Id.TryParse<SettlementBatchId>(id, out var batch) || await FindAsync(database, of, batch, cancellationToken) is not { } found)
        {
            return Problems.NotFound("settlement");
        }

        return Wanted(context) switch
        {
            "text/csv" => new StatementCsv(found, database),
            "text/html" => TypedResults.Content(StatementPage.Of(found, of.Merchant), "text/html; charset=utf-8"),
            _ => TypedResults.Ok(found),
        };
    }

    // The first that is named; quality values are for programs that cannot decide.
    private static string Wanted(HttpContext context) =>
        context.Request.GetTypedHeaders().Accept.OrderByDescending(a => a.Quality ?? 1).Select(a => a.MediaType.ToString()).FirstOrDefault(t => t is "application/json" or "text/csv" or "text/html") ?? "application/json";

    private static async Task<SettlementView?> FindAsync(NpgsqlDataSource database, (MerchantId Merchant, Mode Mode) of, SettlementBatchId batch, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"SELECT {Columns} FROM ledger.settlement_batches WHERE id = $1 AND mode = $2 AND merchant_id = $3")
            .With(batch.Value, ModeNames.Of(of.Mode), of.Merchant.Value);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? Read(reader) : null;
    }

    private static SettlementView Read(NpgsqlDataReader row) => new(
        new(row.GetGuid(0)), "settlement", Words.Parse<Mode>(row.GetString(1)), row.GetString(2), row.GetFieldValue<DateTimeOffset>(3), row.GetFieldValue<DateOnly>(4),
        row.GetInt64(5), row.GetInt64(6), row.GetInt64(7), row.GetInt64(8), row.GetInt64(9), row.GetInt64(10), row.GetInt64(11), row.GetInt64(12), row.GetInt64(13), row.GetInt64(14), row.GetInt64(15),
        row.IsDBNull(16) ? null : row.GetDecimal(16), row.GetString(17), row.GetInt64(18), row.GetFieldValue<DateTimeOffset>(19));
}
