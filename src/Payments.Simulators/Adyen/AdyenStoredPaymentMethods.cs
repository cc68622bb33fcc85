using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using Payments.Simulators.Books;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Adyen;

public sealed class AdyenStoredPaymentMethods(AdyenCards cards, IOptions<SimulatorsOptions> options)
{
    public Answer Create(Call call, Transaction books)
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

        if (request.Text("shopperReference") is not { Length: >= 3 } shopper)
        {
            return AdyenError.Validation("802", "Invalid shopperReference: it needs at least 3 characters.");
        }

        if (request.Text("recurringProcessingModel") is not ("CardOnFile" or "Subscription" or "UnscheduledCardOnFile"))
        {
            return AdyenError.Validation("14_0408", "Required field 'recurringProcessingModel' is not provided or invalid.");
        }

        var (card, _, problem) = cards.Of(request, books);
        return problem ?? Answer.Of(201, AdyenJson.Of(books.Put(new StoredCard
        {
            Id = Identifiers.Psp(),
            Provider = Providers.Adyen,
            Card = card!,
            Owner = shopper,
            HolderName = request.Text("paymentMethod.holderName"),
            Created = books.Now,
        })));
    }

    public Answer List(Call call, Transaction books)
    {
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(books);
        if (AdyenChecks.MerchantAccount(call.Query("merchantAccount"), options.Value.Adyen.MerchantAccount) is { } refused)
        {
            return refused;
        }

        var shopper = call.Query("shopperReference");
        return Answer.Of(200, new JsonObject
        {
            ["merchantAccount"] = options.Value.Adyen.MerchantAccount,
            ["shopperReference"] = shopper,
            ["storedPaymentMethods"] = new JsonArray([.. Of(books, shopper).Select(AdyenJson.Of)]),
        });
    }

    public Answer Delete(Call call, Transaction books)
    {
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(books);
        if (AdyenChecks.MerchantAccount(call.Query("merchantAccount"), options.Value.Adyen.MerchantAccount) is { } refused)
        {
            return refused;
        }

        if (books.Card(call.Route("id")) is not { Provider: Providers.Adyen } card || card.Owner != call.Query("shopperReference"))
        {
            return AdyenError.Validation("803", "PaymentDetail not found");
        }

        books.Put(card with { Deleted = true });
        return new Answer(204, "");
    }

    internal static IEnumerable<StoredCard> Of(Transaction books, string? shopper) =>
        books.Books.Cards.NewestFirst().Where(c => c.Provider == Providers.Adyen && c.Owner == shopper);
}
