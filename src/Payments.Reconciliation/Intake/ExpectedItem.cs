using Payments.Core;
using Payments.Core.Events;
using Payments.Platform.Http;
using static Payments.Core.Events.PaymentEventTypes;

namespace Payments.Reconciliation.Intake;

/// <summary>
/// What an event makes us expect in the provider's report: what the ledger moves on <c>provider_receivable</c>, and the cost it accrues.
/// </summary>
/// <param name="Gross">Signed: what the provider owes us more.</param>
/// <param name="Fee">Accrued cost; negative where it is taken back.</param>
public sealed record ExpectedItem(
    Guid Id, Mode Mode, string Provider, LineKind Kind, string Reference, string? Alternative, string Currency, long Gross, long Fee, Guid PaymentId, Guid MerchantId,
    DateTimeOffset OccurredAt)
{
    public DateOnly Day => Calendars.DayOf(Provider, OccurredAt);

    public Guid Key => MatchKey.Of(Mode, Leg.Provider, Provider, Kind, Reference, Currency);

    // event, state of its operation, its kind → what is expected, with which sign
    private static readonly Dictionary<(string Type, OperationState State, OperationKind Kind), (LineKind Kind, int Sign)> Table = new()
    {
        [(Captured, OperationState.Succeeded, OperationKind.Capture)] = (LineKind.Capture, 1),
        [(CaptureFailed, OperationState.Reversed, OperationKind.Capture)] = (LineKind.CaptureReversal, -1),
        [(Refunded, OperationState.Succeeded, OperationKind.Refund)] = (LineKind.Refund, -1),
        [(RefundFailed, OperationState.Reversed, OperationKind.Refund)] = (LineKind.RefundReversal, 1),
        [(DoubleChargeFound, OperationState.Open, OperationKind.Refund)] = (LineKind.Capture, 1),
        [(DoubleChargeUndone, OperationState.Succeeded, OperationKind.Refund)] = (LineKind.Refund, -1),
        [(DoubleChargeUndoFailed, OperationState.Reversed, OperationKind.Refund)] = (LineKind.RefundReversal, 1),
        [(Unattributed, OperationState.Succeeded, OperationKind.Capture)] = (LineKind.Capture, 1),
        [(Attributed, OperationState.Succeeded, OperationKind.Capture)] = (LineKind.Capture, -1),
    };

    /// <summary>Null for events that move nothing at a provider.</summary>
    public static ExpectedItem? Of(PaymentEvent happened)
    {
        ArgumentNullException.ThrowIfNull(happened);
        if (happened.Data is { Dispute: { } dispute, Moved: { } moved })
        {
            // What a dispute takes is less, and its fee a cost; what comes back is the reverse of both.
            var sign = moved.IsWithdrawal ? -1 : 1;
            return new(
                happened.Id.Value, happened.Mode, Words.Of(dispute.Provider), moved.IsWithdrawal ? LineKind.Chargeback : LineKind.ChargebackReversal, dispute.ProviderReference,
                happened.Data.Payment.ProviderReference, moved.Currency, sign * moved.AmountMinor, -sign * moved.FeeMinor, happened.PaymentId.Value, happened.MerchantId.Value, happened.OccurredAt);
        }

        var (payment, operation, fees) = happened.Data;
        if (operation is null || !Table.TryGetValue((happened.Type, operation.State, operation.Kind), out var row))
        {
            return null;
        }

        var provider = operation.Provider ?? payment.Provider ?? throw new InvariantException($"event {happened.Id} names the provider that has the money");
        var isOfPayment = row.Kind is LineKind.Capture or LineKind.CaptureReversal && happened.Type is not (DoubleChargeFound or Unattributed or Attributed);
        var reference = (isOfPayment ? payment.ProviderReference : null) ?? operation.ProviderReference ?? payment.ProviderReference
            ?? throw new InvariantException($"event {happened.Id} names what the provider calls it");
        var fee = fees?.ProviderCostMinor ?? 0;
        return new(
            happened.Id.Value, happened.Mode, Words.Of(provider), row.Kind, reference, payment.ProviderReference, operation.Currency, row.Sign * operation.AmountMinor,
            row.Sign * fee, happened.PaymentId.Value, happened.MerchantId.Value, happened.OccurredAt);
    }
}
