namespace Payments.Simulators.Cards;

/// <summary>What the merchant asks of 3-D Secure.</summary>
public enum ChallengePreference
{
    /// <summary>Nothing is asked for.</summary>
    None,

    /// <summary>Authentication, without preference.</summary>
    NoPreference,
    Challenge,
}

/// <summary>How an authentication ended, in Stripe's words.</summary>
/// <param name="Result">authenticated, attempt_acknowledged, failed, not_supported or processing_error.</param>
/// <param name="Flow">frictionless or challenge.</param>
public sealed record Authenticated(string Result, string? Flow);

/// <summary>The card issuer's access control: whether the shopper is challenged, and what is said where nobody is.</summary>
public static class Authenticator
{
    public const string Success = "authenticated";
    public const string Failure = "failed";
    private const string Attempted = "attempt_acknowledged";
    private const string NotSupported = "not_supported";
    private const string Unavailable = "processing_error";

    /// <summary>Answered by the shopper at the issuer's page.</summary>
    public static Authenticated Answered(bool isApproved) => new(isApproved ? Success : Failure, "challenge");

    /// <param name="isSetUp">The card was authenticated before, for use without the shopper.</param>
    public static bool Challenges(CardFacts card, ChallengePreference preference, bool isSetUp)
    {
        ArgumentNullException.ThrowIfNull(card);
        return card.Acts.Authentication switch
        {
            Authentication.Always => true,
            Authentication.UnlessSetUp => !isSetUp || preference == ChallengePreference.Challenge,
            Authentication.OnRequest or Authentication.Insists => preference == ChallengePreference.Challenge,
            _ => false,
        };
    }

    /// <summary>What the issuer says without a challenge; null where it was not asked.</summary>
    public static Authenticated? Frictionless(CardFacts card, ChallengePreference preference)
    {
        ArgumentNullException.ThrowIfNull(card);
        if (preference == ChallengePreference.None)
        {
            return null;
        }

        return card.Acts.Authentication switch
        {
            Authentication.Unavailable => new Authenticated(Unavailable, null),
            Authentication.None => card.Brand is "visa" or "mastercard" or "discover" ? new Authenticated(Attempted, null) : new Authenticated(NotSupported, null),
            _ => new Authenticated(Success, "frictionless"),
        };
    }

    /// <summary>The scheme's electronic commerce indicator.</summary>
    public static string Eci(string brand, string result) => (brand == "mastercard", result) switch
    {
        (true, Success) => "02",
        (true, Attempted) => "01",
        (true, _) => "00",
        (false, Success) => "05",
        (false, Attempted) => "06",
        _ => "07",
    };
}
