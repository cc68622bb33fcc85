using Payments.Platform.Http;
using Payments.Webhooks.Events;

namespace Payments.Webhooks.Endpoints;

/// <summary>What an endpoint's description and event types may be, and the refusals of this service.</summary>
internal static class EndpointRules
{
    public const int LongestDescription = 500;
    public const int MostPerMerchantAndMode = 16;

    public static readonly Problem NotFound = Problems.NotFound("webhook_endpoint");
    public static readonly Problem DeliveryNotFound = Problems.NotFound("delivery", "delivery_id");
    public static readonly Problem EventNotFound = Problems.NotFound("event");
    public static readonly Problem TooMany = new(409, "too_many_webhook_endpoints", $"A merchant may have up to {MostPerMerchantAndMode} endpoints in each mode; delete one first.", Problems.Body);
    public static readonly Problem Disabled = new(409, "webhook_endpoint_disabled", "The endpoint is disabled; enable it first.", "id");

    public static Problem? CheckDescription(string? description) => description is { Length: > LongestDescription }
        ? Problems.InvalidValue("description", $"A text of up to {LongestDescription} characters is expected.")
        : null;

    public static Problem? CheckEventTypes(IReadOnlyList<string>? types)
    {
        if (types is null)
        {
            return null;
        }

        if (types.Count == 0)
        {
            return Problems.InvalidValue("event_types", "At least one type is expected; leave the member out for all types.");
        }

        for (var i = 0; i < types.Count; i++)
        {
            if (!MerchantEventTypes.All.Contains(types[i], StringComparer.Ordinal))
            {
                return Problems.InvalidValue($"event_types[{i}]", $"One of these is expected: {string.Join(", ", MerchantEventTypes.All)}.");
            }

            if (types.Take(i).Contains(types[i], StringComparer.Ordinal))
            {
                return Problems.InvalidValue($"event_types[{i}]", "This type is given twice.");
            }
        }

        return null;
    }
}
