using System.Text.Json;
using Payments.Core;
using Payments.Core.Events;
using Payments.Webhooks.Receipts;

namespace Payments.Webhooks.Events;

/// <summary>
/// An event as merchants see it, as a webhook and in <c>GET /v1/events</c>: made once, stored as bytes, the same in every attempt.
/// </summary>
/// <param name="Version">The payment's version: tells old from new where events arrive out of order.</param>
/// <param name="Data">The object as of this event.</param>
/// <param name="Operation">What happened to the payment; null where it is no payment or reached no operation.</param>
public sealed record EventView<T>(string Id, string Object, string Type, DateTimeOffset Timestamp, Mode Mode, long Version, T Data, OperationView? Operation)
{
    /// <summary>The dispute as of this event; null where it is about none.</summary>
    public DisputeView? Dispute { get; init; }
}

/// <summary>The operation behind an event, in minor units. Refunds also go by <c>re_…</c> with the same digits.</summary>
public sealed record OperationView(string Id, OperationKind Kind, OperationState State, long Amount, string Currency, string? Reason);

/// <summary>An event with its stored form.</summary>
/// <param name="Subject">The payment or endpoint that it is about.</param>
/// <param name="WantsReceipt">A customer is to be told by mail.</param>
public sealed record StoredEvent(EventId Id, MerchantId MerchantId, Mode Mode, string Type, Guid Subject, long Version, DateTimeOffset OccurredAt, string? TraceParent, byte[] Body, bool WantsReceipt)
{
    public static StoredEvent Of(PaymentEvent source, string? traceParent)
    {
        ArgumentNullException.ThrowIfNull(source);
        var operation = source.Data.Operation is { } o ? new OperationView(o.Id, o.Kind, o.State, o.AmountMinor, o.Currency, o.Reason) : null;
        return Of(source.Id, source.MerchantId, source.Mode, source.Type, source.PaymentId.Value, source.Version, source.OccurredAt, traceParent, source.Data.Payment, operation, source.Data.Dispute)
            with
        { WantsReceipt = Receipt.IsDue(source) };
    }

    public static StoredEvent Of<T>(
        EventId id, MerchantId merchant, Mode mode, string type, Guid subject, long version, DateTimeOffset occurredAt, string? traceParent, T data, OperationView? operation, DisputeView? dispute = null)
    {
        var view = new EventView<T>(id.ToString(), "event", type, occurredAt, mode, version, data, operation) { Dispute = dispute };
        return new StoredEvent(id, merchant, mode, type, subject, version, occurredAt, traceParent, JsonSerializer.SerializeToUtf8Bytes(view, Json.Options), WantsReceipt: false);
    }
}

/// <summary>Event types that an endpoint may ask for.</summary>
public static class MerchantEventTypes
{
    /// <summary>The service switched an endpoint off; told to the merchant's other endpoints.</summary>
    public const string EndpointDisabled = "webhook_endpoint.disabled";

    public static IReadOnlyList<string> All { get; } = [.. PaymentEventTypes.All, EndpointDisabled];
}
