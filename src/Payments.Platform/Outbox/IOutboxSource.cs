namespace Payments.Platform.Outbox;

/// <summary>
/// The publisher's log as its consumers see it, over HTTP or in process. It is the authority; Kafka only carries copies.
/// </summary>
public interface IOutboxSource
{
    /// <exception cref="OutboxUnavailableException">It does not answer now.</exception>
    Task<OutboxHeads> HeadsAsync(CancellationToken cancellationToken);

    /// <summary>At most <paramref name="limit"/> events of a partition that follow number <paramref name="after"/>, in order.</summary>
    /// <exception cref="OutboxUnavailableException">It does not answer now.</exception>
    Task<OutboxPage> ReadAsync(int partition, long after, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Tells how far a consumer has come, which also registers it: from then on no event goes before the consumer has applied it.
    /// </summary>
    /// <exception cref="OutboxUnavailableException">It does not answer now.</exception>
    Task ReportAsync(string consumer, ConsumerProgress progress, CancellationToken cancellationToken);
}

/// <summary>How long the log is.</summary>
/// <param name="Epoch">Names the log; another one means that the publisher's database was made anew.</param>
/// <param name="Sequences">The last number given in each logical partition.</param>
public sealed record OutboxHeads(Guid Epoch, IReadOnlyList<long> Sequences)
{
    /// <summary>The epochs that this log goes on from, newest first.</summary>
    public IReadOnlyList<FormerEpoch> Former { get; init; } = [];
}

/// <summary>An epoch that ended when the publisher's database was restored.</summary>
/// <param name="Sequences">Up to these numbers the log is the same in this epoch and in the later ones.</param>
public sealed record FormerEpoch(Guid Epoch, IReadOnlyList<long> Sequences);

/// <summary>A part of the log.</summary>
public sealed record OutboxPage(Guid Epoch, IReadOnlyList<OutboxRow> Rows);

/// <param name="Sequences">The last number applied in each logical partition.</param>
public sealed record ConsumerProgress(Guid Epoch, IReadOnlyList<long> Sequences);

/// <summary>An event as it is stored and carried: its data is still the bytes that were written.</summary>
public sealed record OutboxRow(
    int Partition,
    long Sequence,
    Guid Id,
    string Type,
    Guid Subject,
    Guid MerchantId,
    string Mode,
    long Version,
    DateTimeOffset OccurredAt,
    byte[] Data,
    string? TraceParent);

/// <summary>The publisher's log cannot be read now; trying later is right.</summary>
public sealed class OutboxUnavailableException(string message, Exception? inner) : Exception(message, inner);
