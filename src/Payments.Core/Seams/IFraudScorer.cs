namespace Payments.Core.Seams;

/// <summary>Fraud scoring as the payment path sees it. Safe to repeat: the payment id identifies the question.</summary>
public interface IFraudScorer
{
    Task<FraudDecision> ScoreAsync(FraudRequest request, CancellationToken cancellationToken);
}

/// <summary>Everything a decision is made of, as of the moment the merchant asked.</summary>
/// <param name="AmountMinor">Minor units of <paramref name="Currency"/>.</param>
/// <param name="CardBin">First six digits.</param>
/// <param name="CardCountry">ISO 3166 alpha-2 of the issuer, from the vault's token.</param>
/// <param name="CardFunding">credit, debit, prepaid or unknown, from the vault's token.</param>
public sealed record FraudRequest(
    PaymentId PaymentId,
    MerchantId MerchantId,
    Mode Mode,
    long AmountMinor,
    string Currency,
    string CardFingerprint,
    string CardBrand,
    string CardBin,
    string? CardCountry,
    string? CardFunding)
{
    /// <summary>
    /// Keyed hash (64 hexadecimal digits) of merchant, mode, key class and idempotency key: equal for retries and races of one request,
    /// so that velocity counts an attempt once. Null where a caller has no such key; then the payment id takes its place.
    /// </summary>
    public string? RequestHash { get; init; }

    /// <summary>The merchant's own name for the customer; counted within the merchant.</summary>
    public string? CustomerReference { get; init; }

    /// <summary>One of <see cref="FraudMethods"/>.</summary>
    public string Method { get; init; } = FraudMethods.Card;

    /// <summary>What the merchant told of the circumstances; what it did not tell is null.</summary>
    public RiskContext? Context { get; init; }
}

/// <summary>The circumstances of a payment as the merchant saw them (<c>risk_context</c>). Personal data: never logged, kept apart from the books.</summary>
/// <param name="Ip">IPv4 or IPv6 address in canonical form.</param>
/// <param name="Email">In lower case.</param>
/// <param name="SessionSeconds">How long the customer had been in the shop.</param>
/// <param name="AccountCreatedAt">When the customer's account at the merchant was made.</param>
public sealed record RiskContext(
    string? Ip = null,
    string? UserAgent = null,
    string? DeviceId = null,
    string? Email = null,
    RiskAddress? BillingAddress = null,
    RiskAddress? ShippingAddress = null,
    long? SessionSeconds = null,
    DateTimeOffset? AccountCreatedAt = null);

/// <param name="Country">ISO 3166 alpha-2, upper case.</param>
public sealed record RiskAddress(
    string? Line1 = null, string? Line2 = null, string? City = null, string? PostalCode = null, string? State = null, string? Country = null);

/// <param name="Score">0 (good) to 100 (fraud).</param>
/// <param name="Factors">Names of what contributed, strongest first.</param>
public sealed record FraudDecision(int Score, FraudVerdict Verdict, IReadOnlyList<string> Factors)
{
    /// <summary>How a payment that is not rejected is to be authenticated.</summary>
    public ThreeDSecureRequest ThreeDSecure { get; init; }

    /// <summary>How sure the score is, 0 to 1; null where no model scored.</summary>
    public double? Confidence { get; init; }

    /// <summary>Null where rules alone decided.</summary>
    public string? ModelVersion { get; init; }
}

/// <summary>Methods of payment as fraud scoring and its rules call them.</summary>
public static class FraudMethods
{
    public const string Card = "card";

    /// <summary>Debits of bank accounts. Nobody can be challenged about one.</summary>
    public const string BankTransfer = "bank_transfer";
}
