using System.Text.Json;
using Payments.Core;
using Payments.Core.Events;
using Payments.Webhooks.Events;

namespace Payments.Webhooks.Receipts;

/// <summary>What a customer is told by mail after a capture or a refund, taken from the event alone.</summary>
/// <param name="EventId">One receipt per event: also the mail's Message-ID.</param>
public sealed record Receipt(
    string EventId,
    string To,
    bool IsRefund,
    bool IsTest,
    Money Amount,
    DateTimeOffset At,
    string PaymentId,
    string? Card,
    string? Descriptor,
    string? Description,
    string? OrderId)
{
    /// <summary>A capture or refund that took effect, of a payment with an address for receipts.</summary>
    public static bool IsDue(PaymentEvent source)
    {
        ArgumentNullException.ThrowIfNull(source);
        return (source.Type is PaymentEventTypes.Captured or PaymentEventTypes.Refunded || source is { Type: PaymentEventTypes.DoubleChargeUndone, Data.Operation.Kind: OperationKind.Refund })
            && source.Data is { Operation.State: OperationState.Succeeded, Operation.AmountMinor: > 0, Payment.ReceiptEmail.Length: > 0 };
    }

    /// <summary>Reads the receipt out of the event's stored body.</summary>
    public static Receipt Of(ReadOnlySpan<byte> body)
    {
        var view = JsonSerializer.Deserialize<EventView<PaymentView>>(body, Json.Options)!;
        Invariant.Holds(view is { Operation: not null, Data.ReceiptEmail: not null }, "receipts are due only for operations of payments with an address");
        var (payment, method) = (view.Data, view.Data.PaymentMethod);
        return new Receipt(
            view.Id,
            payment.ReceiptEmail!,
            view.Type is PaymentEventTypes.Refunded or PaymentEventTypes.DoubleChargeUndone,
            view.Mode == Mode.Test,
            new Money(view.Operation!.Amount, Currency.Of(view.Operation.Currency)),
            view.Timestamp,
            payment.Id,
            method.Last4 is null ? null : $"{method.Brand ?? method.Type} •••• {method.Last4}",
            payment.StatementDescriptor,
            payment.Description,
            payment.OrderId);
    }
}
