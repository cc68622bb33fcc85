using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Api.Operators;

/// <summary><c>GET /ops/v1/incidents</c>: what a person must look at, newest first.</summary>
internal static class ReadIncidents
{
    public sealed record Incident(
        IncidentId Id, string Object, string Kind, MerchantId? MerchantId, string Mode, PaymentId? PaymentId, AttemptId? AttemptId, string Detail,
        DateTimeOffset RaisedAt, DateTimeOffset? ClosedAt);

    public static async Task<IResult> ListAsync(HttpContext context, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (open, after, limit) = (query.Flag("open"), query.CursorId(), query.Limit());
        if (query.Problem is { } problem)
        {
            return problem;
        }

        const string sql = """
            SELECT id, kind, merchant_id, mode, payment_id, attempt_id, detail, raised_at, closed_at FROM incidents
            WHERE ($1::boolean IS NULL OR (closed_at IS NULL) = $1) AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3
            """;
        await using var command = database.CreateCommand(sql).With(open, after, limit + 1);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var found = new List<Incident>();
        while (await row.ReadAsync(cancellationToken))
        {
            found.Add(new Incident(
                new IncidentId(row.GetGuid(0)), "incident", row.GetString(1), row.IsDBNull(2) ? null : new MerchantId(row.GetGuid(2)), row.GetString(3),
                row.IsDBNull(4) ? null : new PaymentId(row.GetGuid(4)), row.IsDBNull(5) ? null : new AttemptId(row.GetGuid(5)), row.GetString(6),
                row.GetFieldValue<DateTimeOffset>(7), row.IsDBNull(8) ? null : row.GetFieldValue<DateTimeOffset>(8)));
        }

        return TypedResults.Ok(Page.Of(found, limit, i => Cursor.Of(i.Id.Value)));
    }
}
