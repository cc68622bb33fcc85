using Payments.Core;
using Xunit;

namespace Payments.Tests.Flow;

/// <summary>Which of a provider's charges are ours: the table of docs/recovery-rules.md, row by row.</summary>
public sealed class ChargeMatchingTests
{
    private static readonly IdSource Ids = new(TimeProvider.System);
    private static readonly MerchantId Ours = Ids.New<MerchantId>();
    private static readonly MerchantId Another = Ids.New<MerchantId>();
    private static readonly Owned Here = new(Ids.New<PaymentId>(), Ours, Mode.Test);
    private static readonly ChargeKnowledge Nothing = new(false, false, null, null, null, MerchantExists: false);

    // what it is, how it stands, the merchant it names, what we know, what is to be done, whether a payment is told
    private static readonly (string Row, ChargeState State, MerchantId? Named, ChargeKnowledge Known, ChargeVerdict Verdict, bool Told)[] Table =
    [
        ("failed at the provider",                 ChargeState.Nothing,  Ours,    Nothing with { MerchantExists = true },                                   ChargeVerdict.Ignore,  false),
        ("cancelled before any capture",           ChargeState.Released, Ours,    Nothing with { MerchantExists = true },                                   ChargeVerdict.Ignore,  false),
        ("known by name",                          ChargeState.Taken,    Ours,    Nothing with { ReferenceKnown = true, MerchantExists = true },            ChargeVerdict.Known,   false),
        ("in suspense already",                    ChargeState.Taken,    null,    Nothing with { Suspended = true },                                        ChargeVerdict.Known,   false),
        ("our attempt",                            ChargeState.Taken,    Ours,    By(Here, Provider.Stripe),                                                ChargeVerdict.Tell,    true),
        ("our attempt, no merchant named",         ChargeState.Held,     null,    By(Here, Provider.Stripe),                                                ChargeVerdict.Tell,    true),
        ("our attempt, another merchant named",    ChargeState.Taken,    Another, By(Here, Provider.Stripe),                                                ChargeVerdict.Suspend, false),
        ("our attempt, of the other mode",         ChargeState.Taken,    Ours,    By(Here with { Mode = Mode.Live }, Provider.Stripe),                      ChargeVerdict.Suspend, false),
        ("our attempt, at the other provider",     ChargeState.Taken,    Ours,    By(Here, Provider.Adyen),                                                 ChargeVerdict.Suspend, false),
        ("our payment",                            ChargeState.Taken,    Ours,    Nothing with { ByPayment = Here, MerchantExists = true },                 ChargeVerdict.Tell,    true),
        ("our payment, no merchant named",         ChargeState.Taken,    null,    Nothing with { ByPayment = Here },                                        ChargeVerdict.Suspend, false),
        ("our payment, another merchant named",    ChargeState.Taken,    Another, Nothing with { ByPayment = Here, MerchantExists = true },                 ChargeVerdict.Suspend, false),
        ("our payment, of the other mode",         ChargeState.Taken,    Ours,    Nothing with { ByPayment = Here with { Mode = Mode.Live }, MerchantExists = true }, ChargeVerdict.Suspend, false),
        ("nothing of ours, merchant of ours",      ChargeState.Taken,    Ours,    Nothing with { MerchantExists = true },                                   ChargeVerdict.Recover, false),
        ("nothing of ours, only held",             ChargeState.Held,     Ours,    Nothing with { MerchantExists = true },                                   ChargeVerdict.Recover, false),
        ("nothing of ours, unknown merchant",      ChargeState.Taken,    Another, Nothing,                                                                  ChargeVerdict.Suspend, false),
        ("nothing of ours, no merchant",           ChargeState.Taken,    null,    Nothing,                                                                  ChargeVerdict.Suspend, false),
    ];

    public static TheoryData<string> Rows => [.. Table.Select(r => r.Row)];

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_charge_is_matched_by_the_first_row_that_fits(string name)
    {
        var (_, state, named, known, verdict, told) = Table.Single(r => r.Row == name);
        var charge = Charge(state) with { MerchantId = named };

        var decision = ChargeMatching.Decide(charge, known);

        Assert.Equal(verdict, decision.Verdict);
        Assert.Equal(told ? Here : null, decision.Payment);
    }

