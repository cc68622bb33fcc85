namespace Payments.Core.Seams;

/// <summary>
/// A charge that a provider's settlement report tells of and that no event here does: <c>POST /internal/v1/reported_charges</c> of the payment
/// path, which takes it in as it takes in what a webhook tells. Repeatable: what is known is left alone.
/// </summary>
/// <param name="Reference">The provider's name of the payment.</param>
/// <param name="AmountMinor">What was taken.</param>
/// <param name="Attempt">Ours, as far as the report echoes it.</param>
public sealed record ReportedCharge(Mode Mode, Provider Provider, string Reference, long AmountMinor, string Currency, DateTimeOffset OccurredAt, AttemptId? Attempt);

/// <param name="Verdict">
/// What the charge is to us; null where it would be the second one of a payment: money is not moved on a report's word alone, and people decide.
/// </param>
public sealed record ReportedChargeAnswer(ChargeVerdict? Verdict);
