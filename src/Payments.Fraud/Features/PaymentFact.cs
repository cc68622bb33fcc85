namespace Payments.Fraud.Features;

/// <summary>
/// What is known of a payment at the moment it is scored. Keys are stable keyed hashes, or numbers of the caller's choice; a party that
/// the merchant did not tell is 0. In the handbook's stream the card is its customer, the merchant its terminal.
/// </summary>
/// <param name="At">Seconds since an epoch of the caller's choice; a day begins at a multiple of 86,400.</param>
/// <param name="AmountMinor">Hundredths of one unit for all payments: US cents, about.</param>
public readonly record struct PaymentFact(long Card, long Merchant, long At, long AmountMinor)
{
    /// <summary>The merchant's own customer.</summary>
    public long Customer { get; init; }

    public long Ip { get; init; }

    public long Device { get; init; }

    public long Email { get; init; }

    /// <summary>The values of <see cref="Features.Told.Features"/>; null where nothing was told at all.</summary>
    public float[]? Told { get; init; }
}

/// <summary>What has to be kept of a scored payment so that its outcome can be learnt when it becomes known.</summary>
/// <param name="Ordinary">The amount was nothing special for this card: if it was fraud, the place is the likelier cause.</param>
public readonly record struct PaymentTrace(PaymentFact Payment, bool Ordinary);

/// <summary>What became of an attempt soon after its decision.</summary>
public enum PaymentAnswer
{
    Approved,
    Declined,

    /// <summary>The card's holder was authenticated (3-D Secure).</summary>
    Authenticated,

    /// <summary>The authentication failed.</summary>
    NotAuthenticated,
}