    [Theory]
    //          captured refunded state                 authorized captured refunded capturable status
    [InlineData(0, 0, ChargeState.Held, 10_000, 0, 0, 10_000, PaymentStatus.Authorized)]
    [InlineData(10_000, 0, ChargeState.Taken, 10_000, 10_000, 0, 0, PaymentStatus.Captured)]
    [InlineData(4_000, 0, ChargeState.Taken, 10_000, 4_000, 0, 0, PaymentStatus.Captured)]
    [InlineData(4_000, 0, ChargeState.Held, 10_000, 4_000, 0, 6_000, PaymentStatus.Captured)]
    [InlineData(10_000, 3_000, ChargeState.Taken, 10_000, 10_000, 3_000, 0, PaymentStatus.PartiallyRefunded)]
    [InlineData(10_000, 10_000, ChargeState.Taken, 10_000, 10_000, 10_000, 0, PaymentStatus.Refunded)]
    public void A_recovered_payment_stands_as_its_charge_does(long captured, long refunded, ChargeState state, long authorized, long taken, long back, long capturable, PaymentStatus status)
    {
        var charge = Charge(state) with
        {
            CapturedMinor = captured,
            CaptureMethod = captured == 10_000 ? CaptureMethod.Automatic : CaptureMethod.Manual,
            Refunds = refunded == 0 ? [] : [new ProviderRefund("re_1", refunded, null)],
        };

        var (payment, happenings) = Recovering.Payment(charge, Blank(), Ids.New<OperationId>);

        Assert.Equal((authorized, taken, back, capturable), (payment.Amounts.AuthorizedMinor, payment.Amounts.CapturedMinor, payment.Amounts.RefundedMinor, payment.Amounts.CapturableMinor));
        Assert.Equal((status, PaymentOrigin.Recovered), (payment.Status, payment.View().Origin));
        Assert.Equal("pi_1", payment.View().ProviderReference);
        Assert.Equal(Enumerable.Range(2, happenings.Length).Select(n => (long)n), happenings.Select(h => h.AsOf.Version));
        Assert.Equal(payment.Version, happenings[^1].AsOf.Version);
    }

    [Fact]
    public void What_was_in_suspense_leaves_it_before_its_payment_begins()
    {
        var charge = Charge(ChargeState.Taken) with { CapturedMinor = 10_000, Refunds = [new ProviderRefund("re_1", 1_000, null)] };
        var blank = Blank();

        var suspended = Recovering.Unattributed(charge, blank, Ids.New<OperationId>());
        var (payment, happenings) = Recovering.Attributed(charge, blank, Ids.New<OperationId>(), Ids.New<OperationId>);

        Assert.Equal((1, "payment.unattributed"), (suspended.AsOf.Version, suspended.Type));
        Assert.Equal(["payment.attributed", "payment.captured", "payment.refunded"], happenings.Select(h => h.Type));
        Assert.Equal([2, 3, 4], happenings.Select(h => h.AsOf.Version));
        Assert.Equal((9_000, 9_000), (suspended.Operation!.AmountMinor, happenings[0].Operation!.AmountMinor));
        Assert.Equal(4, payment.Version);
    }

    private static ChargeKnowledge By(Owned owned, Provider provider) => Nothing with { ByAttempt = owned, AttemptProvider = provider, MerchantExists = true };

    private static RecoveredBlank Blank() => new(
        Ids.New<PaymentId>(), Ours, 1, PaymentSamples.Commission, PaymentSamples.Cost, new NewOperation(Ids.New<OperationId>(), Ids.New<AttemptId>(), PaymentSamples.Noon));

    private static ProviderCharge Charge(ChargeState state) => new(Provider.Stripe, Mode.Test, "pi_1", 10_000, "USD", state, PaymentSamples.Noon)
    {
        Card = new PaymentMethodView("card", "visa", "4242", "US", "credit", null),
    };

    [Theory]
    [InlineData("a b c", "a b c", "a b c", "", "")]
    [InlineData("a b c", "a b", "a b", "c", "")]
    [InlineData("a", "a b", "a b", "", "b")]
    [InlineData("a c c", "a b", "a b b", "c", "b")]
    [InlineData("", "a", "", "", "")]
    public void Phantoms_and_missing_payments_are_the_two_sides_of_one_comparison(string listed, string known, string expected, string phantoms, string missing)
    {
        Assert.Equal(Names(phantoms), ChargeMatching.Phantoms(Names(listed), Names(known).ToHashSet(StringComparer.Ordinal)).Order());
        Assert.Equal(Names(missing), ChargeMatching.Missing(Names(listed), Names(expected)));

        static string[] Names(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }
}
