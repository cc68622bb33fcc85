using Npgsql;
using Payments.Core;
using Payments.Ledger.Books;
using Payments.Platform.Inbox;

namespace Payments.Ledger;

/// <summary>Posts payment events: the consumer <c>ledger</c>, in the transaction that advances its checkpoint.</summary>
public sealed class LedgerPosting(LedgerMetrics metrics, ILogger<LedgerPosting> logger) : IEventHandler
{
    public async Task ApplyAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyList<ReceivedEvent> batch, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var journals = batch.Select(e => JournalDraft.Of(e.Event, e.Partition, e.Sequence)).OfType<JournalDraft>().ToArray();
        using var span = LedgerTelemetry.Source.StartActivity("ledger.post");
        span?.SetTag("ledger.journals", journals.Length);

        var verdicts = await JournalWriter.PostAsync(connection, transaction, journals, cancellationToken);
        for (var i = 0; i < journals.Length; i++)
        {
            var (journal, verdict) = (journals[i], verdicts[i]);
            metrics.Judged(verdict, journal);
            switch (verdict)
            {
                case PostingVerdict.Posted or PostingVerdict.Duplicate:
                    break;
                case PostingVerdict.Conflict:
                    // The books keep what was posted first; the finding is written in this transaction and a person decides.
                    Log.Conflict(logger, journal.Id.ToString(), journal.PaymentId.ToString(), journal.EventType);
                    break;
                default:
                    throw new InvariantException($"journal {journal.Id} of event type {journal.EventType} can be posted (verdict {verdict})");
            }
        }
    }
}
