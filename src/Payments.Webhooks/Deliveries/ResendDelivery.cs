using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;
using Payments.Platform.Postgres;
using Payments.Webhooks.Endpoints;
using Payments.Webhooks.Events;

namespace Payments.Webhooks.Deliveries;

/// <summary>
/// <c>POST webhook_endpoints/{id}/deliveries/{delivery_id}/resend</c> → 202. The same event with the same id goes out again at once,
/// whatever became of it before, and the schedule begins anew. What is being sent this moment is left to finish.
/// </summary>
public static class ResendDelivery
{
    public sealed record Request;

    public static async Task<IResult> HandleAsync(
        Owner owner, string id, string deliveryId, HttpContext context, NpgsqlDataSource database, IdempotentRequests idempotency, CancellationToken cancellationToken)
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

        if (!Id.TryParse<DeliveryId>(deliveryId, out var delivery)
            || await DeliveryLog.ReadAsync(database, endpoint.Id, delivery, null, null, 1, cancellationToken) is not [var known])
        {
            return EndpointRules.DeliveryNotFound;
        }

        return await idempotency.RunAsync(context, IdempotencyScope.Of(owner.MerchantId, owner.Mode), async (work, ct) =>
        {
            var transaction = await work.BeginAsync(ct);
            return await RearmAsync(transaction, endpoint.Id, delivery, ct) is { } nextAttempt
                ? IdempotentResponse.Of(StatusCodes.Status202Accepted, known with { Status = "pending", NextAttemptAt = nextAttempt })
                : EndpointRules.Disabled;
        }, cancellationToken);
    }

    /// <summary>Null where the endpoint is not enabled.</summary>
    private static async Task<DateTimeOffset?> RearmAsync(NpgsqlTransaction transaction, WebhookEndpointId endpoint, DeliveryId delivery, CancellationToken cancellationToken)
    {
        const string sql = $"""
            WITH rearmed AS (
                UPDATE deliveries d SET
                    status = 'pending',
                    round_start = CASE WHEN d.lease IS NULL THEN d.attempts ELSE d.round_start END,
                    next_attempt_at = CASE WHEN d.lease IS NULL THEN now() ELSE d.next_attempt_at END
                FROM webhook_endpoints w
                WHERE d.lane_id = $1 AND d.id = $2 AND w.id = d.lane_id AND w.status = 'enabled' AND w.deleted_at IS NULL
                RETURNING d.next_attempt_at)
            SELECT next_attempt_at, pg_notify('{EventStore.Channel}', '') FROM rearmed
            """;
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction);
        command.With(endpoint.Value, delivery.Value);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? reader.GetFieldValue<DateTimeOffset>(0) : null;
    }
}
