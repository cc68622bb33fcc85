using Microsoft.Extensions.Options;
using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;
using Payments.Platform.Postgres;
using Payments.Platform.Secrets;
using Payments.Webhooks.Deliveries;

namespace Payments.Webhooks.Endpoints;

/// <summary>
/// <c>POST webhook_endpoints/{id}/rotate_secret</c> → the endpoint with its new secret, shown this once. The former one signs
/// beside it for a day, so that the receiver can change over at any time within it.
/// </summary>
public static class RotateSecret
{
    public sealed record Request;

    public static async Task<IResult> HandleAsync(
        Owner owner, string id, HttpContext context, NpgsqlDataSource database, IdempotentRequests idempotency, SecretBox secrets, IOptions<WebhooksOptions> options, CancellationToken cancellationToken)
    {
        var body = await RequestBody.ReadOptionalAsync<Request>(context, cancellationToken);
        if (!body.Succeeded(out _, out var problem))
        {
            return problem;
        }

        if (await ReadEndpoints.FindAsync(owner, id, database, cancellationToken) is not { } endpoint)
        {
            return EndpointRules.NotFound;
        }

        return await idempotency.RunAsync(context, IdempotencyScope.Of(owner.MerchantId, owner.Mode), async (work, ct) =>
        {
            var secret = Signature.NewSecret();
            var transaction = await work.BeginAsync(ct);
            var rotated = await ReplaceAsync(transaction, endpoint.Id, secrets.Seal(secret, WebhookEndpoint.SecretPurpose(endpoint.Id)), TimeSpan.FromHours(options.Value.RotationHours), ct);
            return rotated is null ? EndpointRules.NotFound : IdempotentResponse.Ok(rotated with { Secret = secret });
        }, cancellationToken);
    }

    private static async Task<WebhookEndpoint?> ReplaceAsync(NpgsqlTransaction transaction, WebhookEndpointId id, string sealedSecret, TimeSpan overlap, CancellationToken cancellationToken)
    {
        // The update locks the endpoint, so that two rotations follow one another.
        const string touch = $"UPDATE webhook_endpoints SET updated_at = now() WHERE id = $1 AND deleted_at IS NULL RETURNING {WebhookEndpoint.Columns}";
        WebhookEndpoint endpoint;
        await using (var command = new NpgsqlCommand(touch, transaction.Connection, transaction).With(id.Value))
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            if (!await reader.ReadAsync(cancellationToken))
            {
                return null;
            }

            endpoint = WebhookEndpoint.Read(reader);
        }

        await ExecuteAsync(transaction, "DELETE FROM webhook_secrets WHERE endpoint_id = $1 AND expires_at IS NOT NULL", [id.Value], cancellationToken);
        await ExecuteAsync(
            transaction,
            "UPDATE webhook_secrets SET expires_at = now() + $2 WHERE endpoint_id = $1 AND expires_at IS NULL",
            [id.Value, overlap],
            cancellationToken);
        await ExecuteAsync(
            transaction,
            "INSERT INTO webhook_secrets (endpoint_id, number, sealed) SELECT $1, coalesce(max(number), 0) + 1, $2 FROM webhook_secrets WHERE endpoint_id = $1",
            [id.Value, sealedSecret],
            cancellationToken);
        return endpoint;
    }

    private static async Task ExecuteAsync(NpgsqlTransaction transaction, string sql, object[] values, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction);
        command.With(values);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
