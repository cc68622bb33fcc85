using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json.Nodes;
using Payments.Connectors.Wire;
using Payments.Core;

namespace Payments.Connectors.Adyen;

/// <summary>A stored card at Adyen belongs to a shopper; each token is a shopper of its own. Our text: <c>shopperReference/id</c>.</summary>
internal sealed class AdyenTokens(AdyenClient client)
{
    public static bool TryRead(string? token, [NotNullWhen(true)] out string? shopper, [NotNullWhen(true)] out string? stored)
    {
        (shopper, stored) = token?.Split('/') is [{ Length: > 0 } s, { Length: > 0 } id] ? (s, id) : (null, null);
        return shopper is not null;
    }

    public async Task<Tokenisation> TokeniseAsync(TokeniseCall call, CancellationToken cancellationToken)
    {
        var given = call.Card ?? throw new InvariantException("bank accounts go only to providers that debit them");
        var shopper = call.TokenId.ToString();
        var card = new JsonObject
        {
            ["type"] = "scheme",
            ["number"] = given.Number,
            ["expiryMonth"] = given.ExpMonth.ToString("00", CultureInfo.InvariantCulture),
            ["expiryYear"] = given.ExpYear.ToString(CultureInfo.InvariantCulture),
            ["cvc"] = given.Cvc,
        };
        if (given.Name is { } name)
        {
            card["holderName"] = name;
        }

        var answer = await client.PostAsync(
            "storedPaymentMethods",
            new JsonObject
            {
                ["merchantAccount"] = client.MerchantAccount,
                ["recurringProcessingModel"] = "CardOnFile",
                ["shopperReference"] = shopper,
                ["paymentMethod"] = card,
            },
            shopper,
            cancellationToken);
        if (answer is not { IsSuccess: true, Body: { } stored })
        {
            var outcome = AdyenOutcomes.OfFailure(answer);
            return new Tokenisation(outcome.Kind) { Decline = outcome.Decline };
        }

        return stored.Text("id") is { } id
            ? new Tokenisation(OutcomeKind.Approved) { ProviderToken = $"{shopper}/{id}", Brand = Brand(stored.Text("brand")) }
            : new Tokenisation(OutcomeKind.Unknown);
    }

    public async Task<bool> DetachAsync(string providerToken, CancellationToken cancellationToken)
    {
        if (!TryRead(providerToken, out var shopper, out var stored))
        {
            return true;
        }

        var path = $"storedPaymentMethods/{Uri.EscapeDataString(stored)}?merchantAccount={Uri.EscapeDataString(client.MerchantAccount)}&shopperReference={Uri.EscapeDataString(shopper)}";
        var answer = await client.DeleteAsync(path, cancellationToken);
        return answer.IsSuccess
            || (answer.Status is 404 or 422 && answer.Body.Text("errorCode") is "800" or "803");
    }

    /// <summary>Adyen's names where they differ from ours.</summary>
    private static string? Brand(string? adyen) => adyen switch
    {
        "mc" => "mastercard",
        "cup" => "unionpay",
        _ => adyen,
    };
}
