using Payments.Simulators.Books;
using Payments.Simulators.Cards;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Stripe;

/// <summary>Payment methods: raw cards become one, test names stand for one, a customer keeps one.</summary>
public sealed class StripePaymentMethods(CardReader reader)
{
    private static readonly string[] CreateParameters = ["type", "card", "us_bank_account", "billing_details", "metadata", "allow_redisplay", "customer", "radar_options"];

    public Answer Create(Call call, Transaction books)
    {
        var p = StripeParameters.Parse(System.Text.Encoding.UTF8.GetString(call.Body));
        if (p.Unknown(CreateParameters) is { } unknown)
        {
            return StripeError.Invalid($"Received unknown parameter: {unknown}", unknown, "parameter_unknown");
        }

        if (p.Text("type") is not { } type)
        {
            return StripeError.Missing("type");
        }

        if (type == CardReader.StripeMethodType)
        {
            var (account, refused) = AccountFrom(p, books);
            return refused ?? Answer.Of(200, StripeJson.Of(books.Put(account!)));
        }

        if (type != "card")
        {
            return StripeError.Invalid($"The payment method type \"{type}\" is invalid here: only card and us_bank_account are enabled for this account.", "type", "payment_method_type_invalid");
        }

        var (card, problem) = FromRaw(p, "", books);
        return problem ?? Answer.Of(200, StripeJson.Of(books.Put(card!)));
    }

    public static Answer Retrieve(Call call, Transaction books)
    {
        var id = call.Route("id");
        return Find(books, id) is { } card ? Answer.Of(200, StripeJson.Of(card)) : StripeError.NoSuch("PaymentMethod", id);
    }

    public Answer Attach(Call call, Transaction books)
    {
        var p = StripeParameters.Parse(System.Text.Encoding.UTF8.GetString(call.Body));
        if (p.Text("customer") is not { } customerId)
        {
            return StripeError.Missing("customer");
        }

        if (books.Customer(customerId) is not { } customer)
        {
            return StripeError.NoSuch("customer", customerId, "customer");
        }

        var id = call.Route("id");
        if ((Find(books, id) ?? Named(books, id)) is not { } card)
        {
            return StripeError.NoSuch("PaymentMethod", id);
        }

        if (card.Card.Bank is not null && card.Owner is null)
        {
            return StripeError.Invalid("You cannot attach an unverified us_bank_account to a customer: confirm a SetupIntent or PaymentIntent with it.", "payment_method");
        }

        if (card.Owner is not null && card.Owner != customer.Id)
        {
            return StripeError.Refused("payment_method_unexpected_state", "The payment method you provided has already been attached to a customer.");
        }

        return card.Consumed
            ? UsedUp()
            : Answer.Of(200, StripeJson.Of(books.Put(card with { Owner = customer.Id })));
    }

    public static Answer Detach(Call call, Transaction books)
    {
        var id = call.Route("id");
        if (Find(books, id) is not { } card)
        {
            return StripeError.NoSuch("PaymentMethod", id);
        }

        return card.Owner is null
            ? StripeError.Refused("payment_method_unexpected_state", "The payment method you provided is not attached to a customer so detachment is impossible.")
            : Answer.Of(200, StripeJson.Of(books.Put(card with { Owner = null, Consumed = true })));
    }

    public static Answer ListOfCustomer(Call call, Transaction books)
    {
        var p = StripeParameters.Parse(call.Http.Request.QueryString.Value ?? "");
        var customer = call.Route("id") is { Length: > 0 } route ? route : p.Text("customer");
        if (books.Customer(customer) is null)
        {
            return StripeError.NoSuch("customer", customer ?? "", "customer");
        }

        return StripeList.Of(p, "/v1/payment_methods", books.Books.Cards.NewestFirst().Where(c => c.Provider == Providers.Stripe && c.Owner == customer), c => c.Created, StripeJson.Of);
    }

    /// <summary>The card that a confirmation names: by id, by test name, or raw in <c>payment_method_data</c>.</summary>
    public (StoredCard? Card, Answer? Problem) ForConfirmation(StripeParameters p, string? id, string? customer, Transaction books)
    {
        if (p.Has("payment_method_data"))
        {
            return FromRaw(p, "payment_method_data", books);
        }

        if (id is null)
        {
            return (null, StripeError.Refused("payment_intent_unexpected_state", "You cannot confirm this PaymentIntent because it's missing a payment method. Update the PaymentIntent with a payment method and then confirm it again."));
        }

        if ((Find(books, id) ?? Named(books, id)) is not { } card)
        {
            return (null, StripeError.NoSuch("PaymentMethod", id, "payment_method"));
        }

        if (card.Owner is not null && card.Owner != customer)
        {
            return (null, StripeError.Invalid($"The provided PaymentMethod belongs to a Customer. Please include the Customer in the `customer` parameter on the PaymentIntent.", "payment_method"));
        }

        return card.Consumed ? (null, UsedUp()) : (card, null);
    }

