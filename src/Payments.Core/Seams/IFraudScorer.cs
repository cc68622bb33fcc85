namespace Payments.Core.Seams;

/// <summary>Fraud scoring as the payment path sees it. Safe to repeat: the payment id identifies the question.</summary>
public interface IFraudScorer
{
    Task<FraudDecision> ScoreAsync(FraudRequest request, CancellationToken cancellationToken);
}

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
    string? CardFunding);

/// <param name="Score">0 (good) to 100 (fraud).</param>
/// <param name="Factors">Names of what contributed, strongest first.</param>
public sealed record FraudDecision(int Score, FraudVerdict Verdict, IReadOnlyList<string> Factors);
