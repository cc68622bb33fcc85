using System.Text.Json;
using Payments.Connectors.Wire;
using Payments.Core;

namespace Payments.Connectors.Stripe;

/// <summary>3-D Secure in Stripe's words. Stripe asks for exemptions by itself where nothing is requested, and offers no way to ask for one.</summary>
internal static class StripeAuthentication
{
    /// <summary><c>payment_method_options[card][request_three_d_secure]</c>.</summary>
    public static string Request(ThreeDSecureRequest request) => request switch
    {
        ThreeDSecureRequest.Challenge => "challenge",
        ThreeDSecureRequest.NoPreference => "any",
        _ => "automatic",
    };

    /// <summary>What <c>three_d_secure</c> of a charge says; null where nobody tried. Liability shifts with an authentication and with an acknowledged attempt.</summary>
    public static AuthenticationOutcome? Of(JsonElement? threeDSecure)
    {
        AuthenticationResult? result = threeDSecure.Text("result") switch
        {
            "authenticated" => AuthenticationResult.Authenticated,
            "attempt_acknowledged" => AuthenticationResult.Attempted,
            "exempted" => AuthenticationResult.Exempted,
            "failed" => AuthenticationResult.Failed,
            "not_supported" => AuthenticationResult.NotSupported,
            "processing_error" => AuthenticationResult.Unavailable,
            _ => null,
        };
        return result is not { } ended ? null : new AuthenticationOutcome(
            ended,
            threeDSecure.Text("authentication_flow") switch
            {
                "challenge" => AuthenticationFlow.Challenge,
                "frictionless" => AuthenticationFlow.Frictionless,
                _ => null,
            },
            AuthenticationReading.Eci(threeDSecure.Text("electronic_commerce_indicator")), AuthenticationReading.Version(threeDSecure.Text("version")),
            ended is AuthenticationResult.Authenticated or AuthenticationResult.Attempted);
    }
}