    private static Answer UsedUp() =>
        StripeError.Invalid("The provided PaymentMethod was previously used without being attached to a Customer or was detached from a Customer, and may not be used again. To reuse a PaymentMethod, you must attach it to a Customer first.", "payment_method");

    private static StoredCard? Find(Transaction books, string id) => books.Card(id) is { Provider: Providers.Stripe } card ? card : null;

    private StoredCard? Named(Transaction books, string name) =>
        TestCards.WithStripeName(name) is { } test
            ? books.Put(new StoredCard { Id = Identifiers.Stripe("pm"), Provider = Providers.Stripe, Card = reader.ByName(test), Created = books.Now })
            : null;

    private (StoredCard? Card, Answer? Problem) FromRaw(StripeParameters p, string within, Transaction books)
    {
        string Name(string field) => within.Length == 0 ? $"card[{field}]" : $"{within}[card][{field}]";
        if (p.Text(within.Length == 0 ? "card[token]" : $"{within}[card][token]") is { } token)
        {
            return TestCards.WithStripeName(token.Replace("tok_", "pm_card_", StringComparison.Ordinal)) is { } test
                ? (NewCard(reader.ByName(test)), null)
                : (null, StripeError.NoSuch("token", token, "card[token]"));
        }

        foreach (var field in new[] { "number", "exp_month", "exp_year" })
        {
            if (p.Text(Name(field)) is null)
            {
                return (null, StripeError.Missing(Name(field)));
            }
        }

        var (card, problem) = reader.Read(p.Text(Name("number")), p.Text(Name("exp_month")), p.Text(Name("exp_year")), p.Text(Name("cvc")));
        return problem is null ? (NewCard(card!), null) : (null, ProblemAnswer(problem.Value));

        StoredCard NewCard(CardFacts facts) => new()
        {
            Id = Identifiers.Stripe("pm"),
            Provider = Providers.Stripe,
            Card = facts,
            Created = books.Now,
            BillingDetails = p.Map(within.Length == 0 ? "billing_details" : $"{within}[billing_details]"),
            Metadata = p.Map("metadata"),
        };
    }

    private (StoredCard? Account, Answer? Problem) AccountFrom(StripeParameters p, Transaction books)
    {
        foreach (var field in new[] { "us_bank_account[account_number]", "us_bank_account[routing_number]", "us_bank_account[account_holder_type]", "billing_details[name]" })
        {
            if (p.Text(field) is null)
            {
                return (null, StripeError.Missing(field));
            }
        }

        var (type, holder) = (p.Text("us_bank_account[account_type]") ?? "checking", p.Text("us_bank_account[account_holder_type]")!);
        if (type is not ("checking" or "savings") || holder is not ("individual" or "company"))
        {
            return (null, StripeError.Invalid("Invalid us_bank_account: account_type must be checking or savings, account_holder_type individual or company.", "us_bank_account"));
        }

        var facts = reader.ReadAccount(p.Text("us_bank_account[routing_number]")!, p.Text("us_bank_account[account_number]")!, type, holder);
        return facts is null
            ? (null, StripeError.Invalid("You must use a test bank account number in test mode.", "us_bank_account[account_number]", "account_number_invalid"))
            : (new StoredCard
            {
                Id = Identifiers.Stripe("pm"),
                Provider = Providers.Stripe,
                Card = facts,
                Created = books.Now,
                BillingDetails = p.Map("billing_details"),
                Metadata = p.Map("metadata"),
            }, null);
    }

    private static Answer ProblemAnswer(CardProblem problem) => problem switch
    {
        CardProblem.IncorrectNumber => StripeError.CardProblem("incorrect_number", "Your card number is incorrect.", "number"),
        CardProblem.NotATestCard => StripeError.CardProblem("card_declined", "Your card was declined. Your request was in test mode, but used a non test (live) card. For a list of valid test cards, visit: https://stripe.com/docs/testing.", null, "test_mode_live_card"),
        CardProblem.InvalidExpiryMonth => StripeError.CardProblem("invalid_expiry_month", "Your card's expiration month is invalid.", "exp_month"),
        CardProblem.InvalidExpiryYear => StripeError.CardProblem("invalid_expiry_year", "Your card's expiration year is invalid.", "exp_year"),
        _ => StripeError.CardProblem("invalid_cvc", "Your card's security code is invalid.", "cvc"),
    };
}
