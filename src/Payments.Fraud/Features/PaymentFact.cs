namespace Payments.Fraud.Features;

/// <summary>What is known of a payment at the moment it is scored. Keys are stable hashes or numbers of the caller's choice.</summary>
/// <param name="At">Seconds since an epoch of the caller's choice; a day begins at a multiple of 86,400.</param>
public readonly record struct PaymentFact(long Customer, long Merchant, long At, long AmountMinor);

/// <summary>What has to be kept of a scored payment so that its outcome can be learnt when it becomes known.</summary>
/// <param name="Ordinary">The amount was nothing special for this customer: if it was fraud, the place is the likelier cause.</param>
public readonly record struct PaymentTrace(PaymentFact Payment, bool Ordinary);
