using System.Text;
using System.Text.Json.Nodes;
using Payments.Simulators.Books;
using Payments.Simulators.Cards;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Stripe;

/// <summary>Payment intents: create, update, confirm, read. Capturing and cancelling have files of their own.</summary>
public sealed class StripeIntents(StripePaymentMethods methods, StripeAuthorization authorization, StripeDebits debits, Settings settings)
{
    private static readonly string[] Shared =
    [
        "amount_details", "capture_method", "error_on_requires_action", "excluded_payment_method_types", "allowed_payment_method_types", "hooks", "payment_details",
        "payment_method", "payment_method_data", "payment_method_options", "payment_method_types", "radar_options", "receipt_email", "setup_future_usage", "shipping",
    ];

    private static readonly string[] OfCreate =
    [
        .. Shared, "amount", "currency", "application_fee_amount", "automatic_payment_methods", "confirm", "confirmation_method", "customer", "description", "mandate",
        "mandate_data", "metadata", "off_session", "on_behalf_of", "payment_method_configuration", "return_url", "statement_descriptor", "statement_descriptor_suffix",
        "transfer_data", "transfer_group", "use_stripe_sdk",
    ];

    private static readonly string[] OfUpdate = [.. Shared, "amount", "currency", "customer", "description", "metadata", "statement_descriptor", "statement_descriptor_suffix", "transfer_group"];

    private static readonly string[] OfConfirm = [.. Shared, "amount_to_confirm", "mandate", "mandate_data", "off_session", "return_url", "use_stripe_sdk"];

    public Answer Create(Call call, Transaction books)
    {
        var p = StripeParameters.Parse(Encoding.UTF8.GetString(call.Body));
        if ((Unknown(p, OfCreate) ?? StripeAmounts.Refuse(p, isRequired: true) ?? RefuseOptions(p, books)) is { } refused)
        {
            return refused;
        }

        var id = Identifiers.Stripe("pi");
        var intent = Changed(
            new PaymentIntent
            {
                Id = id,
                ClientSecret = Identifiers.StripeSecret(id),
                Amount = p.Number("amount")!.Value,
                Currency = p.Text("currency")!.ToLowerInvariant(),
                Status = p.Text("payment_method") is null ? "requires_payment_method" : "requires_confirmation",
                CaptureMethod = "automatic_async",
                Created = books.Now,
                AutomaticPaymentMethods = !p.Has("payment_method_types") && !p.Has("allowed_payment_method_types") && p.Text("automatic_payment_methods[enabled]") is not "false",
            },
            p);
        if (p.Flag("confirm"))
        {
            if (intent.AutomaticPaymentMethods && p.Text("automatic_payment_methods[allow_redirects]") != "never" && p.Text("return_url") is null && !p.Flag("off_session"))
            {
                return StripeError.Invalid("This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these payment methods might redirect your customer off of your page, you must provide a `return_url`. If you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents.", "return_url");
            }

            return Confirm(call, books, p, intent);
        }

        StripeEvents.Tell(books, settings, books.Put(intent).Id, null, call, "payment_intent.created");
        return Answer.Of(200, Expanded(intent, p, books));
    }

    public Answer Update(Call call, Transaction books)
    {
        var p = StripeParameters.Parse(Encoding.UTF8.GetString(call.Body));
        if ((Unknown(p, OfUpdate) ?? StripeAmounts.Refuse(p, isRequired: false) ?? RefuseOptions(p, books)) is { } refused)
        {
            return refused;
        }

        var id = call.Route("id");
        if (books.PaymentIntent(id) is not { } intent)
        {
            return StripeError.NoSuch("payment_intent", id, "intent");
        }

        if (intent.Status is not ("requires_payment_method" or "requires_confirmation" or "requires_action") && (p.Has("amount") || p.Has("currency") || p.Has("payment_method")))
        {
            return Unexpected(intent, "updated", "requires_payment_method, requires_confirmation, requires_action");
        }

        var changed = Changed(intent, p) with
        {
            Amount = p.Number("amount") ?? intent.Amount,
            Currency = p.Text("currency")?.ToLowerInvariant() ?? intent.Currency,
        };
        if (p.Has("payment_method") && changed.Status == "requires_payment_method")
        {
            changed = changed with { Status = "requires_confirmation" };
        }

        return Answer.Of(200, Expanded(books.Put(changed), p, books));
    }

