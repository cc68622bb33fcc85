using System.Collections.Frozen;

namespace Payments.Core;

/// <summary>What has to be known to choose how a payment is authenticated.</summary>
/// <param name="Score">0 to 100; absent where nobody scored it.</param>
/// <param name="Asked">What the fraud decision asks for; none: the tables here decide by verdict and score.</param>
/// <param name="Wanted">What the merchant asks for.</param>
/// <param name="CardCountry">ISO 3166 alpha-2 of the issuer, where known.</param>
public sealed record AuthenticationQuestion(
    int? Score, FraudVerdict Verdict, ThreeDSecureRequest Asked, ThreeDSecureRequest Wanted, string? CardCountry, Money Amount, Initiator Initiator);

/// <summary>
/// How a payment is authenticated (3-D Secure): risk asks for as much as the score says, regulation (PSD2 and its British twin) for at
/// least a request without preference from 30 euros, and exemptions spare what is small or harmless. <c>docs/three-d-secure.md</c>
/// repeats the tables.
/// </summary>
public static class Authenticating
{
    /// <summary>Below this, in euros, an exemption for low value is asked for.</summary>
    public const long LowValueEuros = 30;

    /// <summary>Up to this, in euros, transaction risk analysis may spare the customer at a fraud rate of at most 13 basis points.</summary>
    public const long LowRiskEuros = 100;

    /// <summary>What counts as low risk.</summary>
    public const int LowRiskScore = 9;

    // Issuers that are bound to strong customer authentication: the European Economic Area and the United Kingdom.
    private static readonly FrozenSet<string> InScope = new[]
    {
        "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT",
        "RO", "SE", "SI", "SK",
    }.ToFrozenSet(StringComparer.Ordinal);

    // Minor units that are worth about one euro. Rounded on purpose: a threshold that moves every day cannot be explained to anybody.
    private static readonly FrozenDictionary<string, long> MinorPerEuro = new Dictionary<string, long>
    {
        ["AUD"] = 170,
        ["BHD"] = 415,
        ["BRL"] = 620,
        ["CAD"] = 155,
        ["CHF"] = 94,
        ["CZK"] = 2_500,
        ["DKK"] = 746,
        ["EUR"] = 100,
        ["GBP"] = 85,
        ["HKD"] = 860,
        ["HUF"] = 40_000,
        ["INR"] = 9_500,
        ["JPY"] = 165,
        ["KRW"] = 1_550,
        ["KWD"] = 340,
        ["MXN"] = 2_100,
        ["NOK"] = 1_150,
        ["NZD"] = 185,
        ["PLN"] = 425,
        ["SEK"] = 1_120,
        ["SGD"] = 145,
        ["USD"] = 110,
        ["ZAR"] = 2_000,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    // What risk asks for, where the fraud decision does not say it itself. The first row that fits decides.
    private static readonly (ThreeDSecureRequest Asks, Func<AuthenticationQuestion, bool> Fits)[] ByRisk =
    [
        (ThreeDSecureRequest.Challenge,    q => q.Verdict == FraudVerdict.Challenge),
        // A person decides about it, and should know what the issuer says.
        (ThreeDSecureRequest.NoPreference, q => q.Verdict == FraudVerdict.Review),
        (ThreeDSecureRequest.None,         q => q.Score is null or < 30),
        (ThreeDSecureRequest.NoPreference, q => q.Score < 60),
        (ThreeDSecureRequest.Challenge,    _ => true),
    ];

    private static readonly (ThreeDSecureRequest Requested, ScaExemption? Exemption, Func<AuthenticationQuestion, ThreeDSecureRequest, bool> Fits)[] Table =
    [
        (ThreeDSecureRequest.None,         ScaExemption.MerchantInitiated, (q, _) => q.Initiator == Initiator.Merchant),
        (ThreeDSecureRequest.Challenge,    null,                           (_, asks) => asks == ThreeDSecureRequest.Challenge),
        (ThreeDSecureRequest.NoPreference, null,                           (_, asks) => asks == ThreeDSecureRequest.NoPreference),
        (ThreeDSecureRequest.None,         null,                           (q, _) => !IsInScope(q.CardCountry)),
        (ThreeDSecureRequest.None,         ScaExemption.LowValue,          (q, _) => q.Amount.Minor < Euros(LowValueEuros, q.Amount.Currency)),
        (ThreeDSecureRequest.None,         ScaExemption.LowRisk,           (q, _) => q.Score <= LowRiskScore && q.Amount.Minor <= Euros(LowRiskEuros, q.Amount.Currency)),
        (ThreeDSecureRequest.NoPreference, null,                           (_, _) => true),
    ];

    public static AuthenticationPlan Plan(AuthenticationQuestion question)
    {
        ArgumentNullException.ThrowIfNull(question);
        var asks = (ThreeDSecureRequest)Math.Max((int)ByRiskOf(question), (int)question.Wanted);
        var row = Table.First(r => r.Fits(question, asks));
        return new AuthenticationPlan(row.Requested, row.Exemption);
    }

    /// <summary>
    /// What the attempt asks for: the plan, unless the issuer has just refused to go without authentication. Then the customer is
    /// challenged, and nothing is exempted.
    /// </summary>
    public static AuthenticationPlan Of(PaymentState payment, AttemptId attempt)
    {
        ArgumentNullException.ThrowIfNull(payment);
        var plan = payment.Details.Authentication ?? new AuthenticationPlan(payment.Risk is { Decision: FraudVerdict.Challenge } ? ThreeDSecureRequest.Challenge : ThreeDSecureRequest.None, null);
        return payment.Authorization is { } authorize && authorize.Attempts.TakeWhile(a => a.Id != attempt).Any(a => a.Decline?.Code == RequiredCode)
            ? new AuthenticationPlan(ThreeDSecureRequest.Challenge, null)
            : plan;
    }

    /// <summary>The issuer wants the customer to be authenticated, and somebody is there who can be.</summary>
    public static bool MayStepUp(PaymentState payment, AttemptId attempt, string? declineCode)
    {
        ArgumentNullException.ThrowIfNull(payment);
        return declineCode == RequiredCode && payment.Details.Initiator == Initiator.Customer && Of(payment, attempt).Requested != ThreeDSecureRequest.Challenge;
    }

    public static bool IsInScope(string? cardCountry) => cardCountry is not null && InScope.Contains(cardCountry);

    /// <summary>An amount of euros in minor units of a currency, by the table.</summary>
    public static long Euros(long euros, Currency currency)
    {
        ArgumentNullException.ThrowIfNull(currency);
        return checked(euros * MinorPerEuro[currency.Code]);
    }

    /// <summary>Our code of a decline that says: authenticate the customer.</summary>
    private const string RequiredCode = "authentication_required";

    private static ThreeDSecureRequest ByRiskOf(AuthenticationQuestion question) =>
        question.Asked != ThreeDSecureRequest.None ? question.Asked : ByRisk.First(r => r.Fits(question)).Asks;
}
