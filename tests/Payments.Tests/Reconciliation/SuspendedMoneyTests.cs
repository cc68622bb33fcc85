using Payments.Core;
using Payments.Ledger.Books;
using Payments.Reconciliation.Intake;
using Payments.Tests.Ledger.Lives;
using Xunit;

namespace Payments.Tests.Reconciliation;

public sealed class SuspendedMoneyTests
{
    // What of suspense belongs to a payment: charges that nobody has, and second ones, are not its.
    private static readonly HashSet<Payments.Ledger.Books.LineKind> OfPayments =
    [
        Payments.Ledger.Books.LineKind.CaptureSuspense, Payments.Ledger.Books.LineKind.CaptureReversalSuspense, Payments.Ledger.Books.LineKind.RefundSuspense,
        Payments.Ledger.Books.LineKind.RefundReversalSuspense, Payments.Ledger.Books.LineKind.DisputeSuspense, Payments.Ledger.Books.LineKind.DisputeReversalSuspense,
        Payments.Ledger.Books.LineKind.DisputeFeeSuspense, Payments.Ledger.Books.LineKind.DisputeFeeReturnSuspense,
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void What_an_event_leaves_in_suspense_is_what_the_ledger_posts_there(int seed)
    {
        var world = new World(new Random(seed).Next, new IdSource(TimeProvider.System));
        while (world.History.Count < 3_000)
        {
            world.Step();
        }

        var seen = new HashSet<string>();
        foreach (var happened in world.History)
        {
            var posted = Postings.For(happened).Where(l => l.Action == LineAction.Post && OfPayments.Contains(l.Kind))
                .Sum(l => l.Credit.Kind == AccountKind.Suspense ? l.Amount.Minor : -l.Amount.Minor);
            var money = SuspendedMoney.Of(happened);
            Assert.Equal((happened.Type, posted), (happened.Type, money?.Amount ?? 0));
            if (money is not null)
            {
                seen.Add(happened.Type);
            }
        }

        Assert.NotEmpty(seen);
    }
}
