using Payments.Core;
using static Payments.Core.FactOutcome;
using static Payments.Core.OperationKind;

namespace Payments.Tests.Flow;

public class OpeningTests
{
    private static readonly PaymentSamples Samples = new();
    private static readonly ProviderLimits Nothing = new(PartialCapture: false, MultipleCaptures: false, VoidAfterPartialCapture: false);
    private static readonly ProviderLimits Once = new(PartialCapture: true, MultipleCaptures: false, VoidAfterPartialCapture: false);

    private static readonly ProviderLimits Tens = PaymentSamples.Everything with { AmountStep = 10 };

    private static PaymentState PartlyCaptured() => Samples.Tell(Samples.Capture(Samples.Authorized(), 4_000, false), Capture, Succeeded);

    // Refusals in order of precedence, one row each.
    private static readonly (string? Code, string Case, Func<Decision> Decide)[] Table =
    [
        ("payment_not_capturable", "capture while authorizing", () => Opening.Capture(Samples.Opened(), null, null, PaymentSamples.Everything, Samples.New())),
        ("payment_not_capturable", "capture of a declined payment", () => Opening.Capture(Samples.Tell(Samples.Opened(), Authorize, Declined), null, null, PaymentSamples.Everything, Samples.New())),
        ("payment_in_review", "capture in review", () => Opening.Capture(Samples.Tell(Samples.Opened(review: true), Authorize, Succeeded), null, null, PaymentSamples.Everything, Samples.New())),
        ("void_in_progress", "capture while voiding", () => Opening.Capture(Samples.Void(Samples.Authorized()), 20_000, null, Nothing, Samples.New())),
        ("payment_not_capturable", "capture after void", () => Opening.Capture(Samples.Tell(Samples.Void(Samples.Authorized()), OperationKind.Void, Succeeded), null, null, PaymentSamples.Everything, Samples.New())),
        ("capture_in_progress", "second capture of everything", () => Opening.Capture(Samples.Capture(Samples.Authorized()), null, null, PaymentSamples.Everything, Samples.New())),
        ("amount_exceeds_capturable", "capture above what is left", () => Opening.Capture(Samples.Authorized(), 10_001, null, Nothing, Samples.New())),
        ("amount_exceeds_capturable", "second capture above what is left", () => Opening.Capture(PartlyCaptured(), 6_001, null, PaymentSamples.Everything, Samples.New())),
        ("partial_capture_not_supported", "partial capture", () => Opening.Capture(Samples.Authorized(), 1, null, Nothing, Samples.New())),
        ("multiple_captures_not_supported", "first of several captures", () => Opening.Capture(Samples.Authorized(), 1, false, Once, Samples.New())),
        (null, "capture of everything", () => Opening.Capture(Samples.Authorized(), null, null, Nothing, Samples.New())),
        (null, "rest of several captures", () => Opening.Capture(PartlyCaptured(), 6_000, null, PaymentSamples.Everything, Samples.New())),
        ("amount_step_not_supported", "capture between two steps", () => Opening.Capture(Samples.Authorized(), 5_005, null, Tens, Samples.New())),
        (null, "capture on a step", () => Opening.Capture(Samples.Authorized(), 5_010, null, Tens, Samples.New())),
        ("payment_not_voidable", "void while authorizing", () => Opening.Void(Samples.Opened(), PaymentSamples.Everything, Samples.New())),
        ("payment_not_voidable", "void of a captured payment", () => Opening.Void(Samples.Captured(), PaymentSamples.Everything, Samples.New())),
        ("void_in_progress", "second void", () => Opening.Void(Samples.Void(Samples.Authorized()), PaymentSamples.Everything, Samples.New())),
        ("capture_in_progress", "void against capture", () => Opening.Void(Samples.Capture(Samples.Authorized(), 1, false), PaymentSamples.Everything, Samples.New())),
        ("void_after_capture_not_supported", "void of the rest", () => Opening.Void(PartlyCaptured(), Nothing, Samples.New())),
        (null, "void in review", () => Opening.Void(Samples.Tell(Samples.Opened(review: true), Authorize, Succeeded), Nothing, Samples.New())),
        ("payment_not_refundable", "refund of what is only authorized", () => Opening.Refund(Samples.Authorized(), null, PaymentSamples.Everything, Samples.New())),
        ("payment_not_refundable", "refund of what is refunded", () => Opening.Refund(Samples.Refund(Samples.Captured()), null, PaymentSamples.Everything, Samples.New())),
        ("amount_exceeds_refundable", "refund above what is captured", () => Opening.Refund(Samples.Captured(), 10_001, PaymentSamples.Everything, Samples.New())),
        ("amount_exceeds_refundable", "refund above what is left beside an open one", () => Opening.Refund(Samples.Refund(Samples.Captured(), 6_000), 6_000, PaymentSamples.Everything, Samples.New())),
        ("amount_step_not_supported", "refund between two steps", () => Opening.Refund(Samples.Captured(), 5_005, Tens, Samples.New())),
        (null, "refund of the rest", () => Opening.Refund(Samples.Refund(Samples.Captured(), 6_000), 4_000, PaymentSamples.Everything, Samples.New())),
        ("payment_not_pending_3ds", "expiry of an authorized payment", () => Opening.Expiry(Samples.Authorized(), Samples.New())),
    ];

