namespace Payments.Core.Seams;

/// <summary>
/// A journal that the ledger has, for whoever is told of one and has to know that it exists: <c>GET /internal/ledger/journals/{id}</c>.
/// </summary>
/// <param name="Currencies">Those that it moves.</param>
public sealed record LedgerJournal(JournalId Journal, Mode Mode, IReadOnlyList<string> Currencies)
{
    /// <summary>The code of the ledger's answer where there is none.</summary>
    public const string NotFound = "journal_not_found";
}
