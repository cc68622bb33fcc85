using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Postgres;
using Payments.Webhooks.Endpoints;

namespace Payments.Webhooks.Events;

/// <summary><c>GET events?type=&amp;payment=&amp;created[gte]=&amp;created[lt]=&amp;limit=&amp;cursor=</c> and <c>GET events/{id}</c>: exactly what webhooks carry.</summary>
public static class ReadEvents
{
    public static async Task<Results<Ok<Page<JsonElement>>, Problem>> ListAsync(Owner owner, HttpContext context, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (limit, cursor, type, payment) = (query.Limit(), query.CursorId(), query.Word("type", MerchantEventTypes.All), query.Id<PaymentId>("payment"));
        var (from, before) = (query.Instant("created[gte]"), query.Instant("created[lt]"));
        if (query.Problem is { } problem)
        {
            return problem;
        }

        const string sql = """
            SELECT id, body FROM events
            WHERE merchant_id = $1 AND mode = $2 AND ($3::uuid IS NULL OR id < $3) AND ($4::text IS NULL OR type = $4) AND ($5::uuid IS NULL OR subject = $5)
              AND ($6::timestamptz IS NULL OR occurred_at >= $6) AND ($7::timestamptz IS NULL OR occurred_at < $7)
            ORDER BY id DESC LIMIT $8
            """;
        await using var command = database.CreateCommand(sql);
        command.With(
            owner.MerchantId.Value,
            ModeNames.Of(owner.Mode),
            cursor,
            type,
            payment?.Value,
            from?.UtcDateTime,
            before?.UtcDateTime,
            limit + 1);
        var rows = new List<(Guid Id, JsonElement Body)>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add((reader.GetGuid(0), JsonElement.Parse(reader.GetFieldValue<byte[]>(1))));
        }

        var page = Page.Of(rows, limit, r => Cursor.Of(r.Id));
        return TypedResults.Ok(new Page<JsonElement>([.. page.Data.Select(r => r.Body)], page.HasMore, page.NextCursor));
    }

    public static async Task<Results<ContentHttpResult, Problem>> GetAsync(Owner owner, string id, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        if (!Id.TryParse<EventId>(id, out var eventId))
        {
            return EndpointRules.EventNotFound;
        }

        await using var command = database.CreateCommand("SELECT body FROM events WHERE id = $1 AND merchant_id = $2 AND mode = $3");
        command.With(eventId.Value, owner.MerchantId.Value, ModeNames.Of(owner.Mode));
        return await command.ExecuteScalarAsync(cancellationToken) is byte[] body
            ? TypedResults.Content(System.Text.Encoding.UTF8.GetString(body), "application/json")
            : EndpointRules.EventNotFound;
    }
}
