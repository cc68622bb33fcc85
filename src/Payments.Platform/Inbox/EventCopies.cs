using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Payments.Platform.Outbox;

namespace Payments.Platform.Inbox;

/// <summary>
/// A consumer's own copy of what it applied: the log's replica, from which a publisher that was restored to an earlier moment gets back
/// what it has lost. Kept in pages, whose form the migration tells, and read as rows (view <c>kept_events</c>).
/// </summary>
internal sealed class EventCopies(NpgsqlDataSource database)
{
    /// <summary>Data of a page. Compressed it is some five times less, so that the page stays in its row.</summary>
    private const int MostBytes = 24_000;

    private const int MostRows = 100;
    private static readonly JsonWriterOptions Line = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Keeps the rows, a gapless run in each partition, in the transaction that applies them; a page that is kept already stays.</summary>
    public static NpgsqlBatchCommand Keep(string consumer, string publisher, IReadOnlyList<OutboxRow> rows)
    {
        var pages = rows.GroupBy(r => r.Partition).SelectMany(Pages).ToArray();
        return new NpgsqlBatchCommand("""
            INSERT INTO event_copy_pages (consumer, publisher, partition, first_seq, last_seq, page)
            SELECT $1, $2, p.* FROM unnest($3, $4, $5, $6) AS p
            ON CONFLICT DO NOTHING
            """)
        {
            Parameters =
            {
                new() { Value = consumer },
                new() { Value = publisher },
                new() { Value = Array.ConvertAll(pages, p => p[0].Partition) },
                new() { Value = Array.ConvertAll(pages, p => p[0].Sequence) },
                new() { Value = Array.ConvertAll(pages, p => p[^1].Sequence) },
                new() { Value = Array.ConvertAll(pages, Write) },
            },
        };
    }

    /// <summary>The copies that are kept of the <paramref name="count"/> events of a partition that follow number <paramref name="after"/>, in order.</summary>
    public async Task<IReadOnlyList<OutboxRow>> ReadAsync(string consumer, string publisher, int partition, long after, int count, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"""
            SELECT DISTINCT ON (seq) {OutboxReader.Columns} FROM kept_events
            WHERE consumer = $1 AND publisher = $2 AND partition = $3
                AND last_seq > $4 AND last_seq < $4 + $5 + {MostRows} AND first_seq <= $4 + $5 AND seq > $4 AND seq <= $4 + $5
            ORDER BY seq, applied_at
            """);
        command.Parameters.Add(new() { Value = consumer });
        command.Parameters.Add(new() { Value = publisher });
        command.Parameters.Add(new() { Value = partition });
        command.Parameters.Add(new() { Value = after });
        command.Parameters.Add(new() { Value = (long)count });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await OutboxReader.RowsAsync(reader, cancellationToken);
    }

    /// <summary>Removes copies older than the publisher's own retention, in bites; returns how many rows and pages.</summary>
    public async Task<int> ExpireAsync(CancellationToken cancellationToken)
    {
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(new("""
            DELETE FROM event_copies WHERE (consumer, publisher, partition, seq) IN (
                SELECT consumer, publisher, partition, seq FROM event_copies WHERE applied_at < now() - interval '35 days' LIMIT 5000)
            """));
        batch.BatchCommands.Add(new("""
            DELETE FROM event_copy_pages WHERE (consumer, publisher, partition, last_seq) IN (
                SELECT consumer, publisher, partition, last_seq FROM event_copy_pages WHERE applied_at < now() - interval '35 days' LIMIT 5000)
            """));
        return await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    private static IEnumerable<OutboxRow[]> Pages(IEnumerable<OutboxRow> run)
    {
        var (page, bytes) = (new List<OutboxRow>(), 0);
        foreach (var row in run)
        {
            if (page.Count == MostRows || (page.Count > 0 && bytes + row.Data.Length > MostBytes))
            {
                yield return [.. page];
                page.Clear();
                bytes = 0;
            }

            page.Add(row);
            bytes += row.Data.Length;
        }

        yield return [.. page];
    }

    private static byte[] Write(OutboxRow[] rows)
    {
        var page = new ArrayBufferWriter<byte>(rows.Sum(r => r.Data.Length + 400));
        using var line = new Utf8JsonWriter(page, Line);
        foreach (var row in rows)
        {
            line.WriteStartArray();
            line.WriteNumberValue(row.Sequence);
            line.WriteStringValue(row.Id);
            line.WriteStringValue(row.Type);
            line.WriteStringValue(row.Subject);
            line.WriteStringValue(row.MerchantId);
            line.WriteStringValue(row.Mode);
            line.WriteNumberValue(row.Version);
            line.WriteStringValue(row.OccurredAt);
            line.WriteStringValue(row.TraceParent);
            line.WriteNumberValue(row.Data.Length);
            line.WriteEndArray();
            line.Flush();
            line.Reset();
            page.Write("\n"u8);
            page.Write(row.Data);
            page.Write("\n"u8);
        }

        return page.WrittenSpan.ToArray();
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
