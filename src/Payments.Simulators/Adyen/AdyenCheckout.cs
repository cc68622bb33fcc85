using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using Payments.Simulators.Books;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Adyen;

/// <summary>What a checkout page asks for before paying: the methods on offer, and a session.</summary>
public sealed class AdyenCheckout(IOptions<SimulatorsOptions> options)
{
    public Answer PaymentMethods(Call call, Transaction books)
    {
        ArgumentNullException.ThrowIfNull(books);
        var (request, unparsed) = AdyenRequest.Parse(call);
        if (unparsed is not null)
        {
            return unparsed;
        }

        if (AdyenChecks.MerchantAccount(request!.Text("merchantAccount"), options.Value.Adyen.MerchantAccount) is { } refused)
        {
            return refused;
        }

        var json = new JsonObject
        {
            ["paymentMethods"] = new JsonArray(new JsonObject
            {
                ["brands"] = new JsonArray("visa", "mc", "amex", "discover", "diners", "jcb", "cup"),
                ["name"] = "Cards",
                ["type"] = "scheme",
            }),
        };
        if (request.Text("shopperReference") is { } shopper)
        {
            json["storedPaymentMethods"] = new JsonArray([.. AdyenStoredPaymentMethods.Of(books, shopper).Select(AdyenJson.Of)]);
        }

        return Answer.Of(200, json);
    }

    public Answer CreateSession(Call call, Transaction books)
    {
        ArgumentNullException.ThrowIfNull(books);
        var (request, unparsed) = AdyenRequest.Parse(call);
        if (unparsed is not null)
        {
            return unparsed;
        }

        if ((AdyenChecks.MerchantAccount(request!.Text("merchantAccount"), options.Value.Adyen.MerchantAccount) ?? AdyenChecks.Amount(request)) is { } refused)
        {
            return refused;
        }

        if (request.Text("reference") is not { } reference)
        {
            return AdyenError.Validation("130", "Reference Missing");
        }

        if (request.Text("returnUrl") is not { } returnUrl)
        {
            return AdyenError.Validation("14_0408", "Required field 'returnUrl' is not provided.");
        }

        var session = books.Put(new AdyenSession
        {
            Id = "CS" + Identifiers.Psp(),
            SessionData = Identifiers.Token(64),
            Reference = reference,
            Amount = request.Number("amount.value")!.Value,
            Currency = request.Text("amount.currency")!,
            ReturnUrl = returnUrl,
            ExpiresAt = books.Now.AddHours(1),
        });
        return Answer.Of(201, new JsonObject
        {
            ["amount"] = AdyenJson.Amount(session.Amount, session.Currency),
            ["expiresAt"] = session.ExpiresAt.ToString("yyyy-MM-dd'T'HH:mm:ssK", CultureInfo.InvariantCulture),
            ["id"] = session.Id,
            ["merchantAccount"] = options.Value.Adyen.MerchantAccount,
            ["mode"] = "embedded",
            ["reference"] = session.Reference,
            ["returnUrl"] = session.ReturnUrl,
            ["sessionData"] = session.SessionData,
        });
    }
}
