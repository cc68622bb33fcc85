namespace Payments.Core;

/// <summary>What is to be done about a charge that a provider has.</summary>
public enum ChargeVerdict
{
    /// <summary>It holds and moved no money.</summary>
    Ignore,

    /// <summary>A payment here is called so, or it waits for a person already.</summary>
    Known,

    /// <summary>It belongs to a payment that does not know it yet: the one apply function decides what it means there.</summary>
    Tell,

    /// <summary>It becomes a payment of the merchant that it names.</summary>
    Recover,

    /// <summary>Nobody can tell whose it is: its money goes to suspense until a person says.</summary>
    Suspend,
}

/// <summary>Whose a number is here.</summary>
public sealed record Owned(PaymentId PaymentId, MerchantId MerchantId, Mode Mode);

/// <summary>What our books know of a provider's charge.</summary>
/// <param name="ReferenceKnown">A payment here has the provider's name.</param>
/// <param name="Suspended">It stands in suspense already.</param>
/// <param name="ByAttempt">The payment whose attempt it echoes, whatever merchant, mode or provider.</param>
/// <param name="AttemptProvider">Where that attempt went.</param>
/// <param name="ByPayment">The payment that it echoes.</param>
/// <param name="MerchantExists">The merchant that it echoes is one of ours.</param>
public sealed record ChargeKnowledge(bool ReferenceKnown, bool Suspended, Owned? ByAttempt, Provider? AttemptProvider, Owned? ByPayment, bool MerchantExists);

/// <param name="Payment">The payment to be told.</param>
public sealed record ChargeDecision(ChargeVerdict Verdict, Owned? Payment = null);

/// <summary>
/// Which of a provider's charges are ours: a table whose first row that fits decides, repeated in <c>docs/recovery-rules.md</c>.
/// Echoed numbers are believed only where merchant, mode and provider fit what stands here.
/// </summary>
public static class ChargeMatching
{
    private static readonly (ChargeVerdict Verdict, Func<ProviderCharge, ChargeKnowledge, bool> Fits, Func<ChargeKnowledge, Owned?> Payment)[] Table =
    [
        (ChargeVerdict.Ignore,  (charge, _) => !charge.Counts,                                                                            _ => null),
        (ChargeVerdict.Known,   (_, known) => known.ReferenceKnown || known.Suspended,                                                    _ => null),
        (ChargeVerdict.Tell,    (charge, known) => Fits(charge, known.ByAttempt) && known.AttemptProvider == charge.Provider,             known => known.ByAttempt),
        (ChargeVerdict.Suspend, (_, known) => known.ByAttempt is not null,                                                                _ => null),
        (ChargeVerdict.Tell,    (charge, known) => Fits(charge, known.ByPayment) && charge.MerchantId is not null,                        known => known.ByPayment),
        (ChargeVerdict.Suspend, (_, known) => known.ByPayment is not null,                                                                _ => null),
        (ChargeVerdict.Recover, (charge, known) => charge.MerchantId is not null && known.MerchantExists,                                 _ => null),
        (ChargeVerdict.Suspend, (_, _) => true,                                                                                           _ => null),
    ];

    public static ChargeDecision Decide(ProviderCharge charge, ChargeKnowledge known)
    {
        ArgumentNullException.ThrowIfNull(charge);
        ArgumentNullException.ThrowIfNull(known);
        foreach (var (verdict, fits, payment) in Table)
        {
            if (fits(charge, known))
            {
                return new ChargeDecision(verdict, payment(known));
            }
        }

        throw new InvariantException("the last row of the matching table fits every charge");
    }

    /// <summary>What a provider's list has and we do not know by name: each may be a phantom, and goes by the table.</summary>
    public static IReadOnlySet<string> Phantoms(IEnumerable<string> listed, IReadOnlySet<string> known) => listed.Where(l => !known.Contains(l)).ToHashSet(StringComparer.Ordinal);

    /// <summary>What we expect in a list and it does not have, by the same names.</summary>
    public static IReadOnlyList<string> Missing(IReadOnlyCollection<string> listed, IEnumerable<string> expected)
    {
        var has = listed as IReadOnlySet<string> ?? listed.ToHashSet(StringComparer.Ordinal);
        return [.. expected.Where(e => !has.Contains(e)).Distinct(StringComparer.Ordinal)];
    }

    private static bool Fits(ProviderCharge charge, Owned? owned) =>
        owned is not null && owned.Mode == charge.Mode && (charge.MerchantId is not { } echoed || echoed == owned.MerchantId);
}
