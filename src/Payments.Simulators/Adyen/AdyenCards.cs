using Payments.Simulators.Books;
using Payments.Simulators.Cards;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Adyen;

/// <summary>The card that a request names: stored, raw, or as the test environment's "encrypted" fields.</summary>
public sealed class AdyenCards(CardReader reader)
{
    private const string Encrypted = "test_";

    public (CardFacts? Card, StoredCard? Stored, Answer? Problem) Of(AdyenRequest request, Transaction books)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(books);
        if (!request.Has("paymentMethod"))
        {
            return Refused("14_006", "Required object 'paymentMethod' is not provided.");
        }

        if ((request.Text("paymentMethod.storedPaymentMethodId") ?? request.Text("paymentMethod.recurringDetailReference")) is { } stored)
        {
            if (request.Text("shopperReference") is not { } shopper)
            {
                return Refused("802", "Invalid shopper reference: a stored payment method needs its shopperReference.");
            }

            return books.Card(stored) is { Provider: Providers.Adyen } found && found.Owner == shopper
                ? (found.Card, found, null)
                : Refused("803", "PaymentDetail not found");
        }

        if (request.Text("paymentMethod.type") is not ("scheme" or "card"))
        {
            return Refused("14_007", "Invalid payment method data: this merchant account takes cards (type scheme).");
        }

        var (card, problem) = reader.Read(
            Plain(request, "number", "encryptedCardNumber"),
            Plain(request, "expiryMonth", "encryptedExpiryMonth"),
            Plain(request, "expiryYear", "encryptedExpiryYear"),
            Plain(request, "cvc", "encryptedSecurityCode"));
        return problem switch
        {
            null => (card, null, null),
            CardProblem.IncorrectNumber or CardProblem.NotATestCard => Refused("101", "Invalid card number"),
            CardProblem.InvalidExpiryMonth => Refused("140", "Invalid expiryMonth[1..12] / expiryYear[>2000], or before now"),
            CardProblem.InvalidExpiryYear => Refused("129", "Expiry Date Invalid"),
            _ => Refused("103", "CVC is not the right length"),
        };
    }

    private static (CardFacts? Card, StoredCard? Stored, Answer? Problem) Refused(string code, string message) => (null, null, AdyenError.Validation(code, message));

    private static string? Plain(AdyenRequest request, string plain, string encrypted) =>
        request.Text($"paymentMethod.{plain}")
        ?? (request.Text($"paymentMethod.{encrypted}") is { } text && text.StartsWith(Encrypted, StringComparison.Ordinal) ? text[Encrypted.Length..] : null);
}
