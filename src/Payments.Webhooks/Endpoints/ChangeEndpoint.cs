using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Webhooks.Endpoints;

/// <summary>
/// <c>PATCH webhook_endpoints/{id}</c>: members that are absent stay. Enabling ends the row of failures; disabling cancels what waits.
/// </summary>
public static class ChangeEndpoint
{
    public sealed record Request(
        Optional<string> Url = default,
        OptionalOrNull<string> Description = default,
        OptionalOrNull<IReadOnlyList<string>> EventTypes = default,
        Optional<EndpointStatus> Status = default);

    public static async Task<Results<Ok<WebhookEndpoint>, Problem>> HandleAsync(
        Owner owner, string id, HttpContext context, NpgsqlDataSource database, IOptions<WebhooksOptions> options, CancellationToken cancellationToken)
    {
        var body = await RequestBody.ReadAsync<Request>(context, cancellationToken);
        if (!body.Succeeded(out var request, out var problem))
        {
            return problem;
        }

        if (!Id.TryParse<WebhookEndpointId>(id, out var endpointId))
        {
            return EndpointRules.NotFound;
        }

        string? url = null;
        if (request.Url.IsGiven)
        {
            if (!EndpointUrl.Check(request.Url.Value, owner.Mode, options.Value.AllowLoopback).Succeeded(out var accepted, out problem))
            {
                return problem;
            }

            url = accepted.AbsoluteUri;
        }

        if ((EndpointRules.CheckDescription(request.Description.Value) ?? EndpointRules.CheckEventTypes(request.EventTypes.Value)) is { } refused)
        {
            return refused;
        }

        return await UpdateAsync(owner, endpointId, request, url, database, cancellationToken) is { } changed ? TypedResults.Ok(changed) : EndpointRules.NotFound;
    }

    private static async Task<WebhookEndpoint?> UpdateAsync(
        Owner owner, WebhookEndpointId id, Request request, string? url, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        const string sql = $"""
            UPDATE webhook_endpoints SET
                url = coalesce($4::text, url),
                description = CASE WHEN $5 THEN $6::text ELSE description END,
                event_types = CASE WHEN $7 THEN $8::text[] ELSE event_types END,
                status = coalesce($9::text, status),
                disabled_reason = CASE WHEN $9 IS NULL OR $9 = status THEN disabled_reason WHEN $9 = 'disabled' THEN 'by_merchant' END,
                failing_since = CASE WHEN $9 = 'enabled' AND status = 'disabled' OR $4 IS NOT NULL THEN NULL ELSE failing_since END,
                updated_at = now()
            WHERE id = $1 AND merchant_id = $2 AND mode = $3 AND deleted_at IS NULL
            RETURNING {WebhookEndpoint.Columns}
            """;
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection, transaction);
        command.With(
            id.Value,
            owner.MerchantId.Value,
            ModeNames.Of(owner.Mode),
            url,
            request.Description.IsGiven,
            request.Description.Value,
            request.EventTypes.IsGiven,
            request.EventTypes.Value?.ToArray(),
            request.Status.IsGiven ? request.Status.Value == EndpointStatus.Enabled ? "enabled" : "disabled" : null);
        WebhookEndpoint changed;
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            if (!await reader.ReadAsync(cancellationToken))
            {
                return null;
            }

            changed = WebhookEndpoint.Read(reader);
        }

        if (changed.Status == EndpointStatus.Disabled)
        {
            await EndpointHealth.CancelPendingAsync(connection, transaction, id.Value, cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return changed;
    }
}
