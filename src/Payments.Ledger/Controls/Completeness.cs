using Npgsql;
using Payments.Core;
using Payments.Core.Events;
using Payments.Ledger.Books;
using Payments.Ledger.Chain;
using Payments.Ledger.Closing;
using Payments.Platform.Inbox;
using Payments.Platform.Outbox;
using Payments.Platform.Postgres;
using EventId = Payments.Core.EventId;

namespace Payments.Ledger.Controls;

/// <summary>Where one partition stands.</summary>
/// <param name="Published">Last number that the publisher gave.</param>
/// <param name="Applied">The ledger's checkpoint.</param>
/// <param name="Examined">Up to where every event was compared with its journal.</param>
public sealed record PartitionProgress(int Partition, long Published, long Applied, long Examined);

/// <summary>
/// Compares payments and postings, event by event and in both directions: every event up to the ledger's checkpoint has exactly the
/// journal that the posting table gives it, every journal has its event, and what the books hold of a payment is what the payment
/// says of itself. The publisher's log, written with the payment, is the authority.
/// </summary>
public sealed class Completeness(NpgsqlDataSource database, IOutboxSource publisher, TimeProvider time, LedgerOptions options)
{
    public const string Missing = "journal_missing";
    public const string Differs = "journal_differs";
    public const string Unexpected = "journal_without_event";
    public const string Parked = "event_parked";
    public const string Totals = "payment_totals_differ";
    public const string Behind = "ledger_behind";
    public const string OtherLog = "publisher_changed";
    private const string Consumer = "ledger";
    private const int PageSize = 500;
    private readonly Dictionary<int, (long Applied, DateTimeOffset Since)> waiting = [];

    /// <summary>Findings of single events: they are looked at again where their reference points.</summary>
    public static IReadOnlyList<string> EventKinds { get; } = [Missing, Differs, Unexpected, Parked, Totals];

    /// <summary>Findings of whole partitions: they go when they are not seen any more.</summary>
    public static IReadOnlyList<string> PartitionKinds { get; } = [Behind, OtherLog];

    /// <exception cref="OutboxUnavailableException">The publisher does not answer now.</exception>
    public async Task<IReadOnlyList<PartitionProgress>> ProgressAsync(CancellationToken cancellationToken)
    {
        var heads = await publisher.HeadsAsync(cancellationToken);
        var positions = await PositionsAsync(cancellationToken);
        return [.. heads.Sequences.Select((published, partition) =>
            positions.GetValueOrDefault(partition) is { } at ? new PartitionProgress(partition, published, at.Applied, at.Examined) : new(partition, published, 0, 0))];
    }

    /// <summary>Whether the ledger keeps up with the publisher, and whether it is still the same publisher's log.</summary>
    /// <exception cref="OutboxUnavailableException">The publisher does not answer now.</exception>
    public async Task<IReadOnlyList<Finding>> ExamineProgressAsync(CancellationToken cancellationToken)
    {
        var positions = await PositionsAsync(cancellationToken);
        var heads = await publisher.HeadsAsync(cancellationToken);
        var (found, now) = (new List<Finding>(), time.GetUtcNow());
        for (var partition = 0; partition < heads.Sequences.Count; partition++)
        {
            var (applied, head) = (positions.GetValueOrDefault(partition)?.Applied ?? 0, heads.Sequences[partition]);
            if (positions.GetValueOrDefault(partition) is { } at && (at.Epoch != heads.Epoch || applied > head))
            {
                found.Add(new(OtherLog, $"partition {partition}", $"The ledger has applied {applied} events of log {at.Epoch}, the publisher has {head} of log {heads.Epoch}."));
            }

            if (applied >= head)
            {
                waiting.Remove(partition);
            }
            else if (!waiting.TryGetValue(partition, out var stuck) || stuck.Applied != applied)
            {
                waiting[partition] = (applied, now);
            }
            else if (now - stuck.Since > TimeSpan.FromSeconds(options.LagSeconds))
            {
                found.Add(new(Behind, $"partition {partition}", $"The ledger stands at event {applied} of {head} since {stuck.Since:O}."));
            }
        }

        return found;
    }

