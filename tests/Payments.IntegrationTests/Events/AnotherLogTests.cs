using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;
using Payments.Platform.Inbox;
using Xunit;

namespace Payments.IntegrationTests.Events;

public sealed class AnotherLogTests(EmbeddedServers servers)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_log_of_another_epoch_stops_the_consumer_for_good()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var consumer = await bed.StartConsumerAsync("ledger");
        var written = await bed.WritePaymentsAsync(5);
        await consumer.AppliedAsync(written.Count);

        await bed.ReplacePublishedAsync();
        await bed.WritePaymentsAsync(20);
        await HaltedAsync(bed, consumer, "epoch");
        await consumer.StopAsync();
        var restarted = await bed.StartConsumerAsync("ledger", replicaOf: consumer);
        await HaltedAsync(bed, restarted, "epoch");

        await restarted.AssertExactlyOnceAsync(written);
    }

    [Fact]
    public async Task A_log_that_became_shorter_stops_the_consumer_even_after_it_has_grown_again()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var consumer = await bed.StartConsumerAsync("ledger");
        var written = await bed.WritePaymentsAsync(20);
        await consumer.AppliedAsync(written.Count);

        var epoch = await bed.Published.ScalarAsync<Guid>("SELECT epoch FROM outbox_heads LIMIT 1", Cancelled);
        await bed.ReplacePublishedAsync(epoch);
        await HaltedAsync(bed, consumer, "head of partition");
        await bed.WritePaymentsAsync(60);
        await consumer.StopAsync();
        var restarted = await bed.StartConsumerAsync("ledger", replicaOf: consumer);
        await HaltedAsync(bed, restarted, "head of partition");

        await restarted.AssertExactlyOnceAsync(written);
    }

    [Fact]
    public async Task A_consumer_that_was_resumed_while_nothing_was_put_right_halts_again()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var consumer = await bed.StartConsumerAsync("ledger");
        var written = await bed.WritePaymentsAsync(5);
        await consumer.AppliedAsync(written.Count);
        await bed.ReplacePublishedAsync();
        await HaltedAsync(bed, consumer, "epoch");
        var before = await consumer.Database.ScalarAsync<DateTime>("SELECT halted_at FROM event_consumers", Cancelled);

        using var http = bed.InternalClient(consumer.Url);
        using var answer = await http.PostAsync("/internal/v1/ops/consumers/ledger/resume", null, Cancelled);

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        await consumer.UntilAsync($"SELECT halted_at > '{before:O}'::timestamptz FROM event_consumers", "the second halt");
        var views = await http.GetFromJsonAsync<JsonElement>("/internal/v1/ops/consumers", Cancelled);
        var view = views.GetProperty("data")[0];
        Assert.Equal(("ledger", 10), (view.GetProperty("name").GetString(), view.GetProperty("applied").GetInt64()));
    }

    [Fact]
    public async Task A_consumer_that_was_resumed_after_the_log_was_put_right_goes_on()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var consumer = await bed.StartConsumerAsync("ledger");
        var written = (await bed.WritePaymentsAsync(5)).ToList();
        await consumer.AppliedAsync(written.Count);
        await consumer.Database.ExecuteAsync("UPDATE event_consumers SET halted_at = now(), halted_because = 'A drill.'", Cancelled);
        await HaltedAsync(bed, consumer, "A drill.");
        written.AddRange(await bed.WritePaymentsAsync(5));

        using var http = bed.InternalClient(consumer.Url);
        using var answer = await http.PostAsync("/internal/v1/ops/consumers/ledger/resume", null, Cancelled);

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        await consumer.AppliedAsync(written.Count);
        await consumer.AssertExactlyOnceAsync(written);
    }

    [Fact]
    public async Task A_log_that_goes_on_in_another_epoch_is_followed_and_nothing_is_applied_twice()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var consumer = await bed.StartConsumerAsync("ledger");
        var written = (await bed.WritePaymentsAsync(10)).ToList();
        await consumer.AppliedAsync(written.Count);

        await bed.Published.ExecuteAsync("SELECT outbox_close('a drill')", Cancelled);
        var refused = await Assert.ThrowsAsync<PostgresException>(() => bed.WritePaymentsAsync(1));
        await bed.Published.ExecuteAsync("SELECT outbox_new_epoch('a drill')", Cancelled);
        written.AddRange(await bed.WritePaymentsAsync(10));

        Assert.Equal(PostgresErrorCodes.ObjectNotInPrerequisiteState, refused.SqlState);
        await consumer.AppliedAsync(written.Count);
        await consumer.AssertExactlyOnceAsync(written);
        await consumer.UntilAsync("SELECT bool_and(halted_at IS NULL) FROM event_consumers", "going on");
        Assert.Equal(written.Count, await consumer.Database.ScalarAsync<long>("SELECT count(*) FROM kept_events", Cancelled));
    }

    [Fact]
    public async Task A_log_that_goes_on_without_what_was_applied_is_not_followed_until_it_is_put_back()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var consumer = await bed.StartConsumerAsync("ledger");
        var written = await bed.WritePaymentsAsync(10);
        await consumer.AppliedAsync(written.Count);
        await bed.Published.ExecuteAsync("""
            BEGIN; ALTER TABLE outbox DISABLE TRIGGER outbox_keeps; ALTER TABLE outbox_heads DISABLE TRIGGER outbox_heads_grow;
            SELECT outbox_close('a drill');
            DELETE FROM outbox AS o USING outbox_heads AS h WHERE o.partition = h.partition AND o.seq = h.seq;
            UPDATE outbox_heads SET seq = seq - 1 WHERE seq > 0;
            ALTER TABLE outbox ENABLE TRIGGER outbox_keeps; ALTER TABLE outbox_heads ENABLE TRIGGER outbox_heads_grow;
            SELECT outbox_new_epoch('too early'); COMMIT
            """, Cancelled);

        await HaltedAsync(bed, consumer, "epoch");

        await consumer.AssertExactlyOnceAsync(written);
        await Assert.ThrowsAsync<PostgresException>(() => bed.Published.ExecuteAsync("UPDATE outbox_heads SET epoch = gen_random_uuid()", Cancelled));
    }

    [Fact]
    public async Task Events_that_retention_took_before_they_were_applied_stop_the_consumer()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        await bed.WritePaymentsAsync(20);
        await bed.Published.ExecuteAsync("""
            BEGIN; ALTER TABLE outbox DISABLE TRIGGER outbox_keeps; DELETE FROM outbox WHERE seq = 1;
            ALTER TABLE outbox ENABLE TRIGGER outbox_keeps; COMMIT
            """, Cancelled);

        var consumer = await bed.StartConsumerAsync("ledger", withKafka: false);

        await HaltedAsync(bed, consumer, "has no event 1 in partition");
    }

    [Fact]
    public async Task A_new_consumer_may_begin_at_the_beginning_now_or_at_the_position_of_a_snapshot()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var first = await bed.WritePaymentsAsync(5);
        var epoch = await bed.Published.ScalarAsync<Guid>("SELECT epoch FROM outbox_heads LIMIT 1", Cancelled);
        var snapshot = await bed.Published.ScalarAsync<long[]>("SELECT array_agg(seq ORDER BY partition) FROM outbox_heads", Cancelled);
        var second = await bed.WritePaymentsAsync(5);

        var all = await bed.StartConsumerAsync("all");
        var later = await bed.StartConsumerAsync("later", startAt: StartAt.Position(epoch, snapshot));
        var fresh = await bed.StartConsumerAsync("fresh", startAt: StartAt.Now);
        await fresh.UntilAsync("SELECT count(*) = 16 FROM checkpoints", "registration");
        var third = await bed.WritePaymentsAsync(5);

        foreach (var (consumer, expected) in new[] { (all, first.Concat(second).Concat(third)), (later, second.Concat(third)), (fresh, third) })
        {
            await consumer.AppliedAsync(expected.Count());
            await consumer.AssertExactlyOnceAsync(expected);
        }
    }

    [Fact]
    public async Task Consumers_report_their_progress_and_so_hold_retention_back()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var consumer = await bed.StartConsumerAsync("ledger");

        var written = await bed.WritePaymentsAsync(5);
        await consumer.AppliedAsync(written.Count);

        while (await bed.Published.ScalarAsync<bool>("SELECT COALESCE(sum(seq), 0) < 10 FROM outbox_consumers WHERE consumer = 'ledger'", Cancelled))
        {
            await Task.Delay(50, Cancelled);
        }
    }

    [Theory]
    [InlineData("/internal/v1/outbox/heads")]
    [InlineData("/internal/v1/outbox/0")]
    public async Task The_log_is_not_read_without_the_internal_key(string path)
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        using var http = new HttpClient { BaseAddress = bed.PublisherUrl };

        using var answer = await http.GetAsync(path, Cancelled);

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    /// <summary>Waits until the consumer is unhealthy, durably and for the given reason.</summary>
    private static async Task HaltedAsync(EventTestBed bed, TestConsumer consumer, string because)
    {
        await consumer.UntilAsync($"SELECT COALESCE(halted_because LIKE '%{because}%', false) FROM event_consumers", "the halt");
        using var http = bed.InternalClient(consumer.Url);
        async Task<HttpStatusCode> HealthAsync()
        {
            using var health = await http.GetAsync("/health", Cancelled);
            return health.StatusCode;
        }

        while (await HealthAsync() != HttpStatusCode.ServiceUnavailable)
        {
            await Task.Delay(50, Cancelled);
        }
    }
}