    public Answer Confirm(Call call, Transaction books)
    {
        var p = StripeParameters.Parse(Encoding.UTF8.GetString(call.Body));
        if ((Unknown(p, OfConfirm) ?? RefuseOptions(p, books)) is { } refused)
        {
            return refused;
        }

        var id = call.Route("id");
        if (books.PaymentIntent(id) is not { } intent)
        {
            return StripeError.NoSuch("payment_intent", id, "intent");
        }

        return intent.Status is "requires_payment_method" or "requires_confirmation" or "requires_action"
            ? Confirm(call, books, p, Changed(intent, p))
            : Unexpected(intent, "confirmed", "requires_payment_method, requires_confirmation, requires_action");
    }

    public static Answer Retrieve(Call call, Transaction books)
    {
        var id = call.Route("id");
        return books.PaymentIntent(id) is { } intent
            ? Answer.Of(200, Expanded(intent, StripeParameters.Parse(call.Http.Request.QueryString.Value ?? ""), books))
            : StripeError.NoSuch("payment_intent", id, "intent");
    }

    public static Answer List(Call call, Transaction books)
    {
        var p = StripeParameters.Parse(call.Http.Request.QueryString.Value ?? "");
        var customer = p.Text("customer");
        return StripeList.Of(
            p,
            "/v1/payment_intents",
            books.Books.PaymentIntents.NewestFirst(StripeList.Cursor(p)).Where(i => customer is null || i.Customer == customer),
            i => i.Created,
            i => Expanded(i, p, books, "data."));
    }

    internal static Answer Unexpected(PaymentIntent intent, string what, string allowed) => StripeError.Refused(
        "payment_intent_unexpected_state",
        $"This PaymentIntent's status is {intent.Status}, so it could not be {what}. Only a PaymentIntent with one of the following statuses may be {what}: {allowed}.",
        paymentIntent: StripeJson.Of(intent));

    internal static JsonObject Expanded(PaymentIntent intent, StripeParameters p, Transaction books, string prefix = "")
    {
        var json = StripeJson.Of(intent, books.Card(intent.LastPaymentErrorMethod));
        foreach (var path in p.List("expand"))
        {
            switch (path.StartsWith(prefix, StringComparison.Ordinal) ? path[prefix.Length..] : path)
            {
                case "latest_charge" or "latest_charge.balance_transaction" when books.Charge(intent.LatestCharge) is { } charge:
                    var expanded = json["latest_charge"] as JsonObject ?? StripeJson.Of(charge);
                    if (path.EndsWith("balance_transaction", StringComparison.Ordinal) && books.BalanceTransaction(charge.BalanceTransaction) is { } transaction)
                    {
                        expanded["balance_transaction"] = StripeJson.Of(transaction);
                    }

                    json["latest_charge"] = expanded;
                    break;
                case "payment_method" when books.Card(intent.PaymentMethod) is { } card:
                    json["payment_method"] = StripeJson.Of(card);
                    break;
                case "customer" when books.Customer(intent.Customer) is { } customer:
                    json["customer"] = StripeJson.Of(customer);
                    break;
                default:
                    break;
            }
        }

        return json;
    }

