using System.Text.Json.Nodes;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Adyen;

/// <summary>Adyen's error object.</summary>
public static class AdyenError
{
    public static Answer Of(int status, string code, string message, string type, bool isKept = false) => Answer.Of(
        status,
        new JsonObject
        {
            ["status"] = status,
            ["errorCode"] = code,
            ["message"] = message,
            ["errorType"] = type,
            ["pspReference"] = Identifiers.Psp(),
        },
        isKept);

    public static Answer Validation(string code, string message) => Of(422, code, message, "validation");
}
