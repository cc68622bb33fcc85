using System.Text.Json.Nodes;
using Payments.Simulators.Books;
using Payments.Simulators.Cards;

namespace Payments.Simulators.Stripe;

/// <summary>What Stripe's objects say about a card and what its issuer made of a charge.</summary>
internal static class StripeCardJson
{
    public static JsonObject Outcome(Failure? failure) => new()
    {
        ["advice_code"] = failure is null || failure.Blocked ? null : "try_again_later",
        ["network_advice_code"] = null,
        ["network_decline_code"] = null,
        ["network_status"] = failure is null ? "approved_by_network" : failure.Blocked ? "not_sent_to_network" : "declined_by_network",
        ["reason"] = failure is null ? null : failure.Blocked ? "highest_risk_level" : failure.DeclineCode ?? failure.Code,
        ["risk_level"] = failure is { Blocked: true } ? "highest" : "normal",
        ["risk_score"] = failure is { Blocked: true } ? 90 : 22,
        ["seller_message"] = failure is null ? "Payment complete." : failure.Blocked ? "Stripe blocked this payment as too risky." : "The bank did not return any further details with this decline.",
        ["type"] = failure is null ? "authorized" : failure.Blocked ? "blocked" : "issuer_declined",
    };

    public static JsonObject Details(Charge charge)
    {
        var card = new JsonObject
        {
            ["amount_authorized"] = charge.Failure is null ? charge.Amount : null,
            ["authorization_code"] = charge.AuthorisationCode,
            ["brand"] = charge.Card.Brand,
        };
        if (charge.CaptureBefore is { } limit && charge.Failure is null)
        {
            card["capture_before"] = StripeJson.Seconds(limit);
        }

        card["checks"] = Checks(charge.Card, used: true);
        card["country"] = charge.Card.Country;
        card["exp_month"] = charge.Card.ExpMonth;
        card["exp_year"] = charge.Card.ExpYear;
        card["extended_authorization"] = new JsonObject { ["status"] = "disabled" };
        card["fingerprint"] = charge.Card.Fingerprint;
        card["funding"] = charge.Card.Funding;
        card["incremental_authorization"] = new JsonObject { ["status"] = "unavailable" };
        card["installments"] = null;
        card["last4"] = charge.Card.Last4;
        card["mandate"] = null;
        card["multicapture"] = new JsonObject { ["status"] = charge.Multicapture ? "available" : "unavailable" };
        card["network"] = charge.Card.Brand;
        card["network_token"] = new JsonObject { ["used"] = false };
        card["network_transaction_id"] = null;
        card["overcapture"] = new JsonObject { ["maximum_amount_capturable"] = charge.Amount, ["status"] = "unavailable" };
        card["regulated_status"] = "unregulated";
        card["three_d_secure"] = charge.ThreeDSecure is null ? null : new JsonObject
        {
            ["authentication_flow"] = charge.ThreeDSecureFlow,
            ["electronic_commerce_indicator"] = Authenticator.Eci(charge.Card.Brand, charge.ThreeDSecure),
            ["exemption_indicator"] = null,
            ["result"] = charge.ThreeDSecure,
            ["result_reason"] = null,
            ["version"] = "2.2.0",
        };
        card["wallet"] = null;
        return card;
    }

    /// <summary>A bank account as a payment method.</summary>
    public static JsonObject BankMethod(StoredCard account) => new()
    {
        ["id"] = account.Id,
        ["object"] = "payment_method",
        ["allow_redisplay"] = "unspecified",
        ["billing_details"] = BillingDetails(account.BillingDetails),
        ["created"] = StripeJson.Seconds(account.Created),
        ["customer"] = account.Owner,
        ["livemode"] = false,
        ["metadata"] = StripeJson.Map(account.Metadata),
        ["type"] = CardReader.StripeMethodType,
        [CardReader.StripeMethodType] = Bank(account.Card, account.Card.Bank!),
    };

    public static JsonObject Bank(CardFacts account, BankFacts bank) => new()
    {
        ["account_holder_type"] = bank.HolderType,
        ["account_type"] = bank.AccountType,
        ["bank_name"] = bank.BankName,
        ["fingerprint"] = account.Fingerprint,
        ["last4"] = account.Last4,
        ["routing_number"] = bank.RoutingNumber,
    };

    public static JsonObject Checks(CardFacts card, bool used) => new()
    {
        ["address_line1_check"] = null,
        ["address_postal_code_check"] = null,
        ["cvc_check"] = used ? card.Behaviour == "incorrect_cvc" ? "fail" : "pass" : "unchecked",
    };

    public static JsonObject BillingDetails(IReadOnlyDictionary<string, string> details) => new()
    {
        ["address"] = new JsonObject
        {
            ["city"] = details.GetValueOrDefault("address][city"),
            ["country"] = details.GetValueOrDefault("address][country"),
            ["line1"] = details.GetValueOrDefault("address][line1"),
            ["line2"] = details.GetValueOrDefault("address][line2"),
            ["postal_code"] = details.GetValueOrDefault("address][postal_code"),
            ["state"] = details.GetValueOrDefault("address][state"),
        },
        ["email"] = details.GetValueOrDefault("email"),
        ["name"] = details.GetValueOrDefault("name"),
        ["phone"] = details.GetValueOrDefault("phone"),
        ["tax_id"] = null,
    };
}
