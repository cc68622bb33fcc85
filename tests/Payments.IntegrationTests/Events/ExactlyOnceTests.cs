using Confluent.Kafka;
using Payments.Core;
using Payments.Platform;
using Payments.Platform.Kafka;
using Payments.Platform.Outbox;
using Xunit;

namespace Payments.IntegrationTests.Events;

public sealed class ExactlyOnceTests(EmbeddedServers servers)
{
    [Fact]
    public async Task Every_event_takes_effect_once_in_every_consumer()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var (ledger, webhooks) = (await bed.StartConsumerAsync("ledger"), await bed.StartConsumerAsync("webhooks"));

        var written = await bed.WritePaymentsAsync(100);

        foreach (var consumer in new[] { ledger, webhooks })
        {
            await consumer.AppliedAsync(written.Count);
            await consumer.AssertExactlyOnceAsync(written);
        }
    }

    [Fact]
    public async Task A_broker_that_is_wiped_under_traffic_loses_and_doubles_nothing()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var (ledger, webhooks) = (await bed.StartConsumerAsync("ledger"), await bed.StartConsumerAsync("webhooks"));
        var writing = bed.WritePaymentsAsync(600);
        foreach (var applied in new[] { 100, 500, 900 })
        {
            await ledger.AppliedAsync(applied);
            bed.Broker.Wipe();
        }

        var written = await writing;

        foreach (var consumer in new[] { ledger, webhooks })
        {
            await consumer.AppliedAsync(written.Count);
            await consumer.AssertExactlyOnceAsync(written);
        }
    }

    [Fact]
    public async Task A_broker_that_is_wiped_when_quiet_just_after_the_last_event_loses_nothing()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var consumer = await bed.StartConsumerAsync("ledger");
        var written = (await bed.WritePaymentsAsync(20)).ToList();
        await consumer.AppliedAsync(written.Count);
        await consumer.StopAsync();
        written.AddRange(await bed.WritePaymentsAsync(5));
        await ProducedAsync(bed);

        bed.Broker.Wipe();
        var restarted = await bed.StartConsumerAsync("ledger", replicaOf: consumer);

        await restarted.AppliedAsync(written.Count);
        await restarted.AssertExactlyOnceAsync(written);
    }

    [Fact]
    public async Task Without_any_broker_events_take_effect_from_the_publishers_log()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var consumer = await bed.StartConsumerAsync("ledger", withKafka: false);

        var written = (await bed.WritePaymentsAsync(30)).ToList();
        await consumer.AppliedAsync(written.Count);
        written.AddRange(await bed.WritePaymentsAsync(30));

        await consumer.AppliedAsync(written.Count);
        await consumer.AssertExactlyOnceAsync(written);
    }

    [Fact]
    public async Task A_broker_that_is_away_for_a_while_stops_nobody()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var consumer = await bed.StartConsumerAsync("ledger");
        var written = (await bed.WritePaymentsAsync(20)).ToList();
        await consumer.AppliedAsync(written.Count);

        bed.Broker.CutOff();
        written.AddRange(await bed.WritePaymentsAsync(20));
        await consumer.AppliedAsync(written.Count);
        bed.Broker.Restore();
        written.AddRange(await bed.WritePaymentsAsync(20));
        await ProducedAsync(bed);

        await consumer.AppliedAsync(written.Count);
        await consumer.AssertExactlyOnceAsync(written);
    }

    [Fact]
    public async Task Two_replicas_that_both_get_every_event_apply_it_once()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var first = await bed.StartConsumerAsync("ledger");
        var second = await bed.StartConsumerAsync("ledger", replicaOf: first);

        // One that hears nothing from the broker refills everything, beside the others.
        await bed.StartConsumerAsync("ledger", replicaOf: first, withKafka: false);
        var written = (await bed.WritePaymentsAsync(300)).ToList();
        await first.AppliedAsync(200);
        await second.StopAsync();
        written.AddRange(await bed.WritePaymentsAsync(100));

        await first.AppliedAsync(written.Count);
        await first.AssertExactlyOnceAsync(written);
    }

    [Fact]
    public async Task A_consumer_whose_connection_is_killed_mid_batch_applies_the_batch_once()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var consumer = await bed.StartConsumerAsync("ledger");
        await consumer.Database.ExecuteAsync("INSERT INTO slow VALUES (30)", TestContext.Current.CancellationToken);
        var written = await bed.WritePaymentsAsync(10);
        const string InHandler = "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep(seconds)%' AND state = 'active'";
        await consumer.UntilAsync($"SELECT count(*) > 0 {InHandler}", "a batch in work");

        await consumer.Database.ExecuteAsync("DELETE FROM slow", TestContext.Current.CancellationToken);
        Assert.True(await consumer.Database.ScalarAsync<bool>($"SELECT bool_and(pg_terminate_backend(pid)) {InHandler}", TestContext.Current.CancellationToken));

        await consumer.AppliedAsync(written.Count);
        await consumer.AssertExactlyOnceAsync(written);
    }

    [Fact]
    public async Task A_publisher_that_forgot_what_it_produced_produces_again_without_a_second_effect()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var consumer = await bed.StartConsumerAsync("ledger");
        var written = (await bed.WritePaymentsAsync(50)).ToList();
        await consumer.AppliedAsync(written.Count);
        await ProducedAsync(bed);
        await bed.StopPublisherAsync();
        await bed.Published.ExecuteAsync("UPDATE outbox_produced SET seq = 0", TestContext.Current.CancellationToken);

        await bed.StartPublisherAsync();
        written.AddRange(await bed.WritePaymentsAsync(10));
        await ProducedAsync(bed);

        await consumer.AppliedAsync(written.Count);
        await consumer.AssertExactlyOnceAsync(written);
    }

    [Fact]
    public async Task Leftovers_of_another_log_and_strangers_messages_mean_nothing()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        using var producer = new ProducerBuilder<string, byte[]>(new ProducerConfig { BootstrapServers = bed.Broker.BootstrapServers }).Build();
        var (payment, otherEpoch) = (EventSamples.Ids.New<PaymentId>(), EventSamples.Ids.New<EventId>().Value);
        for (var sequence = 1; sequence <= 50; sequence++)
        {
            var row = new OutboxRow(
                LogicalPartition.Of(payment), sequence, EventSamples.Ids.New<EventId>().Value, "payment.authorized", payment.Value,
                EventSamples.Ids.New<MerchantId>().Value, "test", sequence, TimeProvider.System.GetUtcNow(), "{}"u8.ToArray(), null);
            producer.Produce(Names.Topics.PaymentEvents, CloudEvent.Write(Names.Services.Api, otherEpoch, row, null));
            producer.Produce(Names.Topics.PaymentEvents, new Message<string, byte[]> { Key = "no event", Value = [0xFF, 0x00] });
        }

        producer.Flush(TestContext.Current.CancellationToken);
        var consumer = await bed.StartConsumerAsync("ledger");
        var written = await bed.WritePaymentsAsync(50);

        await consumer.AppliedAsync(written.Count);
        await consumer.AssertExactlyOnceAsync(written);
        Assert.Equal(0, await consumer.Database.ScalarAsync<long>("SELECT count(*) FROM dead_letters", TestContext.Current.CancellationToken));
        Assert.Equal(0, await consumer.Database.ScalarAsync<long>("SELECT count(*) FROM event_consumers WHERE halted_at IS NOT NULL", TestContext.Current.CancellationToken));
    }

    /// <summary>Waits until the relay has noted everything as produced.</summary>
    private static async Task ProducedAsync(EventTestBed bed)
    {
        const string Behind = "SELECT count(*) FROM outbox_heads AS h JOIN outbox_produced AS p USING (partition) WHERE p.seq < h.seq";
        while (await bed.Published.ScalarAsync<long>(Behind, TestContext.Current.CancellationToken) > 0)
        {
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }
}