    public static TheoryData<int, string> Cases() => new(Table.Select((row, i) => (i, $"{row.Case}: {row.Code ?? "opened"}")));

    [Theory]
    [MemberData(nameof(Cases))]
    public void What_may_not_be_done_is_refused_by_name(int row, string what)
    {
        var (code, name, decide) = Table[row];
        Assert.Contains(name, what, StringComparison.Ordinal);

        var decision = decide();

        Assert.Equal(code, decision.Refusal?.Code);
        Assert.Equal(CauseOf(code), decision.Refusal?.Param);
        Assert.Equal(code is null, decision.Payment is not null);
    }

    /// <summary>The part of the request that a refusal of the table is about; the payment itself where nothing asked for would have been right.</summary>
    private static string? CauseOf(string? code) => code switch
    {
        null => null,
        "amount_exceeds_capturable" or "amount_exceeds_refundable" or "amount_step_not_supported" or "partial_capture_not_supported" => "amount",
        "multiple_captures_not_supported" => "final",
        _ => "id",
    };

    [Fact]
    public void A_capture_above_the_authorization_is_the_providers_to_refuse_and_no_reservation_allows_it()
    {
        var limits = PaymentSamples.Everything with { OverCapture = true };
        Assert.Null(Opening.Capture(Samples.Authorized(), 10_000, null, limits, Samples.New()).Refusal);
        Assert.Throws<InvariantException>(() => Opening.Capture(Samples.Authorized(), 10_001, null, limits, Samples.New()));
    }

    [Fact]
    public void An_open_operation_reserves_its_amount()
    {
        Assert.Equal(4_000, Samples.Capture(Samples.Authorized(), 6_000, false).Amounts.CapturableMinor);
        Assert.Equal(0, Samples.Void(Samples.Authorized()).Amounts.CapturableMinor);
        Assert.Equal(4_000, Samples.Refund(Samples.Captured(), 6_000).Amounts.RefundableMinor);
    }

    [Fact]
    public void A_failed_operation_gives_its_reservation_back()
    {
        Assert.Equal(10_000, Samples.Tell(Samples.Capture(Samples.Authorized()), Capture, Declined).Amounts.CapturableMinor);
        Assert.Equal(10_000, Samples.Tell(Samples.Void(Samples.Authorized()), OperationKind.Void, Declined).Amounts.CapturableMinor);
        Assert.Equal(10_000, Samples.Tell(Samples.Refund(Samples.Captured()), Refund, Declined).Amounts.RefundableMinor);
    }

    [Fact]
    public void An_unknown_operation_keeps_its_reservation()
    {
        Assert.Equal(0, Samples.Tell(Samples.Capture(Samples.Authorized()), Capture, Unknown).Amounts.CapturableMinor);
        Assert.Equal(0, Samples.Tell(Samples.Refund(Samples.Captured()), Refund, Unknown).Amounts.RefundableMinor);
    }

    [Fact]
    public void A_final_capture_and_another_one_are_never_under_way_together()
    {
        var final = Samples.Capture(Samples.Authorized(), 4_000, final: true);
        var partial = Samples.Capture(Samples.Authorized(), 4_000, final: false);

        var beside = Opening.Capture(final, 1_000, null, PaymentSamples.Everything, Samples.New()).Refusal!;
        Assert.Equal(("capture_in_progress", "id"), (beside.Code, beside.Param));
        var last = Opening.Capture(partial, 1_000, true, PaymentSamples.Everything, Samples.New()).Refusal!;
        Assert.Equal(("capture_in_progress", "final"), (last.Code, last.Param));
        Assert.False(Samples.Capture(partial).Operations[^1].Final, "what is left now is not all that may be left when the other capture comes to nothing");
        Assert.True(Samples.Capture(Samples.Tell(partial, Capture, Succeeded)).Operations[^1].Final);
    }
}
