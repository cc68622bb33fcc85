using Payments.Platform.Outbox;

namespace Payments.Platform.Inbox;

/// <summary>How an event stands to what was applied of its partition.</summary>
internal enum Succession
{
    /// <summary>Applied before: to be dropped.</summary>
    Old,

    /// <summary>The very next one.</summary>
    Next,

    /// <summary>Others must come first; they and this one are wanted from the log.</summary>
    Ahead,
}

/// <summary>
/// The rule by which a consumer follows a numbered log: what is old is dropped, what follows on is applied, what was skipped is
/// fetched from the log itself. It only decides; reading, applying and keeping positions are the consumer's.
/// </summary>
internal sealed class LogSequence
{
    /// <summary>The last number known to exist in each partition; what is not applied of it is refilled, whatever became of the message.</summary>
    private readonly long[] wanted = new long[LogicalPartition.Count];
    private IReadOnlyList<long> headsBefore = new long[LogicalPartition.Count];
    private bool quiet = true;

    public long LastWanted(int partition) => wanted[partition];

    /// <summary>Something came from the broker since the last poll of the heads.</summary>
    public void Heard() => quiet = false;

    /// <param name="last">The last number of each partition that is applied or about to be; moved on by what follows on.</param>
    public Succession Take(int partition, long sequence, long[] last)
    {
        if (sequence <= last[partition])
        {
            return Succession.Old;
        }

        wanted[partition] = Math.Max(wanted[partition], sequence);
        if (sequence > last[partition] + 1)
        {
            return Succession.Ahead;
        }

        last[partition]++;
        return Succession.Next;
    }

    /// <summary>Partitions of which something is known to exist and is not applied.</summary>
    public IReadOnlyList<int> Missing(ConsumerPosition position) =>
        position.HaltedBecause is null ? [.. Enumerable.Range(0, wanted.Length).Where(p => wanted[p] > position.Sequences[p])] : [];

    /// <summary>
    /// What the publisher had at the last poll and is still missing was lost; what it has now is in flight, unless nothing arrives
    /// at all.
    /// </summary>
    public void Polled(OutboxHeads heads)
    {
        for (var p = 0; p < wanted.Length; p++)
        {
            wanted[p] = Math.Max(wanted[p], quiet ? heads.Sequences[p] : headsBefore[p]);
        }

        (headsBefore, quiet) = (heads.Sequences, true);
    }

    /// <summary>
    /// The log goes on in a new epoch, and everything that was applied here is in it: the two are the same up to there.
    /// </summary>
    public static bool GoesOn(ConsumerPosition position, OutboxHeads heads) =>
        heads.Epoch != position.Epoch
        && heads.Former.FirstOrDefault(f => f.Epoch == position.Epoch) is { } former
        && former.Sequences.Zip(position.Sequences).All(p => p.Second <= p.First)
        && heads.Sequences.Zip(position.Sequences).All(p => p.Second <= p.First);

    /// <summary>Why these heads belong to another log than the one applied here; null where they do not.</summary>
    public static string? AnotherLog(ConsumerPosition position, OutboxHeads heads)
    {
        if (heads.Epoch != position.Epoch)
        {
            return AnotherEpoch(position, heads.Epoch);
        }

        for (var p = 0; p < heads.Sequences.Count; p++)
        {
            if (heads.Sequences[p] < position.Sequences[p])
            {
                return $"The publisher's head of partition {p} is {heads.Sequences[p]}, this consumer has applied {position.Sequences[p]}.";
            }
        }

        return null;
    }

    /// <summary>Why this page cannot follow on what is applied; null where it can.</summary>
    public static string? Broken(ConsumerPosition position, int partition, OutboxPage page)
    {
        var next = position.Sequences[partition] + 1;
        return page.Epoch != position.Epoch ? AnotherEpoch(position, page.Epoch)
            : page.Rows.Count == 0 || page.Rows[0].Sequence != next ? $"The publisher's log has no event {next} in partition {partition} any more."
            : null;
    }

    private static string AnotherEpoch(ConsumerPosition position, Guid epoch) =>
        $"The publisher's epoch is {epoch}, this consumer has applied epoch {position.Epoch}.";
}