    /// <summary>Compares the next events of a partition that the ledger has applied. Null when there are none left.</summary>
    /// <exception cref="OutboxUnavailableException">The publisher does not answer now.</exception>
    public async Task<IReadOnlyList<Finding>?> ExamineNextAsync(int partition, CancellationToken cancellationToken)
    {
        if ((await PositionsAsync(cancellationToken)).GetValueOrDefault(partition) is not { } position || position.Examined >= position.Applied)
        {
            return null;
        }

        var page = await publisher.ReadAsync(partition, position.Examined, PageSize, cancellationToken);
        var rows = page.Rows.Where(r => r.Sequence <= position.Applied).ToArray();
        if (page.Epoch != position.Epoch || rows.Length == 0)
        {
            return null;
        }

        // Numbers before the first row are beyond the publisher's retention: they were compared in their time.
        var found = await CompareAsync(partition, rows[0].Sequence - 1, rows, cancellationToken);
        await MarkAsync(partition, position.Epoch, rows[^1].Sequence, cancellationToken);
        return found;
    }

    /// <summary>Looks again at the event that an open finding came from: what is found there now.</summary>
    /// <exception cref="OutboxUnavailableException">The publisher does not answer now.</exception>
    public async Task<IReadOnlyList<Finding>> ExamineAgainAsync(RecordedFinding finding, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(finding);
        var place = finding.Reference?.Split('/') ?? throw new InvariantException($"a finding of kind {finding.Kind} says where it came from");
        var (partition, seq) = (int.Parse(place[0], System.Globalization.CultureInfo.InvariantCulture), long.Parse(place[1], System.Globalization.CultureInfo.InvariantCulture));
        var page = await publisher.ReadAsync(partition, seq - 1, 1, cancellationToken);
        return page.Rows is [{ } row, ..] && row.Sequence == seq
            ? await CompareAsync(partition, seq - 1, [row], cancellationToken)
            : [new(finding.Kind, finding.Subject, finding.Detail, finding.Reference)];
    }

    private async Task<List<Finding>> CompareAsync(int partition, long after, OutboxRow[] rows, CancellationToken cancellationToken)
    {
        var accounts = new AccountIds();
        var expected = rows.Select(r => Expected.Of(r, accounts)).ToArray();
        var parked = await ParkedAsync([.. rows.Select(r => r.Id)], cancellationToken);
        var posted = await PostedAsync(partition, after, rows[^1].Sequence, [.. rows.Select(r => r.Id)], cancellationToken);
        var found = new List<Finding>();
        foreach (var one in expected)
        {
            var (subject, reference) = (new EventId(one.Row.Id).ToString(), $"{partition}/{one.Row.Sequence}");
            var journal = posted.GetValueOrDefault(one.Row.Id).Content;
            if (parked.Contains(one.Row.Id))
            {
                found.Add(new(Parked, subject, $"An event of type {one.Row.Type} of payment {new PaymentId(one.Row.Subject)} waits among the dead letters.", reference));
            }
            else if (one.Content is null ? journal is not null : journal is not null && !one.Content.AsSpan().SequenceEqual(journal))
            {
                found.Add(new(Differs, subject, $"The journal is not what the posting table gives for an event of type {one.Row.Type}.", reference));
            }
            else if (one.Content is not null && journal is null)
            {
                found.Add(new(Missing, subject, $"An event of type {one.Row.Type} of payment {new PaymentId(one.Row.Subject)} was not posted.", reference));
            }
        }

        var known = rows.Select(r => r.Id).ToHashSet();
        found.AddRange(posted.Where(p => !known.Contains(p.Key)).Select(p =>
            new Finding(Unexpected, new JournalId(p.Key).ToString(), "The publisher's log has no event for this journal.", $"{partition}/{p.Value.EventSeq}")));
        found.AddRange(await CompareTotalsAsync(partition, expected, parked, cancellationToken));
        return found;
    }

