using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Payments.Core;
using Payments.IntegrationTests.Events;
using Payments.Webhooks;
using Payments.Webhooks.Deliveries;
using Payments.Webhooks.Events;
using Xunit;

namespace Payments.IntegrationTests.Webhooks;

/// <summary>Webhooks that the process sends which took their event in.</summary>
public sealed class HandedOverTests(EmbeddedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_a_killed_process_had_taken_in_is_delivered_after_its_lease()
    {
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation);
        await using var merchant = await MerchantServer.StartAsync(Cancellation);
        var (endpoint, _) = await world.RegisterAsync(merchant.Url, Cancellation);

        // What a process leaves behind that takes an event in and is killed before it sends it.
        var dead = new HandOver(Options.Create(new WebhooksOptions { LeaseSeconds = 2, TimeoutSeconds = 1 }), TimeProvider.System);
        dead.Open(true);
        var source = EventSamples.Captured(EventSamples.Ids.New<PaymentId>()) with { MerchantId = world.Merchant };
        await using (var connection = await world.Database.OpenConnectionAsync(Cancellation))
        await using (var transaction = await connection.BeginTransactionAsync(Cancellation))
        {
            await new EventStore(dead, EventSamples.Ids).AddAsync(connection, transaction, [StoredEvent.Of(source, null)], Cancellation);
            await transaction.CommitAsync(Cancellation);
        }

        Assert.Equal("pending", (await world.DeliveriesAsync(endpoint, Cancellation)).Single().GetProperty("status").GetString());
        var delivered = await world.DeliveryAsync(endpoint, "delivered", Cancellation);
        Assert.Equal([2], delivered.GetProperty("attempts").EnumerateArray().Select(a => a.GetProperty("number").GetInt32()));
        Assert.Single(merchant.Received);
    }

    [Fact]
    public async Task A_first_attempt_that_succeeds_is_logged_like_every_other_though_it_has_no_row_of_its_own()
    {
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation);
        await using var merchant = await MerchantServer.StartAsync(Cancellation);
        merchant.Answer = (_, context) => context.Response.WriteAsync("thanks", context.RequestAborted);
        var (endpoint, _) = await world.RegisterAsync(merchant.Url, Cancellation);
        await world.PublishAsync(Cancellation, EventSamples.Captured(EventSamples.Ids.New<PaymentId>()));
        var delivered = await world.DeliveryAsync(endpoint, "delivered", Cancellation);
        Assert.Equal(0, await world.Database.ScalarAsync<long>("SELECT count(*) FROM delivery_attempts", Cancellation));
        var attempt = Assert.Single(delivered.GetProperty("attempts").EnumerateArray());
        Assert.Equal((1, 200, "thanks"), (attempt.GetProperty("number").GetInt32(), attempt.GetProperty("status_code").GetInt32(), attempt.GetProperty("response").GetString()));
        Assert.Equal(JsonValueKind.Null, attempt.GetProperty("error").ValueKind);
        Assert.Equal(delivered.GetProperty("delivered_at").GetDateTimeOffset(), attempt.GetProperty("finished_at").GetDateTimeOffset());

        var resend = world.Path($"webhook_endpoints/{endpoint}/deliveries/{delivered.GetProperty("id").GetString()}/resend");
        await world.AskAsync(HttpMethod.Post, resend, null, Cancellation, HttpStatusCode.Accepted);
        var again = await world.DeliveryAsync(endpoint, "delivered", Cancellation, attempts: 2);
        Assert.Equal([1, 2], again.GetProperty("attempts").EnumerateArray().Select(a => a.GetProperty("number").GetInt32()));
        Assert.Equal(attempt.GetRawText(), again.GetProperty("attempts")[0].GetRawText());
    }

    [Fact]
    public async Task More_than_a_process_may_hold_for_an_endpoint_is_delivered_through_the_queue_within_the_endpoints_slots()
    {
        const int Published = 150;
        var one = new Dictionary<string, string?> { ["Payments:Webhooks:ConcurrencyPerEndpoint"] = "1" };
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation, one);
        await using var merchant = await MerchantServer.StartAsync(Cancellation);
        var (underWay, most) = (0, 0);
        merchant.Answer = async (_, context) =>
        {
            most = Math.Max(most, Interlocked.Increment(ref underWay));
            await Task.Delay(5, context.RequestAborted);
            Interlocked.Decrement(ref underWay);
        };
        await world.RegisterAsync(merchant.Url, Cancellation);
        await world.PublishAsync(Cancellation, [.. Enumerable.Range(0, Published).Select(_ => EventSamples.Captured(EventSamples.Ids.New<PaymentId>()))]);
        await WebhooksWorld.UntilAsync(
            async () => await world.Database.ScalarAsync<long>("SELECT count(*) FROM deliveries WHERE status = 'delivered'", Cancellation) == Published, "all to be delivered", Cancellation);
        Assert.Equal(1, most);
        Assert.Equal(Published, merchant.Received.Count);
        Assert.Equal(Published, merchant.Received.Select(r => r.Headers["webhook-id"]).Distinct().Count());
    }
}
