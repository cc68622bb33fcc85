using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Npgsql;
using Payments.Core;
using Payments.Core.Events;
using Payments.Platform.Outbox;
using Xunit;

namespace Payments.IntegrationTests.Events;

/// <summary>What strangers see of an event: the message on the broker, its schema, its trace.</summary>
public sealed class WireTests(EmbeddedServers servers)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Messages_of_every_type_match_the_published_schemas()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var written = EventSamples.OfEveryType();
        await bed.WriteAsync([.. written]);

        var documents = WireMessages.Read(bed.Broker, written.Count, Cancelled).Select(WireMessages.Document).ToArray();
        var (types, errors) = await WireMessages.ValidateAsync(documents, Cancelled);

        Assert.Equal(PaymentEventTypes.All.Order(), types.Order());
        Assert.Equal(PaymentEventTypes.All.Order(), documents.Select(d => (string)d["type"]!).Distinct().Order());
        Assert.All(errors, Assert.Empty);
    }

    [Fact]
    public async Task Wrong_messages_do_not_match_the_published_schemas()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        await bed.WriteAsync(EventSamples.Captured(EventSamples.Ids.New<PaymentId>()));
        var right = WireMessages.Document(WireMessages.Read(bed.Broker, 1, Cancelled).Single());
        Action<JsonObject>[] mistakes =
        [
            d => d["data"]!.AsObject().Remove("fees"),
            d => d["data"]!["fees"] = null,
            d => d["data"]!["operation"]!["kind"] = "refund",
            d => d["data"]!["operation"]!["amount_minor"] = "5000",
            d => d["data"]!["operation"]!["amount_minor"] = -1,
            d => d["data"]!["payment"]!["status"] = "Captured",
            d => d["data"]!["payment"]!["card_number"] = "unexpected",
            d => d["data"]!["payment"]!["created_at"] = "yesterday",
            d => d["data"]!["surprise"] = 1,
            d => d.Remove("epoch"),
            d => d["sequence"] = "0",
            d => d["partition"] = "16",
            d => d["subject"] = "evt_00000000000000000000000000",
            d => d["type"] = "payment.authorized",
            d => d["type"] = "payment.unheard_of",
        ];
        var wrong = mistakes.Select(mistake =>
        {
            var document = right.DeepClone().AsObject();
            mistake(document);
            return document;
        });

        var (_, errors) = await WireMessages.ValidateAsync([right, .. wrong], Cancelled);

        Assert.Empty(errors[0]);
        Assert.Equal(mistakes.Length, errors.Count - 1);
        Assert.All(errors.Skip(1), Assert.NotEmpty);
    }

    [Fact]
    public async Task A_message_is_a_cloud_event_in_binary_mode_at_its_place_in_the_log()
    {
        await using var bed = await EventTestBed.StartAsync(servers);
        var (payment, epoch) = (EventSamples.Ids.New<PaymentId>(), await bed.Published.ScalarAsync<Guid>("SELECT epoch FROM outbox_heads LIMIT 1", Cancelled));
        var written = EventSamples.Authorized(payment, 7);
        await bed.WriteAsync(written);

        var message = WireMessages.Read(bed.Broker, 1, Cancelled).Single();

        Assert.Equal(payment.ToString(), message.Message.Key);
        Assert.Equal(LogicalPartition.Of(payment) % 4, message.Partition.Value);
        var expected = new Dictionary<string, string>
        {
            ["ce_specversion"] = "1.0",
            ["ce_id"] = written.Id.ToString(),
            ["ce_source"] = "urn:payments:api",
            ["ce_type"] = "payment.authorized",
            ["ce_subject"] = payment.ToString(),
            ["ce_time"] = "2026-03-01T12:00:07.0000000Z",
            ["content-type"] = "application/json",
            ["ce_sequence"] = "1",
            ["ce_partition"] = LogicalPartition.Of(payment).ToString(),
            ["ce_epoch"] = epoch.ToString(),
            ["ce_merchantid"] = written.MerchantId.ToString(),
            ["ce_mode"] = "test",
            ["ce_paymentversion"] = "7",
        };
        Assert.Equal(expected, WireMessages.Headers(message));
        Assert.Equal(JsonSerializer.Serialize(written.Data, Json.Options), Encoding.UTF8.GetString(message.Message.Value));
    }

    [Fact]
    public async Task The_trace_of_the_request_goes_on_over_the_broker_into_the_consumer()
    {
        var spans = new List<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == EventTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                lock (spans)
                {
                    spans.Add(span);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        await using var bed = await EventTestBed.StartAsync(servers);
        var consumer = await bed.StartConsumerAsync("ledger");
        var (first, second) = (Traced(), Traced());
        await AppendAsync(bed.Published, first, second);

        await consumer.AppliedAsync(2);

        foreach (var (trace, written) in new[] { (TraceOf(first), first), (TraceOf(second), second) })
        {
            Activity[] mine;
            while (true)
            {
                lock (spans)
                {
                    mine = [.. spans.Where(s => s.TraceId == trace)];
                }

                if (mine.Any(s => s.Kind == ActivityKind.Consumer) && mine.Any(s => s.Kind == ActivityKind.Producer))
                {
                    break;
                }

                await Task.Delay(20, Cancelled);
            }

            var (send, process) = (mine.First(s => s.Kind == ActivityKind.Producer), mine.Last(s => s.Kind == ActivityKind.Consumer));
            Assert.Equal("send payments.events", send.DisplayName);
            Assert.Equal("process payment.authorized", process.DisplayName);
            Assert.Equal(ActivityContext.Parse(written.TraceParent!, null).SpanId, send.ParentSpanId);
            Assert.Equal("kafka", process.GetTagItem("messaging.system"));
        }
    }

    private static TracedEvent Traced() => new(
        EventSamples.Authorized(EventSamples.Ids.New<PaymentId>()),
        $"00-{ActivityTraceId.CreateRandom().ToHexString()}-{ActivitySpanId.CreateRandom().ToHexString()}-01");

    private static ActivityTraceId TraceOf(TracedEvent traced) => ActivityContext.Parse(traced.TraceParent!, null).TraceId;

    private static async Task AppendAsync(NpgsqlDataSource published, params TracedEvent[] events)
    {
        await using var connection = await published.OpenConnectionAsync(Cancelled);
        await using var transaction = await connection.BeginTransactionAsync(Cancelled);
        await OutboxWriter.AppendAsync(connection, transaction, events, Cancelled);
        await transaction.CommitAsync(Cancelled);
    }
}
