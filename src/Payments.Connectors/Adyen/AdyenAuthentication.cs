using System.Text.Json;
using System.Text.Json.Nodes;
using Payments.Connectors.Wire;
using Payments.Core;

namespace Payments.Connectors.Adyen;

/// <summary>3-D Secure in Adyen's words: <c>authenticationData</c>, <c>threeDS2RequestData</c> and <c>additionalData</c>.</summary>
internal static class AdyenAuthentication
{
    /// <summary>Asked for nothing, Adyen decides by its own rules.</summary>
    public static void Request(JsonObject body, ThreeDSecureRequest request, ScaExemption? exemption)
    {
        if (request != ThreeDSecureRequest.None)
        {
            body["authenticationData"] = new JsonObject { ["attemptAuthentication"] = "always" };
            // EMVCo's challenge indicator: 01 no preference, 03 a challenge is wanted.
            body["threeDS2RequestData"] = new JsonObject
            {
                ["deviceChannel"] = "browser",
                ["threeDSRequestorChallengeInd"] = request == ThreeDSecureRequest.Challenge ? "03" : "01",
            };
        }

        var spared = exemption switch
        {
            ScaExemption.LowValue => "lowValue",
            ScaExemption.LowRisk => "transactionRiskAnalysis",
            // Said by shopperInteraction.
            _ => null,
        };
        if (spared is not null)
        {
            body["additionalData"]!["scaExemption"] = spared;
        }
    }

    /// <summary>What <c>additionalData</c> of an answer or notice says; null where nobody tried.</summary>
    public static AuthenticationOutcome? Of(JsonElement? additional)
    {
        var eci = AuthenticationReading.Eci(additional.Text("eci"));
        if (additional.Text("threeDOffered") != "true")
        {
            return additional.Text("scaExemptionRequested") is null ? null : new AuthenticationOutcome(AuthenticationResult.Exempted, null, eci, null, false);
        }

        var result = additional.Text("threeDAuthenticated") == "true" ? AuthenticationResult.Authenticated : additional.Text("threeDAuthenticatedResponse") switch
        {
            "Y" => AuthenticationResult.Authenticated,
            "A" => AuthenticationResult.Attempted,
            "U" => AuthenticationResult.Unavailable,
            "N" or "R" => AuthenticationResult.Failed,
            _ => eci is "01" or "06" ? AuthenticationResult.Attempted : AuthenticationResult.Failed,
        };
        return new AuthenticationOutcome(result, null, eci, AuthenticationReading.Version(additional.Text("threeDSVersion")), additional.Text("liabilityShift") == "true");
    }
}
