using System.Text;
using Payments.Simulators.Books;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Stripe;

public sealed class StripeCustomers(StripePaymentMethods methods)
{
    private static readonly string[] CreateParameters = ["name", "email", "description", "metadata", "payment_method", "phone", "address", "shipping", "invoice_settings", "preferred_locales", "business_name", "individual_name"];

    public Answer Create(Call call, Transaction books)
    {
        var p = StripeParameters.Parse(Encoding.UTF8.GetString(call.Body));
        if (p.Unknown(CreateParameters) is { } unknown)
        {
            return StripeError.Invalid($"Received unknown parameter: {unknown}", unknown, "parameter_unknown");
        }

        StoredCard? card = null;
        if (p.Text("payment_method") is { } method)
        {
            (card, var problem) = methods.ForConfirmation(p, method, null, books);
            if (problem is not null)
            {
                return problem;
            }
        }

        var customer = books.Put(new StripeCustomer
        {
            Id = "cus_" + Identifiers.Token(14),
            Created = books.Now,
            Name = p.Text("name"),
            Email = p.Text("email"),
            Description = p.Text("description"),
            Metadata = p.Map("metadata"),
        });
        if (card is not null)
        {
            books.Put(card with { Owner = customer.Id });
        }

        return Answer.Of(200, StripeJson.Of(customer));
    }

    public static Answer Retrieve(Call call, Transaction books)
    {
        var id = call.Route("id");
        return books.Customer(id) is { } customer ? Answer.Of(200, StripeJson.Of(customer)) : StripeError.NoSuch("customer", id);
    }

    public static Answer List(Call call, Transaction books)
    {
        var p = StripeParameters.Parse(call.Http.Request.QueryString.Value ?? "");
        var email = p.Text("email");
        return StripeList.Of(p, "/v1/customers", books.Books.Customers.NewestFirst().Where(c => email is null || c.Email == email), c => c.Created, StripeJson.Of);
    }
}
