namespace Payments.Core;

/// <summary>Who started a payment.</summary>
public enum Initiator
{
    Customer,

    /// <summary>The merchant, with a card that the customer left for it: nobody is there to be challenged.</summary>
    Merchant,
}

/// <summary>Why strong customer authentication is not needed although the card is in its scope.</summary>
public enum ScaExemption
{
    /// <summary>Below 30 euros.</summary>
    LowValue,

    /// <summary>Scored as harmless, and below the amount that the acquirer's fraud rate allows (transaction risk analysis).</summary>
    LowRisk,

    /// <summary>A later payment that the customer agreed to before.</summary>
    MerchantInitiated,
}

/// <summary>How the customer was authenticated.</summary>
public enum AuthenticationFlow
{
    /// <summary>The issuer was satisfied without asking the customer.</summary>
    Frictionless,
    Challenge,
}

/// <summary>How an authentication (3-D Secure) ended.</summary>
public enum AuthenticationResult
{
    Authenticated,

    /// <summary>Attempted: the issuer or the card takes no part in it and said so, which shifts liability all the same.</summary>
    Attempted,

    /// <summary>The issuer accepted an exemption.</summary>
    Exempted,
    Failed,

    /// <summary>The card's scheme offers none.</summary>
    NotSupported,

    /// <summary>The issuer's or the scheme's systems did not answer.</summary>
    Unavailable,
}

/// <summary>What is asked of the provider: fixed when the payment is made, so that every repeat of the call is the same.</summary>
public sealed record AuthenticationPlan(ThreeDSecureRequest Requested, ScaExemption? Exemption);

/// <summary>What became of it, as the provider tells.</summary>
/// <param name="Eci">Electronic commerce indicator of the scheme: two digits.</param>
/// <param name="Version">Of the protocol: 2.2.0.</param>
/// <param name="LiabilityShifted">The issuer bears a fraudulent chargeback.</param>
public sealed record AuthenticationOutcome(AuthenticationResult Result, AuthenticationFlow? Flow, string? Eci, string? Version, bool LiabilityShifted);

/// <summary>A payment's authentication as others read it: what was asked for, and, once it is known, what came of it.</summary>
public sealed record AuthenticationView(
    ThreeDSecureRequest Requested, ScaExemption? Exemption, AuthenticationResult? Result, AuthenticationFlow? Flow, string? Eci, string? Version, bool LiabilityShift)
{
    public static AuthenticationView? Of(PaymentState payment)
    {
        ArgumentNullException.ThrowIfNull(payment);
        var (plan, outcome) = (payment.Details.Authentication, payment.Authentication);
        return plan is null && outcome is null
            ? null
            : new AuthenticationView(
                plan?.Requested ?? ThreeDSecureRequest.None, plan?.Exemption, outcome?.Result, outcome?.Flow, outcome?.Eci, outcome?.Version, outcome is { LiabilityShifted: true });
    }

    /// <summary>What a payment can be given back of it.</summary>
    public (AuthenticationPlan Plan, AuthenticationOutcome? Outcome) Read() => (
        new AuthenticationPlan(Requested, Exemption), Result is { } result ? new AuthenticationOutcome(result, Flow, Eci, Version, LiabilityShift) : null);
}
