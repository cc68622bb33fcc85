using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Api.Operators;

/// <summary><c>GET /ops/v1/attempts</c>: calls to providers, newest first; with <c>unresolved=true</c> those whose outcome is not known.</summary>
internal static class ReadAttempts
{
    /// <param name="AgeSeconds">Since it was opened, by the database's clock.</param>
    /// <param name="Readings">How often the resolver has looked at it since it changed last.</param>
    public sealed record View(
        AttemptId Id, string Object, MerchantId MerchantId, string Mode, PaymentId PaymentId, OperationId OperationId, string Operation, string Provider, string State,
        string? ProviderReference, string? Detail, DateTimeOffset OpenedAt, double AgeSeconds, int Readings, DateTimeOffset? MissingSince, DateTimeOffset? NextLookAt,
        IncidentId? IncidentId);

    public static async Task<IResult> ListAsync(HttpContext context, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (unresolved, provider, merchant) = (query.Flag("unresolved"), query.Choice<Provider>("provider"), query.Id<MerchantId>("merchant_id"));
        var (after, limit) = (query.CursorId(), query.Limit());
        if (query.Problem is { } problem)
        {
            return problem;
        }

        const string sql = """
            SELECT a.id, a.merchant_id, a.mode, a.payment_id, a.operation_id, o.kind, a.provider, a.state, coalesce(a.modification_reference, a.payment_reference), a.detail,
                   a.opened_at, extract(epoch FROM now() - a.opened_at)::double precision, a.readings, a.missing_since, a.due_at,
                   (SELECT i.id FROM incidents AS i WHERE i.attempt_id = a.id AND i.closed_at IS NULL ORDER BY i.id DESC LIMIT 1)
            FROM attempts AS a
            JOIN operations AS o ON o.merchant_id = a.merchant_id AND o.mode = a.mode AND o.payment_id = a.payment_id AND o.id = a.operation_id
            WHERE ($1::boolean IS NULL OR (a.state IN ('scheduled', 'open', 'needs_action', 'pending', 'unknown')) = $1)
              AND ($1::boolean IS DISTINCT FROM true OR a.due_at IS NOT NULL)
              AND ($2::text IS NULL OR a.provider = $2) AND ($3::uuid IS NULL OR a.merchant_id = $3) AND ($4::uuid IS NULL OR a.id < $4)
            ORDER BY a.id DESC LIMIT $5
            """;
        await using var command = database.CreateCommand(sql).With(unresolved, provider is { } of ? Words.Of(of) : null, merchant?.Value, after, limit + 1);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var found = new List<View>();
        while (await row.ReadAsync(cancellationToken))
        {
            found.Add(new View(
                new AttemptId(row.GetGuid(0)), "attempt", new MerchantId(row.GetGuid(1)), row.GetString(2), new PaymentId(row.GetGuid(3)), new OperationId(row.GetGuid(4)),
                row.GetString(5), row.GetString(6), row.GetString(7), Text(row, 8), Text(row, 9), row.GetFieldValue<DateTimeOffset>(10), row.GetDouble(11), row.GetInt32(12),
                Instant(row, 13), Instant(row, 14), row.IsDBNull(15) ? null : new IncidentId(row.GetGuid(15))));
        }

        return TypedResults.Ok(Page.Of(found, limit, a => Cursor.Of(a.Id.Value)));
    }

    private static string? Text(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static DateTimeOffset? Instant(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetFieldValue<DateTimeOffset>(column);
}
