namespace Payments.Core.Seams;

/// <summary>
/// What reconciliation has of the ledger's exchange rates, told to <c>POST /internal/ledger/rates/after</c>: the newest version of each pair. The
/// answer is what came after it, some at a time; a pair that is not named is told from the beginning.
/// </summary>
public sealed record KnownRates(IReadOnlyList<KnownRate> Known);

/// <param name="Version">They are counted from 1 within a pair, without a gap.</param>
public sealed record KnownRate(string Base, string Quote, long Version);

/// <summary>The ledger's answer; empty when nothing is newer.</summary>
public sealed record LedgerRateList(IReadOnlyList<LedgerRate> Rates);

/// <param name="Rate">How many major units of <paramref name="Quote"/> one major unit of <paramref name="Base"/> is worth, from <paramref name="ValidFrom"/> until before <paramref name="ValidUntil"/>.</param>
public sealed record LedgerRate(string Base, string Quote, long Version, decimal Rate, string Source, DateTimeOffset ValidFrom, DateTimeOffset ValidUntil);
