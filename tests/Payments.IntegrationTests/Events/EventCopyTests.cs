using System.Net.Http.Json;
using Npgsql;
using Payments.Core;
using Payments.Platform.Outbox;
using Xunit;

namespace Payments.IntegrationTests.Events;

/// <summary>What consumers keep for a publisher that may be restored to an earlier moment.</summary>
public sealed class EventCopyTests(EmbeddedServers servers)
{
    private const string Columns = "partition, seq, id, type, subject, merchant_id, mode, version, occurred_at, data, traceparent";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Copies_are_what_the_log_holds_byte_for_byte_whichever_way_they_are_kept()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var consumer = await bed.StartConsumerAsync("ledger");
        var payment = EventSamples.Ids.New<PaymentId>();
        await bed.WriteAsync([.. Enumerable.Range(1, 150).Select(version => EventSamples.Captured(payment, version))]);
        await AppendRawAsync(bed.Published, EventSamples.Ids.New<PaymentId>(), [0, 10, 13, 0xFF, (byte)'"', 10], null);
        await AppendRawAsync(bed.Published, payment, [], "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
        await bed.WritePaymentsAsync(10);
        await consumer.UntilAsync("SELECT sum(seq) = 172 FROM checkpoints", "all that was written");

        // Some as the version before kept them, and one in both ways.
        await consumer.Database.ExecuteAsync($"""
            INSERT INTO event_copies (consumer, publisher, {Columns}) SELECT consumer, publisher, {Columns} FROM kept_events WHERE first_seq % 3 = 1;
            DELETE FROM event_copy_pages WHERE first_seq % 3 = 1 AND first_seq > 1
            """, Cancelled);

        var written = await LogAsync(bed.Published);
        Assert.Equal(172, written.Count);
        Assert.Equal(written, await CopiesAsync(bed, consumer, "ledger"));
        Assert.Equal(0, await consumer.Database.ScalarAsync<long>("SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE relname = 'event_copy_pages'", Cancelled));
    }

    [Fact]
    public async Task Events_of_a_run_are_kept_in_a_fraction_of_their_size()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var written = await bed.WritePaymentsAsync(200);
        var consumer = await bed.StartConsumerAsync("ledger");
        await consumer.AppliedAsync(written.Count);

        const string Kept = "SELECT sum(pg_column_size(page))::float8 / sum(length(page)) FROM event_copy_pages WHERE last_seq - first_seq >= 7";
        Assert.InRange(await consumer.Database.ScalarAsync<double>(Kept, Cancelled), 0, 0.35);
    }

    [Fact]
    public async Task Copies_go_when_the_log_has_forgotten_their_events()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var consumer = await bed.StartConsumerAsync("ledger");
        var written = await bed.WritePaymentsAsync(5);
        await consumer.AppliedAsync(written.Count);
        await consumer.Database.ExecuteAsync($"""
            INSERT INTO event_copies (consumer, publisher, {Columns}, applied_at) SELECT consumer, publisher, {Columns}, now() - interval '36 days' FROM kept_events;
            UPDATE event_copy_pages SET applied_at = now() - interval '36 days'
            """, Cancelled);

        // They are looked for when a consumer starts.
        await bed.StartConsumerAsync("ledger", replicaOf: consumer);

        await consumer.UntilAsync("SELECT count(*) = 0 FROM kept_events", "their end");
    }

    /// <summary>As an event of any sort would be appended, whatever its data.</summary>
    private static async Task AppendRawAsync(NpgsqlDataSource published, PaymentId payment, byte[] data, string? traceParent)
    {
        await using var command = published.CreateCommand("SELECT outbox_append($1, $2, $3, $4, $5, $6, $7, $8, $9)");
        var row = new OutboxRow(0, 0, EventSamples.Ids.New<EventId>().Value, "payment.of\"another\nsort", payment.Value, EventSamples.Ids.New<MerchantId>().Value, "test", 999, TimeProvider.System.GetUtcNow(), data, traceParent);
        OutboxColumns.Of([row]).AddTo(command.Parameters);
        await command.ExecuteNonQueryAsync(Cancelled);
    }

    private static async Task<List<string>> LogAsync(NpgsqlDataSource published)
    {
        var rows = new List<string>();
        for (var partition = 0; partition < LogicalPartition.Count; partition++)
        {
            rows.AddRange((await new OutboxReader(published).ReadAsync(partition, 0, 1_000, Cancelled)).Rows.Select(Described));
        }

        return rows;
    }

    private static async Task<List<string>> CopiesAsync(EventTestBed bed, TestConsumer consumer, string name)
    {
        using var http = bed.InternalClient(consumer.Url);
        var rows = new List<string>();
        for (var partition = 0; partition < LogicalPartition.Count; partition++)
        {
            for (long after = 0; ;)
            {
                var some = await http.GetFromJsonAsync<OutboxRow[]>($"/internal/v1/ops/consumers/{name}/copies/{partition}?after={after}&limit=7", Json.Options, Cancelled);
                if (some!.Length == 0)
                {
                    break;
                }

                rows.AddRange(some.Select(Described));
                after = some[^1].Sequence;
            }
        }

        return rows;
    }

    private static string Described(OutboxRow row) => $"{row with { Data = [], OccurredAt = row.OccurredAt.ToUniversalTime() }} {Convert.ToHexString(row.Data)}";
}
