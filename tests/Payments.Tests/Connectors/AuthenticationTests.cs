using Payments.Connectors;
using Payments.Core;
using Xunit;
using static Payments.Core.AuthenticationResult;

namespace Payments.Tests.Connectors;

/// <summary>3-D Secure as it goes over each provider's wire, and what comes back of it.</summary>
public sealed class AuthenticationTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    // Provider, what is asked for, and what the request holds and does not hold.
    private static readonly (Provider Provider, ThreeDSecureRequest Requested, ScaExemption? Exemption, string[] Has, string[] HasNot)[] Requests =
    [
        (Provider.Stripe, ThreeDSecureRequest.None, null, ["payment_method_options%5Bcard%5D%5Brequest_three_d_secure%5D=automatic"], []),
        (Provider.Stripe, ThreeDSecureRequest.NoPreference, null, ["payment_method_options%5Bcard%5D%5Brequest_three_d_secure%5D=any"], []),
        (Provider.Stripe, ThreeDSecureRequest.Challenge, null, ["payment_method_options%5Bcard%5D%5Brequest_three_d_secure%5D=challenge"], []),
        (Provider.Stripe, ThreeDSecureRequest.None, ScaExemption.LowRisk, ["payment_method_options%5Bcard%5D%5Brequest_three_d_secure%5D=automatic"], ["exemption"]),
        (Provider.Adyen, ThreeDSecureRequest.None, null, [], ["authenticationData", "threeDS2RequestData", "scaExemption"]),
        (Provider.Adyen, ThreeDSecureRequest.NoPreference, null, ["\"attemptAuthentication\":\"always\"", "\"threeDSRequestorChallengeInd\":\"01\""], ["scaExemption"]),
        (Provider.Adyen, ThreeDSecureRequest.Challenge, null, ["\"attemptAuthentication\":\"always\"", "\"threeDSRequestorChallengeInd\":\"03\""], ["scaExemption"]),
        (Provider.Adyen, ThreeDSecureRequest.None, ScaExemption.LowValue, ["\"scaExemption\":\"lowValue\""], ["authenticationData"]),
        (Provider.Adyen, ThreeDSecureRequest.None, ScaExemption.LowRisk, ["\"scaExemption\":\"transactionRiskAnalysis\""], ["authenticationData"]),
        (Provider.Adyen, ThreeDSecureRequest.None, ScaExemption.MerchantInitiated, [], ["scaExemption", "authenticationData"]),
    ];

    public static TheoryData<int> RequestRows() => new(Enumerable.Range(0, Requests.Length));

    [Theory]
    [MemberData(nameof(RequestRows))]
    public async Task What_is_asked_for_goes_over_the_wire_in_the_providers_words(int row)
    {
        var (provider, requested, exemption, has, hasNot) = Requests[row];
        await using var server = new ScriptedServer(Act.Respond);

        await Bench.Connector(server.Url, provider).AuthorizeAsync(Bench.Authorize(provider) with { ThreeDSecure = requested, Exemption = exemption }, Cancel);

        Assert.All(has, text => Assert.Contains(text, server.LastRequest, StringComparison.Ordinal));
        Assert.All(hasNot, text => Assert.DoesNotContain(text, server.LastRequest, StringComparison.Ordinal));
    }

    // Provider, what its answer says, and what it means.
    private static readonly (Provider Provider, string Told, AuthenticationOutcome? Means)[] Answers =
    [
        (Provider.Stripe, "null", null),
        (Provider.Stripe, """{"result":"authenticated","authentication_flow":"challenge","electronic_commerce_indicator":"05","version":"2.2.0"}""", new(Authenticated, AuthenticationFlow.Challenge, "05", "2.2.0", true)),
        (Provider.Stripe, """{"result":"authenticated","authentication_flow":"frictionless","electronic_commerce_indicator":"02","version":"2.1.0"}""", new(Authenticated, AuthenticationFlow.Frictionless, "02", "2.1.0", true)),
        (Provider.Stripe, """{"result":"attempt_acknowledged","authentication_flow":null,"electronic_commerce_indicator":"06","version":"2.2.0"}""", new(Attempted, null, "06", "2.2.0", true)),
        (Provider.Stripe, """{"result":"exempted","electronic_commerce_indicator":"07"}""", new(Exempted, null, "07", null, false)),
        (Provider.Stripe, """{"result":"failed"}""", new(Failed, null, null, null, false)),
        (Provider.Stripe, """{"result":"not_supported"}""", new(NotSupported, null, null, null, false)),
        (Provider.Stripe, """{"result":"processing_error","version":"<script>","electronic_commerce_indicator":"5"}""", new(Unavailable, null, null, null, false)),
        (Provider.Stripe, """{"result":"something_new"}""", null),
        (Provider.Adyen, "{}", null),
        (Provider.Adyen, """{"threeDOffered":"false"}""", null),
        (Provider.Adyen, """{"threeDOffered":"true","threeDAuthenticated":"true","liabilityShift":"true","eci":"05","threeDSVersion":"2.2.0"}""", new(Authenticated, null, "05", "2.2.0", true)),
        (Provider.Adyen, """{"threeDOffered":"true","threeDAuthenticated":"true","liabilityShift":"false","eci":"05"}""", new(Authenticated, null, "05", null, false)),
        (Provider.Adyen, """{"threeDOffered":"true","threeDAuthenticated":"false","threeDAuthenticatedResponse":"A","liabilityShift":"true","eci":"06"}""", new(Attempted, null, "06", null, true)),
        (Provider.Adyen, """{"threeDOffered":"true","threeDAuthenticated":"false","eci":"01","liabilityShift":"true"}""", new(Attempted, null, "01", null, true)),
        (Provider.Adyen, """{"threeDOffered":"true","threeDAuthenticated":"false","threeDAuthenticatedResponse":"U"}""", new(Unavailable, null, null, null, false)),
        (Provider.Adyen, """{"threeDOffered":"true","threeDAuthenticated":"false","threeDAuthenticatedResponse":"N"}""", new(Failed, null, null, null, false)),
        (Provider.Adyen, """{"threeDOffered":"false","scaExemptionRequested":"lowValue"}""", new(Exempted, null, null, null, false)),
    ];

    public static TheoryData<int> AnswerRows() => new(Enumerable.Range(0, Answers.Length));

    [Theory]
    [MemberData(nameof(AnswerRows))]
    public async Task What_a_provider_tells_of_an_authentication_is_read(int row)
    {
        var (provider, told, means) = Answers[row];
        await using var server = new ScriptedServer(Act.Respond);
        server.Answer = (200, provider == Provider.Stripe
            ? """{"id":"pi_1","object":"payment_intent","amount":5000,"currency":"usd","status":"requires_capture","latest_charge":{"id":"ch_1","payment_method_details":{"card":{"three_d_secure":TOLD}}}}""".Replace("TOLD", told, StringComparison.Ordinal)
            : """{"pspReference":"883500000000000A","resultCode":"Authorised","amount":{"currency":"USD","value":5000},"additionalData":TOLD}""".Replace("TOLD", told, StringComparison.Ordinal), null);

        var outcome = await Bench.Connector(server.Url, provider).AuthorizeAsync(Bench.Authorize(provider), Cancel);

        Assert.Equal((OutcomeKind.Approved, means), (outcome.Kind, outcome.Authentication));
    }

    [Fact]
    public async Task A_decline_for_a_failed_authentication_is_a_failed_authentication()
    {
        await using var server = new ScriptedServer(Act.Respond, Act.Respond, Act.Respond);
        server.Answer = (200, """{"pspReference":"883500000000000A","resultCode":"Refused","refusalReasonCode":"11","refusalReason":"3D Not Authenticated"}""", null);
        var adyen = await Bench.Connector(server.Url, Provider.Adyen).AuthorizeAsync(Bench.Authorize(Provider.Adyen), Cancel);
        server.Answer = (200, """{"id":"pi_1","object":"payment_intent","amount":5000,"currency":"usd","status":"requires_payment_method","last_payment_error":{"code":"payment_intent_authentication_failure"}}""", null);
        var stripe = await Bench.Connector(server.Url, Provider.Stripe).AuthorizeAsync(Bench.Authorize(Provider.Stripe), Cancel);

        server.Answer = (200, """{"pspReference":"883500000000000A","resultCode":"Refused","refusalReasonCode":"38","refusalReason":"Authentication required","additionalData":{"threeDOffered":"false","scaExemptionRequested":"lowValue"}}""", null);
        var insisted = await Bench.Connector(server.Url, Provider.Adyen).AuthorizeAsync(Bench.Authorize(Provider.Adyen), Cancel);
        Assert.Equal(("authentication_required", null), (insisted.Decline!.Code, insisted.Authentication));
        Assert.All([adyen, stripe], o => Assert.Equal((OutcomeKind.Declined, Failed, false), (o.Kind, o.Authentication!.Result, o.Authentication.LiabilityShifted)));
    }
}
