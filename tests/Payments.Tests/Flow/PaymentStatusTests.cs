using Payments.Core;
using static Payments.Core.FactOutcome;
using static Payments.Core.OperationKind;
using static Payments.Core.PaymentStatus;

namespace Payments.Tests.Flow;

public class PaymentStatusTests
{
    private static readonly PaymentSamples Samples = new();

    // What happened, and the status that it makes: the documented table, case by case.
    private static readonly (PaymentStatus Status, string Case, Func<PaymentState> Payment)[] Table =
    [
        (Rejected, "refused by fraud scoring", () => Opening.Payment(Samples.Blank() with { Risk = new RiskView(90, FraudVerdict.Reject, []) }, Samples.New(), null)),
        (Created, "nothing happened yet", () => Samples.Blank()),
        (Authorizing, "attempt open", () => Samples.Opened()),
        (Pending3ds, "challenge", () => Samples.Tell(Samples.Opened(), Authorize, NeedsAction)),
        (Processing, "outcome later", () => Samples.Tell(Samples.Opened(), Authorize, Pending)),
        (Processing, "outcome unknown", () => Samples.Tell(Samples.Opened(), Authorize, Unknown)),
        (PaymentStatus.Declined, "declined", () => Samples.Tell(Samples.Opened(), Authorize, FactOutcome.Declined)),
        (Failed, "not executed anywhere", () => Samples.Tell(Samples.Opened(), Authorize, NotProcessed)),
        (InReview, "held", () => Samples.Tell(Samples.Opened(review: true), Authorize, Succeeded)),
        (Authorized, "authorized", () => Samples.Authorized()),
        (Capturing, "capture open", () => Samples.Capture(Samples.Authorized())),
        (Capturing, "capture unknown", () => Samples.Tell(Samples.Capture(Samples.Authorized()), Capture, Unknown)),
        (Authorized, "capture failed", () => Samples.Tell(Samples.Capture(Samples.Authorized()), Capture, FactOutcome.Declined)),
        (Captured, "captured at once", () => Samples.Captured()),
        (Captured, "captured in part", () => Samples.Tell(Samples.Capture(Samples.Authorized(), 4_000, false), Capture, Succeeded)),
        (Failed, "capture taken back", () => Samples.Tell(Samples.Tell(Samples.Capture(Samples.Authorized()), Capture, Succeeded), Capture, FactOutcome.Declined)),
        (Voiding, "void open", () => Samples.Void(Samples.Authorized())),
        (Voided, "voided", () => Samples.Tell(Samples.Void(Samples.Authorized()), OperationKind.Void, Succeeded)),
        (Captured, "rest voided", () => Samples.Tell(Samples.Void(Samples.Tell(Samples.Capture(Samples.Authorized(), 4_000, false), Capture, Succeeded)), OperationKind.Void, Succeeded)),
        (Refunding, "refund open", () => Samples.Refund(Samples.Captured())),
        (PartiallyRefunded, "refunded in part", () => Samples.Tell(Samples.Refund(Samples.Captured(), 1), Refund, Succeeded)),
        (Refunded, "refunded", () => Samples.Tell(Samples.Refund(Samples.Captured()), Refund, Succeeded)),
        (Captured, "refund bounced", () => Samples.Tell(Samples.Tell(Samples.Refund(Samples.Captured()), Refund, Succeeded), Refund, FactOutcome.Declined)),
        (Disputed, "charged back", () => ((Application.Applied)Applying.Apply(Samples.Captured(), new DisputeFact(Provider.Stripe, "du_1", 10_000, "USD") { Status = DisputeStatus.NeedsResponse })).Payment),
        (Expired, "challenge given up", () => Samples.Tell(Opening.Expiry(Samples.Tell(Samples.Opened(), Authorize, NeedsAction), Samples.New()).Payment!, OperationKind.Void, Succeeded)),
    ];

    public static TheoryData<int, string> Cases() => new(Table.Select((row, i) => (i, $"{row.Case} is {row.Status}")));

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_status_follows_from_the_operations(int row, string what)
    {
        Assert.NotEmpty(what);
        Assert.Equal(Table[row].Status, Table[row].Payment().Status);
    }

    [Fact]
    public void A_challenge_that_is_finished_while_it_expires_succeeds_and_is_not_expired()
    {
        var expiring = Opening.Expiry(Samples.Tell(Samples.Opened(), Authorize, NeedsAction), Samples.New()).Payment!;

        var succeeded = Samples.Tell(expiring, Authorize, Succeeded);
        var afterwards = Samples.Tell(succeeded, OperationKind.Void, FactOutcome.Declined);

        Assert.Equal(Authorized, afterwards.Status);
        Assert.Equal(10_000, afterwards.Amounts.CapturableMinor);
    }

    [Fact]
    public void A_hold_that_came_while_its_challenge_was_being_cancelled_is_released_with_it()
    {
        var expiring = Opening.Expiry(Samples.Tell(Samples.Opened(), Authorize, NeedsAction), Samples.New()).Payment!;

        var cancelled = Samples.Tell(Samples.Tell(expiring, Authorize, Succeeded), OperationKind.Void, Succeeded);

        Assert.Equal(Expired, cancelled.Status);
        Assert.Equal(0, cancelled.Amounts.CapturableMinor);
        Assert.Equal(10_000, cancelled.Amounts.ReleasedMinor);
    }
}
