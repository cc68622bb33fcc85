namespace Payments.Core;

/// <summary>
/// Ids as banks take them. References of a payment have Latin letters, digits and a few signs, to which the underscore does not belong; some
/// banks give them back in capitals.
/// </summary>
public static class BankReference
{
    public static string Of<TId>(TId id)
        where TId : struct, IId<TId> => Id.Format(TId.Prefix, id.Value).Replace('_', '-');

    public static bool TryRead<TId>(string? text, out TId id)
        where TId : struct, IId<TId> => Id.TryParse(text?.Trim().ToLowerInvariant().Replace('-', '_'), out id);
}
