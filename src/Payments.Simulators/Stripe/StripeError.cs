using System.Text.Json.Nodes;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Stripe;

/// <summary>Stripe's error object.</summary>
public static class StripeError
{
    /// <summary>Parameters that cannot be right: nothing was executed, nothing is kept under the key.</summary>
    public static Answer Invalid(string message, string? param, string? code = null, int status = 400) =>
        Of(status, "invalid_request_error", code, message, param, isKept: false);

    public static Answer Missing(string param) => Invalid($"Missing required param: {param}.", param, "parameter_missing");

    public static Answer NoSuch(string what, string id, string param = "id") =>
        Invalid($"No such {what}: '{id}'", param, "resource_missing", param is "id" or "intent" or "charge" ? 404 : 400);

    /// <summary>A request that is well-formed but not possible now.</summary>
    public static Answer Refused(string code, string message, string? param = null, JsonObject? paymentIntent = null)
    {
        var answer = Body("invalid_request_error", code, message, param);
        if (paymentIntent is not null)
        {
            answer["error"]!["payment_intent"] = paymentIntent;
        }

        return Answer.Of(400, answer);
    }

    public static Answer Of(int status, string type, string? code, string message, string? param = null, bool isKept = true) =>
        Answer.Of(status, Body(type, code, message, param), isKept);

    /// <summary>A decline: 402 with everything that belongs to it.</summary>
    public static Answer Declined(Books.Failure failure, string? charge, JsonObject? paymentIntent, JsonObject? paymentMethod)
    {
        ArgumentNullException.ThrowIfNull(failure);
        var body = Body("card_error", failure.Code, failure.Message, ParamOf(failure.Code));
        var error = body["error"]!.AsObject();
        if (failure.DeclineCode is not null)
        {
            error["decline_code"] = failure.DeclineCode;
        }

        if (charge is not null)
        {
            error["charge"] = charge;
        }

        if (paymentIntent is not null)
        {
            error["payment_intent"] = paymentIntent;
        }

        if (paymentMethod is not null)
        {
            error["payment_method"] = paymentMethod;
        }

        return Answer.Of(402, body);
    }

    /// <summary>A card that cannot even be read.</summary>
    public static Answer CardProblem(string code, string message, string? param, string? declineCode = null)
    {
        var body = Body("card_error", code, message, param);
        if (declineCode is not null)
        {
            body["error"]!["decline_code"] = declineCode;
        }

        return Answer.Of(402, body, isKept: false);
    }

    internal static string? ParamOf(string code) => code switch
    {
        "expired_card" => "exp_month",
        "incorrect_cvc" => "cvc",
        _ => null,
    };

    private static JsonObject Body(string type, string? code, string message, string? param)
    {
        var error = new JsonObject();
        if (code is not null)
        {
            error["code"] = code;
            error["doc_url"] = $"https://stripe.com/docs/error-codes/{code.Replace('_', '-')}";
        }

        error["message"] = message;
        if (param is not null)
        {
            error["param"] = param;
        }

        error["type"] = type;
        return new JsonObject { ["error"] = error };
    }
}