    private Answer Confirm(Call call, Transaction books, StripeParameters p, PaymentIntent intent)
    {
        var (card, problem) = methods.ForConfirmation(p, intent.PaymentMethod, intent.Customer, books);
        if (problem is not null)
        {
            return problem;
        }

        if (intent.IsDebit != card!.Card.Bank is not null)
        {
            return StripeError.Invalid("The PaymentMethod provided is not of a type that this PaymentIntent allows.", "payment_method");
        }

        if (intent.IsDebit && StripeDebits.RefuseMandate(p) is { } unauthorized)
        {
            return unauthorized;
        }

        var confirmed = intent with
        {
            PaymentMethod = books.Put(card).Id,
            ReturnUrl = p.Text("return_url") ?? intent.ReturnUrl,
            IdempotencyKey = call.Key,
            LastPaymentError = null,
            LastPaymentErrorMethod = null,
        };
        if (confirmed.IsDebit)
        {
            return Answer.Of(200, Expanded(debits.Submit(call, books, confirmed, card), p, books));
        }

        var isOffSession = p.Text("off_session") is "true" or "one_off" or "recurring";
        var outcome = authorization.Attempt(call, books, confirmed, card, isOffSession, p.Flag("error_on_requires_action"));
        return outcome.Decline ?? Answer.Of(200, Expanded(outcome.Intent, p, books));
    }

    private static Answer? Unknown(StripeParameters p, string[] known) =>
        p.Unknown(known) is { } unknown ? StripeError.Invalid($"Received unknown parameter: {unknown}", unknown, "parameter_unknown") : null;

    private static Answer? RefuseOptions(StripeParameters p, Transaction books)
    {
        if (p.Text("capture_method") is { } capture && capture is not ("automatic" or "automatic_async" or "manual"))
        {
            return StripeError.Invalid("Invalid capture_method: must be one of automatic, automatic_async, or manual", "capture_method");
        }

        if (p.Text("customer") is { } customer && books.Customer(customer) is null)
        {
            return StripeError.NoSuch("customer", customer, "customer");
        }

        var types = p.List("payment_method_types");
        if (types.Contains(CardReader.StripeMethodType) && p.Text("capture_method") == "manual")
        {
            return StripeError.Invalid("The payment method type \"us_bank_account\" does not support manual capture.", "capture_method", "payment_intent_invalid_parameter");
        }

        if (types.Contains(CardReader.StripeMethodType) && p.Text("currency") is { } currency && !string.Equals(currency, "usd", StringComparison.OrdinalIgnoreCase))
        {
            return StripeError.Invalid("The payment method type \"us_bank_account\" only supports usd.", "currency", "payment_intent_invalid_parameter");
        }

        if (types.FirstOrDefault(t => t is not ("card" or CardReader.StripeMethodType)) is { } type)
        {
            return StripeError.Invalid($"The payment method type \"{type}\" is invalid. Please ensure the provided type is activated in your dashboard.", "payment_method_types", "payment_intent_invalid_parameter");
        }

        return p.Text("statement_descriptor_suffix") is { Length: > 22 }
            ? StripeError.Invalid("The statement descriptor suffix must be at most 22 characters.", "statement_descriptor_suffix")
            : null;
    }

    private static PaymentIntent Changed(PaymentIntent intent, StripeParameters p) => intent with
    {
        CaptureMethod = p.Text("capture_method") ?? intent.CaptureMethod,
        Customer = p.Text("customer") ?? intent.Customer,
        Description = p.Text("description") ?? intent.Description,
        Metadata = p.Map("metadata", intent.Metadata),
        PaymentMethod = p.Text("payment_method") ?? intent.PaymentMethod,
        SetupFutureUsage = p.Text("setup_future_usage") ?? intent.SetupFutureUsage,
        StatementDescriptor = p.Text("statement_descriptor") ?? intent.StatementDescriptor,
        StatementDescriptorSuffix = p.Text("statement_descriptor_suffix") ?? intent.StatementDescriptorSuffix,
        ReceiptEmail = p.Text("receipt_email") ?? intent.ReceiptEmail,
        TransferGroup = p.Text("transfer_group") ?? intent.TransferGroup,
        ReturnUrl = p.Text("return_url") ?? intent.ReturnUrl,
        IsDebit = p.Has("payment_method_types") ? p.List("payment_method_types").Contains(CardReader.StripeMethodType) : intent.IsDebit,
        RequestThreeDSecure = p.Text("payment_method_options[card][request_three_d_secure]") ?? intent.RequestThreeDSecure,
        RequestMulticapture = p.Text("payment_method_options[card][request_multicapture]") is { } asked ? asked == "if_available" : intent.RequestMulticapture,
    };
}
