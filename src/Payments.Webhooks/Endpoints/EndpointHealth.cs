using Npgsql;
using Payments.Core;
using Payments.Platform.Postgres;
using Payments.Webhooks.Events;

namespace Payments.Webhooks.Endpoints;

/// <summary>Keeps track of endpoints that fail, and switches off those that say so or fail for days.</summary>
public sealed class EndpointHealth(NpgsqlDataSource database, EventStore events, IdSource ids, TimeProvider time, ILogger<EndpointHealth> logger)
{
    public const string Gone = "gone";
    public const string Failing = "failing";

    public async Task SucceededAsync(Guid endpoint, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("UPDATE webhook_endpoints SET failing_since = NULL WHERE id = $1 AND failing_since IS NOT NULL");
        command.With(endpoint);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Marks the beginning of a row of failures; one that lasts longer than <paramref name="patience"/> switches the endpoint off.</summary>
    public async Task FailedAsync(Guid endpoint, TimeSpan patience, CancellationToken cancellationToken)
    {
        const string sql = """
            WITH marked AS (UPDATE webhook_endpoints SET failing_since = now() WHERE id = $1 AND failing_since IS NULL RETURNING 1)
            SELECT failing_since < now() - $2 FROM webhook_endpoints WHERE id = $1 AND status = 'enabled' AND failing_since IS NOT NULL
            """;
        await using var command = database.CreateCommand(sql);
        command.With(endpoint, patience);
        if (await command.ExecuteScalarAsync(cancellationToken) is true)
        {
            await DisableAsync(endpoint, Failing, cancellationToken);
        }
    }

    /// <summary>Switches an endpoint off, cancels what waits for it, and tells the merchant's other endpoints: all in one transaction.</summary>
    public async Task DisableAsync(Guid endpoint, string reason, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (await SwitchOffAsync(connection, transaction, endpoint, reason, cancellationToken) is not { } off)
        {
            return; // someone else was faster
        }

        await CancelPendingAsync(connection, transaction, endpoint, cancellationToken);
        var told = StoredEvent.Of(ids.New<EventId>(), off.Merchant, off.Endpoint.Mode, MerchantEventTypes.EndpointDisabled, endpoint, 0, time.GetUtcNow(), null, off.Endpoint, null);
        await events.AddAsync(connection, transaction, [told], cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        WebhooksTelemetry.EndpointsDisabled.Add(1, new KeyValuePair<string, object?>("payments.webhooks.reason", reason));
        Log.EndpointDisabled(logger, off.Endpoint.Id, off.Merchant, reason);
    }

    internal static async Task CancelPendingAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, Guid endpoint, CancellationToken cancellationToken)
    {
        const string sql = "UPDATE deliveries SET status = 'canceled', lease = NULL WHERE lane_id = $1 AND status = 'pending'";
        await using var command = new NpgsqlCommand(sql, connection, transaction).With(endpoint);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<(MerchantId Merchant, WebhookEndpoint Endpoint)?> SwitchOffAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, Guid endpoint, string reason, CancellationToken cancellationToken)
    {
        const string sql = $"""
            UPDATE webhook_endpoints SET status = 'disabled', disabled_reason = $2, updated_at = now()
            WHERE id = $1 AND status = 'enabled' AND deleted_at IS NULL
            RETURNING {WebhookEndpoint.Columns}, merchant_id
            """;
        await using var command = new NpgsqlCommand(sql, connection, transaction).With(endpoint, reason);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? (MerchantId.From(reader.GetGuid(10)), WebhookEndpoint.Read(reader)) : null;
    }
}
