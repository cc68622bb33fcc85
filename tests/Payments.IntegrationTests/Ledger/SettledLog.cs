using Payments.Platform.Outbox;

namespace Payments.IntegrationTests.Ledger;

/// <summary>A publisher's log of which only the heads are asked for.</summary>
internal sealed class SettledLog : IOutboxSource
{
    private static readonly Guid Epoch = new("018f0000-0000-7000-8000-000000000001");

    public long[] Heads { get; } = new long[LogicalPartition.Count];

    public int Lag { get; set; }

    public void Posted(int partition, long seq) => Heads[partition] = Math.Max(Heads[partition], seq);

    public Task<OutboxHeads> HeadsAsync(CancellationToken cancellationToken) =>
        Task.FromResult(new OutboxHeads(Epoch, [.. Heads.Select(h => Math.Max(0, h - Lag))]));

    public Task<OutboxPage> ReadAsync(int partition, long after, int limit, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task ReportAsync(string consumer, ConsumerProgress progress, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>As if the ledger had applied and compared everything.</summary>
    public async Task ProveAsync(LedgerDatabase books, CancellationToken cancellationToken)
    {
        var heads = string.Join(',', Heads);
        await books.ExecuteAsync($"""
            INSERT INTO checkpoints (consumer, publisher, epoch, partition, seq)
            SELECT 'ledger', 'api', '{Epoch}', place - 1, seq FROM unnest(ARRAY[{heads}]::bigint[]) WITH ORDINALITY AS h (seq, place)
            ON CONFLICT (consumer, publisher, partition) DO UPDATE SET seq = excluded.seq;
            INSERT INTO ledger.control_marks (control, partition, epoch, seq)
            SELECT 'completeness', place - 1, '{Epoch}', seq FROM unnest(ARRAY[{heads}]::bigint[]) WITH ORDINALITY AS h (seq, place)
            ON CONFLICT (control, partition) DO UPDATE SET seq = excluded.seq
            """, cancellationToken);
    }
}
