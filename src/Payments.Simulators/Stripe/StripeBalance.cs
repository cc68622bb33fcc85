using Payments.Core;
using Payments.Simulators.Books;
using Payments.Simulators.Disputes;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Stripe;

/// <summary>What each capture and refund did to the merchant's balance, with Stripe's standard fee.</summary>
public static class StripeBalance
{
    public static BalanceTransaction ForCapture(Transaction books, Charge charge, long amount) =>
        Add(books, charge.Currency, "charge", amount, charge.Card.Bank is null ? Fee(amount) : OfDebits.Of(amount).Of(amount, withFixedPart: true), charge.Id);

    public static BalanceTransaction ForRefund(Transaction books, Charge charge, string refund, long amount) =>
        Add(books, charge.Currency, "refund", -amount, 0, refund);

    public static BalanceTransaction ForFailedRefund(Transaction books, Charge charge, string refund, long amount) =>
        Add(books, charge.Currency, "refund_failure", amount, 0, refund);

    /// <param name="amount">Signed: what a dispute takes is negative.</param>
    public static BalanceTransaction ForDispute(Transaction books, IssuerDispute dispute, long amount, long fee)
    {
        ArgumentNullException.ThrowIfNull(dispute);
        return Add(books, dispute.Currency, amount < 0 ? "dispute" : "dispute_reversal", amount, fee, dispute.Id);
    }

    public static Answer Retrieve(Call call, Transaction books)
    {
        var id = call.Route("id");
        return books.BalanceTransaction(id) is { } found ? Answer.Of(200, StripeJson.Of(found)) : StripeError.NoSuch("balance transaction", id);
    }

    public static Answer List(Call call, Transaction books)
    {
        var p = StripeParameters.Parse(call.Http.Request.QueryString.Value ?? "");
        var source = p.Text("source");
        var type = p.Text("type");
        return StripeList.Of(
            p,
            "/v1/balance_transactions",
            books.Books.BalanceTransactions.NewestFirst(StripeList.Cursor(p)).Where(t => (source is null || t.Source == source) && (type is null || t.Type == type)),
            t => t.Created,
            StripeJson.Of);
    }

    private static readonly CappedPrice OfDebits = new(8_000, 500);

    /// <summary>2.9 % and 30 minor units, rounded half up.</summary>
    private static long Fee(long amount) => Math.Min(amount, (((amount * 29) + 500) / 1000) + 30);

    private static BalanceTransaction Add(Transaction books, string currency, string type, long amount, long fee, string source) =>
        books.Put(new BalanceTransaction { Id = Identifiers.Stripe("txn"), Amount = amount, Fee = fee, Currency = currency, Type = type, Source = source, Created = books.Now });
}
