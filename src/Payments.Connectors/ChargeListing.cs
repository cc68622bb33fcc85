using Payments.Core;

namespace Payments.Connectors;

/// <summary>A stretch of a provider's charges by the time of their making, both ends included; newest first.</summary>
/// <param name="After">Goes on where a page ended.</param>
public sealed record ChargeListCall(DateTimeOffset From, DateTimeOffset Until, string? After = null);

/// <param name="Kind"><see cref="ReadBackKind.Found"/> with a page, however empty.</param>
/// <param name="Next">Where the next page begins; null after the last one.</param>
public sealed record ChargePage(ReadBackKind Kind, IReadOnlyList<ChargeMention> Charges, string? Next)
{
    public static ChargePage Without(ReadBackKind kind) => new(kind, [], null);
}

/// <summary>A charge that holds or took money, as a list shows it.</summary>
/// <param name="Reference">The provider's name of the payment, by which it is read in full.</param>
public sealed record ChargeMention(string Reference, AttemptId? AttemptId);

/// <param name="Charge">Null, where it was found, for one that our books cannot express: another mode, a currency we do not accept.</param>
public sealed record ChargeReading(ReadBackKind Kind, ProviderCharge? Charge = null);
