using System.Text.Json.Serialization;

namespace Payments.Core;

/// <summary>A dispute as merchants read it and events carry it. Amounts are minor units of <see cref="Currency"/>.</summary>
/// <param name="AmountWithheld">What the provider holds back now.</param>
/// <param name="Fee">What the provider took for its work and did not give back.</param>
/// <param name="ProposedEvidence">What we know ourselves; sent along with the merchant's evidence.</param>
public sealed record DisputeView(
    string Id,
    string Object,
    string PaymentId,
    Mode Mode,
    DisputeStatus Status,
    long Amount,
    long AmountWithheld,
    long Fee,
    string Currency,
    DisputeReason Reason,
    string? ProviderReason,
    Provider Provider,
    string ProviderReference,
    bool LiabilityShift,
    string? ProposedEvidence,
    DateTimeOffset? EvidenceDueBy,
    DisputeSubmissionView? Submission,
    DateTimeOffset OpenedAt,
    DateTimeOffset ChangedAt)
{
    public static DisputeView Of(PaymentState payment, Dispute dispute)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(dispute);
        return new DisputeView(
            dispute.Id.ToString(), "dispute", payment.Id.ToString(), payment.Mode, dispute.Status, dispute.AmountMinor, dispute.WithheldMinor, dispute.FeeMinor,
            payment.Amount.Currency.Code, dispute.Reason, dispute.ProviderReason, dispute.Provider, dispute.Reference, dispute.LiabilityShifted,
            Dispute.ProposedEvidence(dispute, payment), dispute.EvidenceDueBy,
            dispute.Submission is { } sent ? new DisputeSubmissionView(sent.Id.ToString(), sent.Answer, sent.State, sent.Detail, sent.At) : null,
            dispute.OpenedAt, dispute.ChangedAt);
    }
}

public sealed record DisputeSubmissionView(string Id, DisputeAnswer Answer, OperationState State, string? Detail, DateTimeOffset At);

/// <summary>One movement of money as an event carries it: odd numbers took, even ones gave back.</summary>
public sealed record DisputeMovementFact(int Number, long AmountMinor, long SuspenseMinor, long FeeMinor, string Currency)
{
    [JsonIgnore]
    public bool IsWithdrawal => Number % 2 == 1;

    /// <summary>Whether the merchant bears the fee that is taken, or bore the one that is given back. Null in events of earlier versions.</summary>
    public bool? MerchantBearsFee { get; init; }
}
