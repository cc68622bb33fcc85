using System.Globalization;
using System.Text.Json.Nodes;
using Payments.Simulators.Books;
using Payments.Simulators.Cards;

namespace Payments.Simulators.Adyen;

/// <summary>Pieces of Adyen's answers and webhooks.</summary>
public static class AdyenJson
{
    public static JsonObject Amount(long value, string currency) => new() { ["currency"] = currency, ["value"] = value };

    /// <summary>Adyen's names for the brands.</summary>
    public static string Brand(CardFacts card)
    {
        ArgumentNullException.ThrowIfNull(card);
        return card.Brand switch
        {
            "mastercard" => "mc",
            "unionpay" => "cup",
            _ => card.Brand,
        };
    }

    public static Dictionary<string, string> AdditionalData(Charge charge)
    {
        ArgumentNullException.ThrowIfNull(charge);
        var card = charge.Card;
        var data = new Dictionary<string, string>
        {
            ["cardBin"] = card.Bin,
            ["issuerBin"] = card.Bin + "00",
            ["cardSummary"] = card.Last4,
            ["cardPaymentMethod"] = Brand(card),
            ["paymentMethod"] = Brand(card),
            ["paymentMethodVariant"] = Brand(card),
            ["expiryDate"] = string.Create(CultureInfo.InvariantCulture, $"{card.ExpMonth}/{card.ExpYear}"),
            ["fundingSource"] = card.Funding.ToUpperInvariant(),
            ["issuerCountry"] = card.Country,
            ["cardIssuingCountry"] = card.Country,
            ["cardIssuingBank"] = "SIMULATED BANK",
            ["alias"] = card.Fingerprint,
            ["aliasType"] = "Default",
            ["avsResult"] = "4 AVS not supported for this card type",
            ["avsResultRaw"] = "4",
            ["cvcResult"] = card.Behaviour == "incorrect_cvc" ? "2 Doesn't match" : "1 Matches",
            ["cvcResultRaw"] = card.Behaviour == "incorrect_cvc" ? "N" : "M",
            ["threeDOffered"] = charge.ThreeDSecure is null or "not_supported" ? "false" : "true",
            ["threeDAuthenticated"] = charge.ThreeDSecure == Authenticator.Success ? "true" : "false",
            ["liabilityShift"] = charge.ThreeDSecure is Authenticator.Success or "attempt_acknowledged" ? "true" : "false",
            ["fraudResultType"] = "GREEN",
            ["merchantReference"] = charge.Reference ?? "",
            ["acquirerCode"] = "TestPmmAcquirer",
            ["acquirerReference"] = charge.Id[..11],
        };
        if (charge.ThreeDSecure is { } result)
        {
            data["threeDSVersion"] = "2.2.0";
            data["eci"] = Authenticator.Eci(card.Brand, result);
            data["threeDAuthenticatedResponse"] = result switch
            {
                Authenticator.Success => "Y",
                "attempt_acknowledged" => "A",
                "processing_error" => "U",
                _ => "N",
            };
        }

        if (charge is { Exemption: { } exemption, ThreeDSecure: null })
        {
            data["scaExemptionRequested"] = exemption;
        }

        if (charge.AuthorisationCode is { } code)
        {
            data["authCode"] = code;
        }

        if (charge is { Customer: { } shopper, PaymentMethod: { } stored })
        {
            data["recurring.recurringDetailReference"] = stored;
            data["recurring.shopperReference"] = shopper;
            data["tokenization.storedPaymentMethodId"] = stored;
            data["tokenization.shopperReference"] = shopper;
        }

        if (card.Acts.Refusal is { } refusal && charge.Failure is not null)
        {
            data["refusalReasonRaw"] = refusal.AdyenRaw;
        }

        return data;
    }

    public static JsonObject Map(IReadOnlyDictionary<string, string> map)
    {
        ArgumentNullException.ThrowIfNull(map);
        return new JsonObject(map.Select(pair => KeyValuePair.Create<string, JsonNode?>(pair.Key, pair.Value)));
    }

    /// <summary>A final result of <c>/payments</c> or <c>/payments/details</c>.</summary>
    public static JsonObject Result(Charge charge, string resultCode, int? refusalCode = null, string? refusalReason = null)
    {
        ArgumentNullException.ThrowIfNull(charge);
        var json = new JsonObject
        {
            ["additionalData"] = Map(AdditionalData(charge)),
            ["pspReference"] = charge.Id,
        };
        if (refusalCode is not null)
        {
            json["refusalReason"] = refusalReason;
            json["refusalReasonCode"] = refusalCode.Value.ToString(CultureInfo.InvariantCulture);
        }

        json["resultCode"] = resultCode;
        json["amount"] = Amount(charge.Amount, charge.Currency);
        json["merchantReference"] = charge.Reference;
        json["paymentMethod"] = new JsonObject { ["brand"] = Brand(charge.Card), ["type"] = "scheme" };
        return json;
    }

    public static JsonObject Of(StoredCard card)
    {
        ArgumentNullException.ThrowIfNull(card);
        return new JsonObject
        {
            ["alias"] = card.Card.Fingerprint,
            ["aliasType"] = "Default",
            ["brand"] = Brand(card.Card),
            ["cardBin"] = card.Card.Bin,
            ["createdAt"] = card.Created.ToString("yyyy-MM-dd'T'HH:mm:ssK", CultureInfo.InvariantCulture),
            ["expiryMonth"] = card.Card.ExpMonth.ToString("00", CultureInfo.InvariantCulture),
            ["expiryYear"] = card.Card.ExpYear.ToString(CultureInfo.InvariantCulture),
            ["holderName"] = card.HolderName,
            ["id"] = card.Id,
            ["issuerName"] = "SIMULATED BANK",
            ["lastFour"] = card.Card.Last4,
            ["shopperReference"] = card.Owner,
            ["supportedRecurringProcessingModels"] = new JsonArray("CardOnFile", "Subscription", "UnscheduledCardOnFile"),
            ["type"] = "scheme",
        };
    }
}