    // The last event of each payment in the page says what was captured and refunded up to it; the books must say the same. Of
    // payments that began before the horizon they may not hold everything any more.
    private async Task<List<Finding>> CompareTotalsAsync(int partition, Expected[] page, HashSet<Guid> parked, CancellationToken cancellationToken)
    {
        var horizon = await Closings.HorizonAsync(database, cancellationToken) ?? DateTimeOffset.MinValue;
        var last = page.Where(e => e.Event is not null && !parked.Contains(e.Row.Id) && e.Event.Data.Payment.CreatedAt >= horizon)
            .GroupBy(e => e.Row.Subject).Select(g => g.Last()).ToArray();
        await using var batch = database.CreateKeyedBatch("""
            SELECT coalesce(sum(m.amount) FILTER (WHERE m.kind IN ('capture', 'capture_suspense')), 0)::bigint
                       - coalesce(sum(m.amount) FILTER (WHERE m.kind IN ('capture_reversal', 'capture_reversal_suspense')), 0)::bigint,
                   coalesce(sum(m.amount) FILTER (WHERE m.kind IN ('refund', 'refund_suspense')), 0)::bigint
                       - coalesce(sum(m.amount) FILTER (WHERE m.kind IN ('refund_reversal', 'refund_reversal_suspense')), 0)::bigint
            FROM unnest($1, $2) WITH ORDINALITY AS p (payment_id, seq, place)
            LEFT JOIN ledger.journals j ON j.payment_id = p.payment_id AND j.event_seq <= p.seq
            LEFT JOIN ledger.movements m ON m.journal_id = j.id
            GROUP BY p.place ORDER BY p.place
            """, last.Select(e => e.Row.Subject).ToArray(), last.Select(e => e.Row.Sequence).ToArray());
        var found = new List<Finding>();
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        for (var i = 0; await reader.ReadAsync(cancellationToken); i++)
        {
            var (captured, refunded, payment) = (reader.GetInt64(0), reader.GetInt64(1), last[i].Event!.Data.Payment);
            if (captured != payment.AmountCaptured || refunded != payment.AmountRefunded)
            {
                found.Add(new(
                    Totals, new PaymentId(last[i].Row.Subject).ToString(),
                    $"The payment says {payment.AmountCaptured} captured and {payment.AmountRefunded} refunded, the books say {captured} and {refunded}.",
                    $"{partition}/{last[i].Row.Sequence}"));
            }
        }

        return found;
    }

    /// <summary>Journals of a range of numbers, and of these events wherever they are: id and content.</summary>
    private async Task<Dictionary<Guid, (byte[]? Content, long EventSeq)>> PostedAsync(int partition, long after, long upTo, Guid[] ids, CancellationToken cancellationToken)
    {
        await using var batch = database.CreateKeyedBatch("""
            SELECT id, content_hash, event_seq FROM ledger.journals WHERE partition = $1 AND event_seq > $2 AND event_seq <= $3
            UNION
            SELECT id, content_hash, event_seq FROM ledger.journals WHERE id = ANY ($4) AND id BETWEEN $5 AND $6
            """, partition, after, upTo, ids, ids.Min(), ids.Max());
        var posted = new Dictionary<Guid, (byte[]? Content, long EventSeq)>();
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            posted[reader.GetGuid(0)] = (reader.GetFieldValue<byte[]>(1), reader.GetInt64(2));
        }

        return posted;
    }

    private async Task<HashSet<Guid>> ParkedAsync(Guid[] ids, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT event_id FROM dead_letters WHERE consumer = $1 AND replayed_at IS NULL AND event_id = ANY ($2)");
        command.Parameters.Add(new() { Value = Consumer });
        command.Parameters.Add(new() { Value = ids });
        var parked = new HashSet<Guid>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            parked.Add(reader.GetGuid(0));
        }

        return parked;
    }

    private async Task<Dictionary<int, Position>> PositionsAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            SELECT c.partition, c.epoch, c.seq, CASE WHEN m.epoch = c.epoch THEN m.seq ELSE 0 END
            FROM checkpoints c LEFT JOIN ledger.control_marks m ON m.control = 'completeness' AND m.partition = c.partition
            WHERE c.consumer = $1
            """);
        command.Parameters.Add(new() { Value = Consumer });
        var positions = new Dictionary<int, Position>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            positions.Add(reader.GetInt32(0), new(reader.GetGuid(1), reader.GetInt64(2), reader.GetInt64(3)));
        }

        return positions;
    }

    private async Task MarkAsync(int partition, Guid epoch, long seq, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            INSERT INTO ledger.control_marks (control, partition, epoch, seq) VALUES ('completeness', $1, $2, $3)
            ON CONFLICT (control, partition) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq
            """);
        command.Parameters.Add(new() { Value = partition });
        command.Parameters.Add(new() { Value = epoch });
        command.Parameters.Add(new() { Value = seq });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private sealed record Position(Guid Epoch, long Applied, long Examined);

    /// <param name="Event">Null where the row cannot be read.</param>
    /// <param name="Content">Null where nothing is to be posted.</param>
    private sealed record Expected(OutboxRow Row, PaymentEvent? Event, byte[]? Content)
    {
        public static Expected Of(OutboxRow row, AccountIds accounts)
        {
            try
            {
                var received = EventReading.Read(row);
                return new(row, received.Event, JournalDraft.Of(received.Event, row.Partition, row.Sequence) is { } draft ? JournalText.ContentHash(JournalContent.Of(draft, accounts)) : null);
            }
            catch (Exception e) when (e is InvalidEventException or InvariantException)
            {
                // It is among the dead letters, or else its journal will not be found to be missing: a content that no journal has.
                return new(row, null, []);
            }
        }
    }
}
