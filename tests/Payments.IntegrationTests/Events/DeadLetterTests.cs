using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Payments.Core;
using Payments.Core.Events;
using Payments.Platform.Outbox;
using Xunit;

namespace Payments.IntegrationTests.Events;

public sealed class DeadLetterTests(EmbeddedServers servers)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_event_that_cannot_be_applied_parks_its_payment_and_nothing_else()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var consumer = await bed.StartConsumerAsync("ledger");
        var (bad, neighbour) = Neighbours();
        await PoisonAsync(consumer, bad);

        var (parked, applied) = await WriteBothAsync(bed, bad, neighbour);

        await consumer.AppliedAsync(applied.Count);
        await consumer.UntilAsync("SELECT count(*) = 3 FROM dead_letters WHERE replayed_at IS NULL", "three dead letters");
        await consumer.AssertExactlyOnceAsync(applied);
        var letters = await LettersAsync(bed, consumer);
        Assert.Equal(parked.Select(e => e.Id.ToString()), letters.Select(l => l.GetProperty("event_id").GetString()!));
        Assert.Equal("InvalidOperationException: This payment cannot be applied.", letters[0].GetProperty("error").GetString());
        Assert.All(letters.Skip(1), l => Assert.Equal(JsonValueKind.Null, l.GetProperty("error").ValueKind));
    }

    [Fact]
    public async Task A_replay_applies_what_waits_in_order_and_later_events_follow()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var consumer = await bed.StartConsumerAsync("ledger");
        var (bad, neighbour) = Neighbours();
        await PoisonAsync(consumer, bad);
        var (parked, applied) = await WriteBothAsync(bed, bad, neighbour);
        await consumer.UntilAsync("SELECT count(*) = 3 FROM dead_letters", "three dead letters");
        await consumer.AppliedAsync(applied.Count);
        await consumer.Database.ExecuteAsync("DELETE FROM poisoned", Cancelled);
        var last = (await LettersAsync(bed, consumer))[^1].GetProperty("id").GetString()!;

        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => ReplayAsync(bed, consumer, last)));
        var later = EventSamples.Captured(bad, 9);
        await bed.WriteAsync(later);

        Assert.Contains(HttpStatusCode.OK, answers.Select(a => a.Status));
        Assert.All(answers, a => Assert.True(a.Status is HttpStatusCode.OK or HttpStatusCode.NotFound));
        Assert.Equal(3, answers.Where(a => a.Status == HttpStatusCode.OK).Sum(a => a.Body.GetProperty("applied").GetInt32()));
        PaymentEvent[] everything = [.. applied, .. parked, later];
        await consumer.AppliedAsync(everything.Length);
        await consumer.AssertExactlyOnceAsync(everything);
        Assert.Equal(0, await consumer.Database.ScalarAsync<long>("SELECT count(*) FROM parked_payments", Cancelled));
    }

    [Fact]
    public async Task A_replay_that_fails_again_leaves_the_payment_parked()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var consumer = await bed.StartConsumerAsync("ledger");
        var (bad, neighbour) = Neighbours();
        await PoisonAsync(consumer, bad);
        var (_, applied) = await WriteBothAsync(bed, bad, neighbour);
        await consumer.UntilAsync("SELECT count(*) = 3 FROM dead_letters", "three dead letters");
        await consumer.Database.ExecuteAsync(OfAnotherPublisher, Cancelled);

        var (status, body) = await ReplayAsync(bed, consumer, (await LettersAsync(bed, consumer))[0].GetProperty("id").GetString()!);

        Assert.Equal(HttpStatusCode.Conflict, status);
        Assert.Equal("replay_failed", body.GetProperty("code").GetString());
        Assert.Equal(2, (await LettersAsync(bed, consumer))[0].GetProperty("attempts").GetInt32());
        Assert.Equal(1, await consumer.Database.ScalarAsync<long>("SELECT sum(attempts)::bigint FROM dead_letters WHERE publisher = 'another'", Cancelled));
        await consumer.AppliedAsync(applied.Count);
        await consumer.AssertExactlyOnceAsync(applied);
    }

    [Fact]
    public async Task Data_that_cannot_be_read_parks_its_payment()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var consumer = await bed.StartConsumerAsync("ledger");
        var broken = EventSamples.Authorized(EventSamples.Ids.New<PaymentId>());
        await bed.Published.ExecuteAsync($$"""
            SELECT outbox_append(ARRAY['{{broken.Id.Value}}']::uuid[], ARRAY['{{broken.Type}}'], ARRAY['{{broken.PaymentId.Value}}']::uuid[],
                ARRAY['{{broken.MerchantId.Value}}']::uuid[], ARRAY['test'], ARRAY[1], ARRAY[now()], ARRAY['{"payment": null}'::bytea], ARRAY[NULL])
            """, Cancelled);

        var written = await bed.WritePaymentsAsync(3);

        await consumer.AppliedAsync(written.Count);
        await consumer.UntilAsync("SELECT count(*) = 1 FROM dead_letters", "a dead letter");
        await consumer.AssertExactlyOnceAsync(written);
        Assert.StartsWith("InvalidEventException", (await LettersAsync(bed, consumer)).Single().GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_table_that_is_missing_parks_nothing_and_is_waited_for()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var consumer = await bed.StartConsumerAsync("ledger");
        await consumer.Database.ExecuteAsync("ALTER TABLE effects RENAME TO effects_of_the_next_migration", Cancelled);
        var written = await bed.WritePaymentsAsync(3);
        using var http = bed.InternalClient(consumer.Url);
        while (await http.GetStringAsync("/health", Cancelled) != "Degraded")
        {
            await Task.Delay(50, Cancelled);
        }

        await consumer.Database.ExecuteAsync("ALTER TABLE effects_of_the_next_migration RENAME TO effects", Cancelled);

        await consumer.AppliedAsync(written.Count);
        await consumer.AssertExactlyOnceAsync(written);
        Assert.Equal(0, await consumer.Database.ScalarAsync<long>("SELECT count(*) FROM dead_letters", Cancelled));
    }

    [Theory]
    [InlineData("dl_00000000000000000000000000")]
    [InlineData("nonsense")]
    public async Task An_unknown_dead_letter_is_not_found(string id)
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var consumer = await bed.StartConsumerAsync("ledger", withKafka: false);

        var (status, body) = await ReplayAsync(bed, consumer, id);

        Assert.Equal(HttpStatusCode.NotFound, status);
        Assert.Equal("dead_letter_not_found", body.GetProperty("code").GetString());
    }

    // The same places in another publisher's log, whose numbers mean other events. Listed after the real ones.
    private const string OfAnotherPublisher = """
        INSERT INTO dead_letters (id, consumer, publisher, epoch, partition, seq, event_id, type, payment_id, merchant_id, mode, version, occurred_at, data, error, attempts)
        SELECT gen_random_uuid(), consumer, 'another', epoch, partition, seq, gen_random_uuid(), type, payment_id, merchant_id, mode, version + 100, occurred_at, data, error, attempts
        FROM dead_letters
        """;

    /// <summary>Two payments of one partition.</summary>
    private static (PaymentId Bad, PaymentId Neighbour) Neighbours()
    {
        var bad = EventSamples.Ids.New<PaymentId>();
        PaymentId neighbour;
        do
        {
            neighbour = EventSamples.Ids.New<PaymentId>();
        }
        while (LogicalPartition.Of(neighbour) != LogicalPartition.Of(bad));

        return (bad, neighbour);
    }

    private static Task PoisonAsync(TestConsumer consumer, PaymentId payment) =>
        consumer.Database.ExecuteAsync($"INSERT INTO poisoned VALUES ('{payment.Value}')", Cancelled);

    private static async Task<(PaymentEvent[] Bad, IReadOnlyList<PaymentEvent> Others)> WriteBothAsync(EventTestBed bed, PaymentId bad, PaymentId neighbour)
    {
        PaymentEvent[] parked = [EventSamples.Authorized(bad, 1), EventSamples.Captured(bad, 2), EventSamples.Captured(bad, 3)];
        PaymentEvent[] others = [EventSamples.Authorized(neighbour, 1), EventSamples.Captured(neighbour, 2)];
        await bed.WriteAsync(parked[0], parked[1], others[0]);
        await bed.WriteAsync(parked[2], others[1]);
        return (parked, [.. others, .. await bed.WritePaymentsAsync(10)]);
    }

    private static async Task<JsonElement[]> LettersAsync(EventTestBed bed, TestConsumer consumer)
    {
        using var http = bed.InternalClient(consumer.Url);
        var page = await http.GetFromJsonAsync<JsonElement>("/internal/v1/ops/dead_letters", Cancelled);
        return [.. page.GetProperty("data").EnumerateArray().OrderBy(l => l.GetProperty("version").GetInt64())];
    }

    private static async Task<(HttpStatusCode Status, JsonElement Body)> ReplayAsync(EventTestBed bed, TestConsumer consumer, string id)
    {
        using var http = bed.InternalClient(consumer.Url);
        using var answer = await http.PostAsync($"/internal/v1/ops/dead_letters/{id}/replay", null, Cancelled);
        return (answer.StatusCode, await answer.Content.ReadFromJsonAsync<JsonElement>(Cancelled));
    }
}
