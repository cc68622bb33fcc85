using System.Text.Json;
using Payments.Core;
using Payments.Core.Events;
using Payments.Webhooks.Events;

namespace Payments.Webhooks.Receipts;

public enum ReceiptKind
{
    Paid,
    Refunded,

    /// <summary>A refund that the customer was told of came back to us: what was said is not true any more.</summary>
    RefundCameBack,
}

/// <summary>What a customer is told by mail after a capture or a refund, or when a refund came back, taken from the event alone.</summary>
/// <param name="EventId">One receipt per event: also the mail's Message-ID.</param>
public sealed record Receipt(
    string EventId,
    string To,
    ReceiptKind Kind,
    bool IsTest,
    Money Amount,
    DateTimeOffset At,
    string PaymentId,
    string? Card,
    string? Descriptor,
    string? Description,
    string? OrderId)
{
    /// <summary>A capture or refund that took effect, or a refund that no longer does, of a payment with an address for receipts.</summary>
    public static bool IsDue(PaymentEvent source)
    {
        ArgumentNullException.ThrowIfNull(source);
        return KindOf(source.Type, source.Data.Operation?.Kind, source.Data.Operation?.State) is not null
            && source.Data is { Operation.AmountMinor: > 0, Payment.ReceiptEmail.Length: > 0 };
    }

    /// <summary>Reads the receipt out of the event's stored body.</summary>
    public static Receipt Of(ReadOnlySpan<byte> body)
    {
        var view = JsonSerializer.Deserialize<EventView<PaymentView>>(body, Json.Options)!;
        Invariant.Holds(view is { Operation: not null, Data.ReceiptEmail: not null }, "receipts are due only for operations of payments with an address");
        var kind = KindOf(view.Type, view.Operation!.Kind, view.Operation.State) ?? throw new InvariantException("a receipt is due only for what it can tell");
        var (payment, method) = (view.Data, view.Data.PaymentMethod);
        return new Receipt(
            view.Id,
            payment.ReceiptEmail!,
            kind,
            view.Mode == Mode.Test,
            new Money(view.Operation.Amount, Currency.Of(view.Operation.Currency)),
            view.Timestamp,
            payment.Id,
            method.Last4 is null ? null : $"{method.Brand ?? method.Type} •••• {method.Last4}",
            payment.StatementDescriptor,
            payment.Description,
            payment.OrderId);
    }

    private static ReceiptKind? KindOf(string type, OperationKind? operation, OperationState? state) => (type, operation, state) switch
    {
        (PaymentEventTypes.Captured, _, OperationState.Succeeded) => ReceiptKind.Paid,
        (PaymentEventTypes.Refunded, _, OperationState.Succeeded) => ReceiptKind.Refunded,
        (PaymentEventTypes.DoubleChargeUndone, OperationKind.Refund, OperationState.Succeeded) => ReceiptKind.Refunded,
        (PaymentEventTypes.RefundFailed, _, OperationState.Reversed) => ReceiptKind.RefundCameBack,
        _ => null,
    };
}
