using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Webhooks.Endpoints;

/// <summary><c>GET webhook_endpoints</c> and <c>GET webhook_endpoints/{id}</c>.</summary>
public static class ReadEndpoints
{
    public static async Task<Results<Ok<Page<WebhookEndpoint>>, Problem>> ListAsync(Owner owner, HttpContext context, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (limit, cursor) = (query.Limit(), query.CursorId());
        if (query.Problem is { } problem)
        {
            return problem;
        }

        const string sql = $"""
            SELECT {WebhookEndpoint.Columns} FROM webhook_endpoints
            WHERE merchant_id = $1 AND mode = $2 AND deleted_at IS NULL AND ($3::uuid IS NULL OR id < $3)
            ORDER BY id DESC LIMIT $4
            """;
        await using var command = database.CreateCommand(sql);
        command.With(owner.MerchantId.Value, ModeNames.Of(owner.Mode), cursor, limit + 1);
        var rows = new List<WebhookEndpoint>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(WebhookEndpoint.Read(reader));
        }

        return TypedResults.Ok(Page.Of(rows, limit, e => Cursor.Of(e.Id.Value)));
    }

    public static async Task<Results<Ok<WebhookEndpoint>, Problem>> GetAsync(Owner owner, string id, NpgsqlDataSource database, CancellationToken cancellationToken) =>
        await FindAsync(owner, id, database, cancellationToken) is { } found ? TypedResults.Ok(found) : EndpointRules.NotFound;

    /// <summary>Null for an id that is malformed, unknown, deleted, or of another merchant or mode.</summary>
    internal static async Task<WebhookEndpoint?> FindAsync(Owner owner, string id, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        if (!Id.TryParse<WebhookEndpointId>(id, out var endpointId))
        {
            return null;
        }

        const string sql = $"""
            SELECT {WebhookEndpoint.Columns} FROM webhook_endpoints
            WHERE id = $1 AND merchant_id = $2 AND mode = $3 AND deleted_at IS NULL
            """;
        await using var command = database.CreateCommand(sql);
        command.With(endpointId.Value, owner.MerchantId.Value, ModeNames.Of(owner.Mode));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? WebhookEndpoint.Read(reader) : null;
    }
}
