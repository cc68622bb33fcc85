using System.Text.Json.Nodes;
using Payments.Simulators.Books;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Stripe;

public static class StripeCharges
{
    public static Answer Retrieve(Call call, Transaction books)
    {
        var id = call.Route("id");
        return books.Charge(id) is { Provider: Providers.Stripe } charge
            ? Answer.Of(200, Expanded(charge, StripeParameters.Parse(call.Http.Request.QueryString.Value ?? ""), books))
            : StripeError.NoSuch("charge", id);
    }

    public static Answer List(Call call, Transaction books)
    {
        var p = StripeParameters.Parse(call.Http.Request.QueryString.Value ?? "");
        var intent = p.Text("payment_intent");
        var customer = p.Text("customer");
        return StripeList.Of(
            p,
            "/v1/charges",
            books.Books.Charges.NewestFirst(StripeList.Cursor(p)).Where(c => c.Provider == Providers.Stripe && (intent is null || c.PaymentIntent == intent) && (customer is null || c.Customer == customer)),
            c => c.Created,
            StripeJson.Of);
    }

    private static JsonObject Expanded(Charge charge, StripeParameters p, Transaction books)
    {
        var json = StripeJson.Of(charge);
        foreach (var path in p.List("expand"))
        {
            switch (path)
            {
                case "balance_transaction" when books.BalanceTransaction(charge.BalanceTransaction) is { } transaction:
                    json[path] = StripeJson.Of(transaction);
                    break;
                case "payment_intent" when books.PaymentIntent(charge.PaymentIntent) is { } intent:
                    json[path] = StripeJson.Of(intent);
                    break;
                case "refunds":
                    json[path] = StripeRefunds.ListOf(charge);
                    break;
                default:
                    break;
            }
        }

        return json;
    }
}
