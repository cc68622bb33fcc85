using Payments.Core.Events;
using Payments.Ledger.Books;

namespace Payments.Simulation.Oracle;

/// <summary>A line as the books show it, without its owners.</summary>
internal readonly record struct ExpectedLine(string Action, string Debit, string Credit, long Amount, string Currency = "") : IComparable<ExpectedLine>
{
    public static ExpectedLine Of(JournalLine line) => new(line.Action.ToString(), line.Debit.Kind.ToString(), line.Credit.Kind.ToString(), line.Amount.Minor, line.Amount.Currency.Code);

    public int CompareTo(ExpectedLine other) => string.CompareOrdinal(ToString(), other.ToString());

    public override string ToString() => $"{Action} {Debit} > {Credit} {Amount} {Currency}";
}

/// <summary>
/// The postings that events call for, worked out by hand from docs/ledger.md and from prices of its own: the commission of 2.9 % + 30 and
/// the providers' cost (2 % + 10, 1.5 % + 12) once per capture, the fixed part with the first that stands.
/// </summary>
internal static class ExpectedPostings
{
    private const string Receivable = "ProviderReceivable";
    private const string Pending = "MerchantPending";
    private const string Revenue = "CommissionRevenue";
    private const string Expense = "ProviderCostExpense";
    private const string CostPayable = "ProviderCostPayable";
    private const string Suspense = "Suspense";

    public static IReadOnlyList<(PaymentEvent Event, IReadOnlyList<ExpectedLine> Lines)> Of(IEnumerable<PaymentEvent> log)
    {
        var postings = new List<(PaymentEvent, IReadOnlyList<ExpectedLine>)>();
        foreach (var payment in log.GroupBy(e => e.PaymentId))
        {
            var standing = new Dictionary<string, (long Commission, long Cost)>(StringComparer.Ordinal);
            foreach (var happened in payment)
            {
                postings.Add((happened, [.. Lines(happened, standing).Where(l => l.Amount != 0).Select(l => l with { Currency = happened.Data.Payment.Currency })]));
            }
        }

        return postings;
    }

    private static ExpectedLine[] Lines(PaymentEvent happened, Dictionary<string, (long Commission, long Cost)> standing)
    {
        if (happened.Data.Operation is not { } operation)
        {
            return [];
        }

        var (all, beyond) = (operation.AmountMinor, operation.SuspenseMinor);
        var state = operation.State.ToString();
        switch (happened.Type)
        {
            case "payment.authorized":
                return [new("Hold", Receivable, Pending, all)];
            case "payment.captured":
                var isAdyen = operation.Provider == Core.Provider.Adyen;
                var commission = Fee(all - beyond, 29, standing.Count == 0 ? 30 : 0);
                var cost = Fee(all - beyond, isAdyen ? 15 : 20, standing.Count > 0 ? 0 : isAdyen ? 12 : 10);
                standing[operation.Id] = (commission, cost);
                return
                [
                    new("Release", Receivable, Pending, all - beyond + operation.ReleasedMinor - (happened.Data.Authorization?.AmountMinor ?? 0)), new("Post", Receivable, Pending, all - beyond),
                    new("Post", Receivable, Suspense, beyond), new("Post", Pending, Revenue, commission), new("Post", Expense, CostPayable, cost),
                ];
            case "payment.capture_failed" when state == "Reversed":
                var (taken, spent) = standing[operation.Id];
                standing.Remove(operation.Id);
                return
                [
                    new("Post", Pending, Receivable, all - beyond), new("Post", Suspense, Receivable, beyond),
                    new("Post", Revenue, Pending, taken), new("Post", CostPayable, Expense, spent),
                ];
            case "payment.voided" or "payment.expired" when operation.Kind == Core.OperationKind.Void:
                return [new("Release", Receivable, Pending, operation.ReleasedMinor)];
            case "payment.refunded":
                return [new("Post", Pending, Receivable, all - beyond), new("Post", Suspense, Receivable, beyond)];
            case "payment.refund_failed" when state == "Reversed":
                return [new("Post", Receivable, Pending, all - beyond), new("Post", Receivable, Suspense, beyond)];
            default:
                return [];
        }
    }

    /// <summary>Thousandths of the amount, half a cent and more rounded up, and a fixed part; never more than the amount.</summary>
    private static long Fee(long amount, long thousandths, long plus) => Math.Min(amount, ((amount * thousandths) + 500) / 1000 + plus);
}
