using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Webhooks.Endpoints;

/// <summary><c>DELETE webhook_endpoints/{id}</c> → 204: its secrets go, what waits for it is canceled, the row stays for the delivery log.</summary>
public static class DeleteEndpoint
{
    public static async Task<Results<NoContent, Problem>> HandleAsync(Owner owner, string id, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        if (!Id.TryParse<WebhookEndpointId>(id, out var endpointId))
        {
            return EndpointRules.NotFound;
        }

        const string sql = """
            WITH gone AS (
                UPDATE webhook_endpoints SET deleted_at = now(), updated_at = now()
                WHERE id = $1 AND merchant_id = $2 AND mode = $3 AND deleted_at IS NULL
                RETURNING id),
            secrets AS (DELETE FROM webhook_secrets s USING gone WHERE s.endpoint_id = gone.id)
            SELECT count(*) FROM gone
            """;
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection, transaction);
        command.With(endpointId.Value, owner.MerchantId.Value, ModeNames.Of(owner.Mode));
        if (await command.ExecuteScalarAsync(cancellationToken) is not 1L)
        {
            return EndpointRules.NotFound;
        }

        await EndpointHealth.CancelPendingAsync(connection, transaction, endpointId.Value, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return TypedResults.NoContent();
    }
}
