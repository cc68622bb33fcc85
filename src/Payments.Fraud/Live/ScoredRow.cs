using Payments.Core;
using Payments.Fraud.Features;

namespace Payments.Fraud.Live;

/// <summary>What is kept of a scored payment.</summary>
/// <param name="ChampionId">The model of all merchants that decided; null where none was there, so that rules alone did.</param>
/// <param name="OwnId">The merchant's own model, which counted with <paramref name="OwnWeight"/>.</param>
internal sealed record ScoredRow(
    PaymentId Payment, Mode Mode, MerchantId Merchant, DateTimeOffset At, PaymentTrace Trace, byte[] Features,
    FraudModelId? ChampionId, FraudModelId? OwnId, double OwnWeight, double? Score, FraudModelId? ChallengerId, double? ChallengerScore);
