namespace Payments.Core;

/// <summary>Money that a fact shows as moved. Without a fee: what the provider's price list says.</summary>
public sealed record ToldMovement(int Number, long AmountMinor, long? FeeMinor);

/// <summary>What a provider, or our own call or clock, says of a dispute.</summary>
/// <param name="Reference">The provider's name of the dispute.</param>
/// <param name="Currency">ISO code of all its amounts.</param>
public sealed record DisputeFact(Provider Provider, string Reference, long AmountMinor, string Currency)
{
    /// <summary>Absent: the fact says nothing of it.</summary>
    public DisputeStatus? Status { get; init; }

    /// <summary>All that has moved until then, in order; a later number tells that those before it happened, too.</summary>
    public IReadOnlyList<ToldMovement> Movements { get; init; } = [];

    public DisputeReason Reason { get; init; }

    public string? ProviderReason { get; init; }

    public DateTimeOffset? EvidenceDueBy { get; init; }

    public DateTimeOffset? ProviderTime { get; init; }

    public DateTimeOffset LearnedAt { get; init; }

    /// <summary>Of our own answer: how its call ended.</summary>
    public DisputeSubmission? Submission { get; init; }
}

/// <summary>
/// What providers take for a dispute, where they do not say so with it: docs/disputes.md repeats the table. US cents, brought into the
/// payment's currency by the rough rate behind the limits of payments.
/// </summary>
public static class DisputeFees
{
    // provider → fee, whether it comes back with a dispute that is won
    private static readonly Dictionary<Provider, (int UsCents, bool Returned)> Table = new()
    {
        [Provider.Stripe] = (1_500, true),
        [Provider.Adyen] = (1_000, false),
    };

    public static long Of(Provider provider, Currency currency)
    {
        ArgumentNullException.ThrowIfNull(currency);
        return ((Table[provider].UsCents * currency.LargestPayment) + 50_000_000) / 100_000_000;
    }

    public static long ReturnedOf(Provider provider, Currency currency) => Table[provider].Returned ? Of(provider, currency) : 0;
}
