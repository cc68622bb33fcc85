using Payments.Core;
using Payments.Core.Events;
using Payments.Ledger.Books;

namespace Payments.Simulation.World;

/// <summary>The ledger's journals as its database keeps them: one per event, for ever.</summary>
internal sealed class Books
{
    private readonly Dictionary<JournalId, JournalDraft> journals = [];

    public IEnumerable<JournalDraft> Journals => journals.Values;

    public void Post(PaymentEvent happened, int partition, long sequence)
    {
        if (JournalDraft.Of(happened, partition, sequence) is { } journal)
        {
            journals.TryAdd(journal.Id, journal);
        }
    }
}
