namespace Payments.Chaos.Judging;

/// <summary>
/// What each event has to post, written down a second time and independently of the ledger's own table, which is what is being judged.
/// </summary>
internal static class Postings
{
    private const string Platform = "platform";

    /// <summary>Each line as <c>action kind debit>credit amount currency</c>, accounts of that currency as <c>owner:kind</c>; lines of zero are left out.</summary>
    public static IEnumerable<string> Of(Happened happened)
    {
        var booked = happened.Amount - happened.Suspense;
        var (receivable, payable) = ($"{happened.Provider}:provider_receivable", $"{happened.Provider}:provider_cost_payable");
        var pending = $"{happened.Row.Merchant}:merchant_pending";
        const string suspense = Platform + ":suspense";
        const string revenue = Platform + ":commission_revenue";
        const string expense = Platform + ":provider_cost_expense";
        (string Text, long Amount)[] lines = (happened.Row.Type, happened.State) switch
        {
            ("payment.in_review", "succeeded") => [($"hold authorization {receivable}>{pending}", booked)],
            ("payment.authorized", "succeeded") => [($"hold authorization {receivable}>{pending}", happened.Payment?.Decision == "review" ? 0 : booked)],
            ("payment.captured", "succeeded") =>
            [
                ($"release authorization {receivable}>{pending}", booked + happened.Released - happened.NeverHeld),
                ($"post capture {receivable}>{pending}", booked),
                ($"post capture_suspense {receivable}>{suspense}", happened.Suspense),
                ($"post commission {pending}>{revenue}", happened.Commission),
                ($"post provider_cost {expense}>{payable}", happened.Cost),
            ],
            ("payment.capture_failed", "reversed") =>
            [
                ($"post capture_reversal {pending}>{receivable}", booked),
                ($"post capture_reversal_suspense {suspense}>{receivable}", happened.Suspense),
                ($"post commission_reversal {revenue}>{pending}", happened.Commission),
                ($"post provider_cost_reversal {payable}>{expense}", happened.Cost),
            ],
            ("payment.voided", "succeeded") => [($"release authorization {receivable}>{pending}", happened.Released)],
            ("payment.expired", "succeeded") => [($"release authorization {receivable}>{pending}", happened.Released)],
            ("payment.refunded", "succeeded") =>
            [
                ($"post refund {pending}>{receivable}", booked),
                ($"post refund_suspense {suspense}>{receivable}", happened.Suspense),
            ],
            ("payment.refund_failed", "reversed") =>
            [
                ($"post refund_reversal {receivable}>{pending}", booked),
                ($"post refund_reversal_suspense {receivable}>{suspense}", happened.Suspense),
            ],
            _ => [],
        };
        return lines.Where(l => l.Amount > 0).Select(l => $"{l.Text} {l.Amount} {happened.Currency}");
    }
}
