using Microsoft.Extensions.Options;
using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;
using Payments.Platform.Postgres;
using Payments.Platform.Secrets;
using Payments.Webhooks.Deliveries;

namespace Payments.Webhooks.Endpoints;

/// <summary><c>POST webhook_endpoints {url, description?, event_types?}</c> → 201 with the secret, shown this once.</summary>
public static class CreateEndpoint
{
    public sealed record Request(string Url, string? Description = null, IReadOnlyList<string>? EventTypes = null);

    public static async Task<IResult> HandleAsync(
        Owner owner, HttpContext context, IdempotentRequests idempotency, SecretBox secrets, IOptions<WebhooksOptions> options, CancellationToken cancellationToken)
    {
        var body = await RequestBody.ReadAsync<Request>(context, cancellationToken);
        if (!body.Succeeded(out var request, out var problem))
        {
            return problem;
        }

        if (!EndpointUrl.Check(request.Url, owner.Mode, options.Value.AllowLoopback).Succeeded(out var url, out problem))
        {
            return problem;
        }

        if ((EndpointRules.CheckDescription(request.Description) ?? EndpointRules.CheckEventTypes(request.EventTypes)) is { } refused)
        {
            return refused;
        }

        return await idempotency.RunAsync(context, IdempotencyScope.Of(owner.MerchantId, owner.Mode), async (work, ct) =>
        {
            var id = WebhookEndpointId.From(work.Subject);
            var transaction = await work.BeginAsync(ct);
            if (await InsertAsync(transaction, owner, id, url.AbsoluteUri, request, ct) is not { } made)
            {
                return EndpointRules.TooMany;
            }

            var secret = Signature.NewSecret();
            await InsertSecretAsync(transaction, id, secrets.Seal(secret, WebhookEndpoint.SecretPurpose(id)), ct);
            return IdempotentResponse.Created(made with { Secret = secret });
        }, cancellationToken);
    }

    /// <summary>Takes the lowest free slot; null where none is left. Two at once may want the same: the merchant's lock puts them in line.</summary>
    private static async Task<WebhookEndpoint?> InsertAsync(NpgsqlTransaction transaction, Owner owner, WebhookEndpointId id, string url, Request request, CancellationToken cancellationToken)
    {
        await using (var line = new NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", transaction.Connection, transaction))
        {
            line.With($"webhook_endpoints/{owner.MerchantId}");
            await line.ExecuteNonQueryAsync(cancellationToken);
        }

        const string sql = $"""
            INSERT INTO webhook_endpoints (id, merchant_id, mode, slot, url, description, event_types, status)
            SELECT $1, $2, $3, free.slot, $4, $5::text, $6::text[], 'enabled'
            FROM generate_series(1, 16) AS free (slot)
            WHERE NOT EXISTS (SELECT 1 FROM webhook_endpoints w WHERE w.merchant_id = $2 AND w.mode = $3 AND w.slot = free.slot AND w.deleted_at IS NULL)
            ORDER BY free.slot LIMIT 1
            RETURNING {WebhookEndpoint.Columns}
            """;
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction);
        command.With(id.Value, owner.MerchantId.Value, ModeNames.Of(owner.Mode), url, request.Description, request.EventTypes?.ToArray());
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? WebhookEndpoint.Read(reader) : null;
    }

    private static async Task InsertSecretAsync(NpgsqlTransaction transaction, WebhookEndpointId id, string sealedSecret, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("INSERT INTO webhook_secrets (endpoint_id, number, sealed) VALUES ($1, 1, $2)", transaction.Connection, transaction);
        command.With(id.Value, sealedSecret);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
