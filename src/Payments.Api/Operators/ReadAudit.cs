using System.Text.Json;
using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Api.Operators;

/// <summary><c>GET /ops/v1/audit_entries</c>: newest first.</summary>
internal static class ReadAudit
{
    public sealed record Entry(
        long Seq, string Object, DateTimeOffset At, OperatorKeyId OperatorKeyId, string OperatorName, string RequestId, string Action, string Target, JsonElement Detail, string Hash);

    public static async Task<IResult> ListAsync(HttpContext context, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (target, after, limit) = (query.Text("target", 100), query.CursorNumber(), query.Limit());
        if (query.Problem is { } problem)
        {
            return problem;
        }

        const string sql = """
            SELECT seq, at, operator_key_id, operator_name, request_id, action, target, detail::text, hash FROM audit_entries
            WHERE ($1::text IS NULL OR target = $1) AND ($2::bigint IS NULL OR seq < $2) ORDER BY seq DESC LIMIT $3
            """;
        await using var command = database.CreateCommand(sql).With(target, after, limit + 1);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var found = new List<Entry>();
        while (await row.ReadAsync(cancellationToken))
        {
            found.Add(new Entry(
                row.GetInt64(0), "audit_entry", row.GetFieldValue<DateTimeOffset>(1), new OperatorKeyId(row.GetGuid(2)), row.GetString(3), row.GetString(4), row.GetString(5), row.GetString(6),
                JsonSerializer.Deserialize<JsonElement>(row.GetString(7)), Convert.ToHexStringLower(row.GetFieldValue<byte[]>(8))));
        }

        return TypedResults.Ok(Page.Of(found, limit, e => Cursor.Of(e.Seq)));
    }
}
