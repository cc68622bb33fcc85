using Payments.Core;
using Payments.Core.Events;

namespace Payments.Tests.Ledger.Lives;

/// <summary>Makes the events of one payment, in order of version.</summary>
internal sealed class PaymentLife(IdSource ids, DateTimeOffset start)
{
    private long version;

    public PaymentId Payment { get; } = ids.New<PaymentId>();

    public MerchantId Merchant { get; init; } = ids.New<MerchantId>();

    public Mode Mode { get; init; } = Mode.Test;

    public Provider Provider { get; init; } = Provider.Stripe;

    public string Currency { get; init; } = "USD";

    public FraudVerdict Risk { get; init; } = FraudVerdict.Approve;

    public long AmountCaptured { get; set; }

    public long AmountRefunded { get; set; }

    /// <summary>An event about one operation of this payment.</summary>
    public PaymentEvent Of(
        string type, OperationKind kind, OperationState state, long amount, CaptureFees? fees = null, long released = 0, long suspense = 0) =>
        Of(type, new OperationFact(
            ids.New<OperationId>().ToString(), kind, state, amount, Currency, ids.New<AttemptId>().ToString(), Provider, "ref", null, released, suspense, false), fees);

    /// <summary>Money that is taken with its authorization: one event.</summary>
    public PaymentEvent Sold(long amount, CaptureFees fees)
    {
        var captured = Of(PaymentEventTypes.Captured, OperationKind.Capture, OperationState.Succeeded, amount, fees);
        var authorization = captured.Data.Operation! with { Id = ids.New<OperationId>().ToString(), Kind = OperationKind.Authorize };
        return captured with { Data = captured.Data with { Authorization = authorization } };
    }

    /// <summary>Money that a dispute takes (odd numbers) or gives back.</summary>
    public PaymentEvent OfDispute(int number, long amount, long suspense, long fee, bool? ofMerchant = null)
    {
        var happened = Of(number % 2 == 1 ? PaymentEventTypes.DisputeFundsWithdrawn : PaymentEventTypes.DisputeFundsReinstated, operation: null);
        var dispute = new DisputeView(
            ids.New<DisputeId>().ToString(), "dispute", Payment.ToString(), Mode, DisputeStatus.NeedsResponse, amount, amount, fee, Currency, DisputeReason.Fraudulent, null, Provider, "du_1", false,
            null, null, null, start, start);
        return happened with { Data = happened.Data with { Dispute = dispute, Moved = new DisputeMovementFact(number, amount, suspense, fee, Currency) { MerchantBearsFee = ofMerchant } } };
    }

    public PaymentEvent Of(string type, OperationFact? operation, CaptureFees? fees = null)
    {
        version++;
        var at = start.AddSeconds(version);
        var view = new PaymentView
        {
            Id = Payment.ToString(),
            MerchantId = Merchant.ToString(),
            Mode = Mode,
            Status = PaymentStatus.Authorized,
            Amount = 10_000,
            AmountCapturable = 0,
            AmountCaptured = AmountCaptured,
            AmountRefunded = AmountRefunded,
            Currency = Currency,
            CaptureMethod = CaptureMethod.Manual,
            PaymentMethod = new("card", "visa", "4242", "US", "credit", null),
            Provider = Provider,
            Risk = new(10, Risk, []),
            CreatedAt = start,
            Version = version,
        };
        return new(ids.New<EventId>(), type, Payment, Merchant, Mode, version, at, new(view, operation, fees));
    }
}
