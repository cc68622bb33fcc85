using System.Text.Json.Serialization;
using Npgsql;
using Payments.Core;

namespace Payments.Webhooks.Endpoints;

public enum EndpointStatus
{
    Enabled,
    Disabled,
}

/// <summary>A merchant's webhook endpoint as the API shows it.</summary>
/// <param name="EventTypes">Null for all types, also those that come later.</param>
/// <param name="DisabledReason"><c>by_merchant</c>, <c>gone</c> (it answered 410) or <c>failing</c> (no success for days).</param>
/// <param name="FailingSince">When the current row of failures began.</param>
/// <param name="Secret">Present only in the answers that make a secret.</param>
public sealed record WebhookEndpoint(
    WebhookEndpointId Id,
    string Object,
    Mode Mode,
    string Url,
    string? Description,
    IReadOnlyList<string>? EventTypes,
    EndpointStatus Status,
    string? DisabledReason,
    DateTimeOffset? FailingSince,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Secret = null)
{
    /// <summary>What <see cref="Read"/> expects, in order.</summary>
    internal const string Columns = "id, mode, url, description, event_types, status, disabled_reason, failing_since, created_at, updated_at";

    internal static WebhookEndpoint Read(NpgsqlDataReader row) => new(
        WebhookEndpointId.From(row.GetGuid(0)),
        "webhook_endpoint",
        row.GetString(1) == "live" ? Mode.Live : Mode.Test,
        row.GetString(2),
        row.IsDBNull(3) ? null : row.GetString(3),
        row.IsDBNull(4) ? null : row.GetFieldValue<string[]>(4),
        row.GetString(5) == "enabled" ? EndpointStatus.Enabled : EndpointStatus.Disabled,
        row.IsDBNull(6) ? null : row.GetString(6),
        row.IsDBNull(7) ? null : row.GetFieldValue<DateTimeOffset>(7),
        row.GetFieldValue<DateTimeOffset>(8),
        row.GetFieldValue<DateTimeOffset>(9));

    /// <summary>What a secret of this endpoint is sealed for.</summary>
    internal static string SecretPurpose(WebhookEndpointId id) => $"webhook secret of {id}";
}
