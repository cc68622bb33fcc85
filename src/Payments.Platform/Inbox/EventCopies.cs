using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Payments.Platform.Outbox;

namespace Payments.Platform.Inbox;

/// <summary>
/// A consumer's own copy of what it applied: the log's replica, from which a publisher that was restored to an earlier moment gets back
/// what it has lost.
/// </summary>
internal sealed class EventCopies(NpgsqlDataSource database)
{
    /// <summary>Keeps the rows in the transaction that applies them; what is kept already stays.</summary>
    public static async Task KeepAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, string consumer, string publisher, IReadOnlyList<OutboxRow> rows, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("""
            INSERT INTO event_copies (consumer, publisher, partition, seq, id, type, subject, merchant_id, mode, version, occurred_at, data, traceparent)
            SELECT $1, $2, e.* FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) AS e
            ON CONFLICT DO NOTHING
            """, connection, transaction);
        command.Parameters.Add(new() { Value = consumer });
        command.Parameters.Add(new() { Value = publisher });
        command.Parameters.Add(new() { Value = rows.Select(r => r.Partition).ToArray() });
        command.Parameters.Add(new() { Value = rows.Select(r => r.Sequence).ToArray() });
        OutboxColumns.Of(rows).AddTo(command.Parameters);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>At most <paramref name="limit"/> copies of a partition that follow number <paramref name="after"/>, in order.</summary>
    public async Task<IReadOnlyList<OutboxRow>> ReadAsync(string consumer, string publisher, int partition, long after, int limit, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"""
            SELECT {OutboxReader.Columns} FROM event_copies
            WHERE consumer = $1 AND publisher = $2 AND partition = $3 AND seq > $4 ORDER BY seq LIMIT $5
            """);
        command.Parameters.Add(new() { Value = consumer });
        command.Parameters.Add(new() { Value = publisher });
        command.Parameters.Add(new() { Value = partition });
        command.Parameters.Add(new() { Value = after });
        command.Parameters.Add(new() { Value = limit });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await OutboxReader.RowsAsync(reader, cancellationToken);
    }

    /// <summary>Removes copies older than the publisher's own retention, in bites; returns how many.</summary>
    public async Task<int> ExpireAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            DELETE FROM event_copies WHERE (consumer, publisher, partition, seq) IN (
                SELECT consumer, publisher, partition, seq FROM event_copies WHERE applied_at < now() - interval '35 days' LIMIT 5000)
            """);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }
}

/// <summary>Removes copies that are too old to be of use.</summary>
internal sealed class EventCopyExpiry(EventCopies copies, TimeProvider time, ILogger<EventCopyExpiry> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var untraced = Untraced.Begin();
        await Rounds.RunAsync(
            Interval, time,
            async cancellationToken =>
            {
                while (await copies.ExpireAsync(cancellationToken) > 0)
                {
                    // More may be left.
                }
            },
            e => InboxLog.CopiesNotExpired(logger, e), stoppingToken);
    }
}
