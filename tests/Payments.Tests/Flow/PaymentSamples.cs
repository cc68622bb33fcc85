using Payments.Core;
using Payments.Core.Seams;

namespace Payments.Tests.Flow;

/// <summary>Payments for tests of the pure functions: numbers come from a counter, time stands still.</summary>
internal sealed class PaymentSamples
{
    public static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    public static readonly Price Commission = new(29_000, 30);
    public static readonly Price Cost = new(20_000, 10);
    public static readonly ProviderLimits Everything = new(PartialCapture: true, MultipleCaptures: true, VoidAfterPartialCapture: true);
    private readonly IdSource ids = new(TimeProvider.System);

    public NewOperation New(string? key = null) =>
        new(ids.New<OperationId>(), ids.New<AttemptId>(), Noon) { RequestKey = key is null ? null : new RequestKey(KeyClass.Secret, key) };

    public PaymentState Blank(long amount = 10_000, CaptureMethod capture = CaptureMethod.Manual, bool review = false) => new(
        ids.New<PaymentId>(), ids.New<MerchantId>(), Mode.Test, new Money(amount, Currency.Of("USD")),
        new PaymentDetails(
            capture, new PaymentMethodView("card", "visa", "4242", "US", "credit", ids.New<TokenId>().ToString()), 1, Commission, null, null, null, null, null,
            new Dictionary<string, string>()))
    {
        Risk = new RiskView(0, review ? FraudVerdict.Review : FraudVerdict.Approve, []),
        HeldForReview = review,
    };

    public PaymentState Opened(long amount = 10_000, CaptureMethod capture = CaptureMethod.Manual, bool review = false)
    {
        var opened = New("create");
        return Opening.Payment(Blank(amount, capture, review), opened, new NewAttempt(opened.AttemptId, Provider.Stripe, Cost));
    }

    public PaymentState Authorized(long amount = 10_000) => Tell(Opened(amount), OperationKind.Authorize, FactOutcome.Succeeded);

    public PaymentState Captured(long amount = 10_000) => Tell(Opened(amount, CaptureMethod.Automatic), OperationKind.Authorize, FactOutcome.Succeeded, captured: true);

    /// <summary>A fact about the newest attempt of a kind.</summary>
    public Fact FactOf(PaymentState payment, OperationKind kind, FactOutcome outcome, bool captured = false) =>
        new(kind, outcome, Provider.Stripe, ids.New<OperationId>(), Noon)
        {
            AttemptId = payment.Operations.LastOrDefault(o => o.Kind == kind)?.Current?.Id,
            PaymentReference = "pi_1",
            Captured = captured,
            Decline = outcome == FactOutcome.Declined ? new DeclineView("generic_decline", DeclineKind.Soft, "generic_decline", "Declined.") : null,
        };

    /// <summary>A fact of the provider alone: a dashboard's refund, an unexpected capture.</summary>
    public Fact Foreign(OperationKind kind, long amount, string name) =>
        new(kind, FactOutcome.Succeeded, Provider.Stripe, ids.New<OperationId>(), Noon) { PaymentReference = "pi_1", ModificationReference = name, AmountMinor = amount };

    public PaymentState Tell(PaymentState payment, OperationKind kind, FactOutcome outcome, bool captured = false) =>
        Apply(payment, FactOf(payment, kind, outcome, captured));

    public static PaymentState Apply(PaymentState payment, Fact fact) => ((Application.Applied)Applying.Apply(payment, fact)).Payment;

    public PaymentState Capture(PaymentState payment, long? amount = null, bool? final = null) => Opening.Capture(payment, amount, final, Everything, New()).Payment!;

    public PaymentState Void(PaymentState payment) => Opening.Void(payment, Everything, New()).Payment!;

    public PaymentState Refund(PaymentState payment, long? amount = null) => Opening.Refund(payment, amount, Everything, New()).Payment!;
}
