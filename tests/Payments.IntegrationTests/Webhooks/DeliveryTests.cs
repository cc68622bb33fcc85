using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Payments.Core;
using Payments.IntegrationTests.Events;
using Payments.Webhooks.Deliveries;
using Payments.Webhooks.Egress;
using Xunit;

namespace Payments.IntegrationTests.Webhooks;

public sealed class DeliveryTests(EmbeddedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_webhook_from_the_running_service_is_verified_by_the_standard_webhooks_library()
    {
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation);
        await using var merchant = await MerchantServer.StartAsync(Cancellation);
        var (endpoint, secret) = await world.RegisterAsync(merchant.Url, Cancellation);
        var payment = EventSamples.Ids.New<PaymentId>();
        await world.PublishAsync(Cancellation, EventSamples.Captured(payment));
        await world.DeliveryAsync(endpoint, "delivered", Cancellation);

        Assert.True(merchant.Received.TryDequeue(out var received));
        var verified = await StandardWebhooksLibrary.VerifyAsync(received, secret, Cancellation);
        Assert.Equal("payment.captured", verified.GetProperty("type").GetString());
        Assert.Equal(payment.ToString(), verified.GetProperty("data").GetProperty("id").GetString());
        Assert.Equal(received.Headers["webhook-id"], verified.GetProperty("id").GetString());
        Assert.Equal(2, verified.GetProperty("version").GetInt64());
        Assert.Equal(5_000, verified.GetProperty("operation").GetProperty("amount").GetInt64());
        Assert.Equal("application/json", received.Headers["content-type"]);
        Assert.False(received.Headers.ContainsKey("traceparent"));

        var forged = received with { Body = received.Body.Replace("5000", "5001", StringComparison.Ordinal) };
        Assert.Equal(JsonValueKind.Undefined, (await StandardWebhooksLibrary.VerifyAsync(forged, secret, Cancellation)).ValueKind);
        Assert.Equal(JsonValueKind.Undefined, (await StandardWebhooksLibrary.VerifyAsync(received, Signature.NewSecret(), Cancellation)).ValueKind);
    }

    [Fact]
    public async Task While_a_secret_is_rotated_both_secrets_verify_and_afterwards_only_the_new_one()
    {
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation);
        await using var merchant = await MerchantServer.StartAsync(Cancellation);
        var (endpoint, former) = await world.RegisterAsync(merchant.Url, Cancellation);
        var rotated = await world.AskAsync(HttpMethod.Post, world.Path($"webhook_endpoints/{endpoint}/rotate_secret"), null, Cancellation);
        var current = rotated.GetProperty("secret").GetString()!;
        Assert.NotEqual(former, current);

        var during = await DeliverOneAsync(world, merchant);
        Assert.Equal(2, during.Headers["webhook-signature"].Split(' ').Length);
        Assert.Equal(JsonValueKind.Object, (await StandardWebhooksLibrary.VerifyAsync(during, former, Cancellation)).ValueKind);
        Assert.Equal(JsonValueKind.Object, (await StandardWebhooksLibrary.VerifyAsync(during, current, Cancellation)).ValueKind);

        await world.Database.ExecuteAsync("UPDATE webhook_secrets SET expires_at = now() WHERE expires_at IS NOT NULL", Cancellation);
        var after = await DeliverOneAsync(world, merchant);
        Assert.Single(after.Headers["webhook-signature"].Split(' '));
        Assert.Equal(JsonValueKind.Undefined, (await StandardWebhooksLibrary.VerifyAsync(after, former, Cancellation)).ValueKind);
        Assert.Equal(JsonValueKind.Object, (await StandardWebhooksLibrary.VerifyAsync(after, current, Cancellation)).ValueKind);
    }

    [Fact]
    public async Task A_failed_delivery_is_repeated_by_the_schedule_with_the_same_bytes_until_it_succeeds()
    {
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation, services: s => s.AddSingleton<Jitter>(() => 0));
        await using var merchant = await MerchantServer.StartAsync(Cancellation);
        merchant.Answer = async (n, context) =>
        {
            context.Response.StatusCode = n < 3 ? 500 : 200;
            await context.Response.WriteAsync(n < 3 ? "out of order" : "thanks", context.RequestAborted);
        };
        var (endpoint, _) = await world.RegisterAsync(merchant.Url, Cancellation);
        await world.PublishAsync(Cancellation, EventSamples.Captured(EventSamples.Ids.New<PaymentId>()));

        foreach (var (attempts, pauseSeconds) in new[] { (1, 5), (2, 300) })
        {
            await world.DeliveryAsync(endpoint, "pending", Cancellation, attempts);
            var pause = await world.Database.ScalarAsync<decimal>(
                $"SELECT extract(epoch FROM d.next_attempt_at - a.finished_at) FROM deliveries d JOIN delivery_attempts a USING (event_id, lane_id) WHERE a.number = {attempts}", Cancellation);
            Assert.Equal(pauseSeconds, pause);
            await world.SkipPausesAsync(Cancellation);
        }

        var delivered = await world.DeliveryAsync(endpoint, "delivered", Cancellation, attempts: 3);
        Assert.Equal([500, 500, 200], delivered.GetProperty("attempts").EnumerateArray().Select(a => a.GetProperty("status_code").GetInt32()));
        Assert.Equal(["out of order", "out of order", "thanks"], delivered.GetProperty("attempts").EnumerateArray().Select(a => a.GetProperty("response").GetString()));
        var received = merchant.Received.ToArray();
        Assert.Equal(3, received.Length);
        Assert.Single(received.Select(r => r.Body).Distinct());
        Assert.Single(received.Select(r => r.Headers["webhook-id"]).Distinct());
    }

    [Fact]
    public async Task After_the_last_attempt_a_delivery_has_failed_and_a_resend_delivers_it()
    {
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation);
        await using var merchant = await MerchantServer.StartAsync(Cancellation);
        merchant.Answer = (_, context) => MerchantServer.Status(context, 500);
        var (endpoint, _) = await world.RegisterAsync(merchant.Url, Cancellation);
        await world.PublishAsync(Cancellation, EventSamples.Captured(EventSamples.Ids.New<PaymentId>()));
        for (var attempt = 1; attempt < RetrySchedule.Webhooks.Attempts; attempt++)
        {
            await world.DeliveryAsync(endpoint, "pending", Cancellation, attempt);
            await world.SkipPausesAsync(Cancellation);
        }

        var failed = await world.DeliveryAsync(endpoint, "failed", Cancellation, RetrySchedule.Webhooks.Attempts);
        Assert.Equal(10, failed.GetProperty("attempts").GetArrayLength());
        merchant.Answer = (_, context) => MerchantServer.Status(context, 204);
        var resend = world.Path($"webhook_endpoints/{endpoint}/deliveries/{failed.GetProperty("id").GetString()}/resend");
        await world.AskAsync(HttpMethod.Post, resend, null, Cancellation, HttpStatusCode.Accepted);
        var delivered = await world.DeliveryAsync(endpoint, "delivered", Cancellation, attempts: 11);
        Assert.Equal(11, delivered.GetProperty("attempts").GetArrayLength());
        Assert.Single(merchant.Received.Select(r => r.Headers["webhook-id"]).Distinct());
    }

    [Fact]
    public async Task The_receivers_wish_for_a_longer_pause_is_honoured()
    {
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation);
        await using var merchant = await MerchantServer.StartAsync(Cancellation);
        merchant.Answer = (_, context) =>
        {
            context.Response.Headers.RetryAfter = "3600";
            return MerchantServer.Status(context, 503);
        };
        var (endpoint, _) = await world.RegisterAsync(merchant.Url, Cancellation);
        await world.PublishAsync(Cancellation, EventSamples.Captured(EventSamples.Ids.New<PaymentId>()));
        await world.DeliveryAsync(endpoint, "pending", Cancellation, attempts: 1);
        Assert.Equal(3600m, await world.Database.ScalarAsync<decimal>(
            "SELECT extract(epoch FROM d.next_attempt_at - a.finished_at) FROM deliveries d JOIN delivery_attempts a USING (event_id, lane_id)", Cancellation));
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation);
        await using var merchant = await MerchantServer.StartAsync(Cancellation);
        merchant.Answer = (_, context) =>
        {
            context.Response.Headers.Location = new Uri(merchant.Url, "/elsewhere").ToString();
            return MerchantServer.Status(context, 307);
        };
        var (endpoint, _) = await world.RegisterAsync(merchant.Url, Cancellation);
        await world.PublishAsync(Cancellation, EventSamples.Captured(EventSamples.Ids.New<PaymentId>()));
        var pending = await world.DeliveryAsync(endpoint, "pending", Cancellation, attempts: 1);
        Assert.Equal("redirect_not_followed", pending.GetProperty("attempts")[0].GetProperty("error").GetString());
        Assert.Equal("/hooks", Assert.Single(merchant.Received).Path);
    }

    [Fact]
    public async Task An_endpoint_that_answers_410_is_switched_off_and_the_others_are_told()
    {
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation);
        await using var gone = await MerchantServer.StartAsync(Cancellation);
        await using var other = await MerchantServer.StartAsync(Cancellation);
        gone.Answer = (_, context) => MerchantServer.Status(context, 410);
        var (endpoint, _) = await world.RegisterAsync(gone.Url, Cancellation, "payment.captured");
        await world.RegisterAsync(other.Url, Cancellation, "webhook_endpoint.disabled");
        await world.PublishAsync(Cancellation, EventSamples.Captured(EventSamples.Ids.New<PaymentId>()));

        await WebhooksWorld.UntilAsync(() => Task.FromResult(!other.Received.IsEmpty), "the other endpoint to be told", Cancellation);
        var told = JsonSerializer.Deserialize<JsonElement>(other.Received.Single().Body);
        Assert.Equal(endpoint, told.GetProperty("data").GetProperty("id").GetString());
        var shown = await world.GetAsync($"webhook_endpoints/{endpoint}", Cancellation);
        Assert.Equal(("disabled", "gone"), (shown.GetProperty("status").GetString(), shown.GetProperty("disabled_reason").GetString()));

        await world.PublishAsync(Cancellation, EventSamples.Captured(EventSamples.Ids.New<PaymentId>()));
        await WebhooksWorld.UntilAsync(async () => (await world.GetAsync("events?type=payment.captured", Cancellation)).GetProperty("data").GetArrayLength() == 2, "the second event", Cancellation);
        Assert.Single(await world.DeliveriesAsync(endpoint, Cancellation));
        Assert.Single(gone.Received);
    }

    [Fact]
    public async Task An_endpoint_without_a_success_for_days_is_switched_off_and_what_waits_is_canceled()
    {
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation);
        await using var merchant = await MerchantServer.StartAsync(Cancellation);
        merchant.Answer = (_, context) => MerchantServer.Status(context, 500);
        var (endpoint, _) = await world.RegisterAsync(merchant.Url, Cancellation);
        await world.PublishAsync(Cancellation, EventSamples.Captured(EventSamples.Ids.New<PaymentId>()));
        await world.DeliveryAsync(endpoint, "pending", Cancellation, attempts: 1);
        await WebhooksWorld.UntilAsync(async () => (await world.GetAsync($"webhook_endpoints/{endpoint}", Cancellation)).GetProperty("failing_since").ValueKind == JsonValueKind.String, "the failure to be noted", Cancellation);

        await world.Database.ExecuteAsync("UPDATE webhook_endpoints SET failing_since = now() - interval '4 days 23 hours'", Cancellation);
        await world.SkipPausesAsync(Cancellation);
        await world.DeliveryAsync(endpoint, "pending", Cancellation, attempts: 2);
        Assert.Equal("enabled", (await world.GetAsync($"webhook_endpoints/{endpoint}", Cancellation)).GetProperty("status").GetString());

        await world.Database.ExecuteAsync("UPDATE webhook_endpoints SET failing_since = now() - interval '5 days 1 minute'", Cancellation);
        await world.SkipPausesAsync(Cancellation);
        await world.DeliveryAsync(endpoint, "canceled", Cancellation, attempts: 3);
        Assert.Equal("failing", (await world.GetAsync($"webhook_endpoints/{endpoint}", Cancellation)).GetProperty("disabled_reason").GetString());
    }

    [Fact]
    public async Task Endpoints_that_hang_do_not_delay_others()
    {
        // Two slots in all and one endpoint that never answers with a backlog of ten: without lanes it would hold both.
        var few = new Dictionary<string, string?> { ["Payments:Webhooks:Concurrency"] = "2", ["Payments:Webhooks:ConcurrencyPerEndpoint"] = "1", ["Payments:Webhooks:FailingConcurrency"] = "1" };
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation, few);
        await using var hanging = await MerchantServer.StartAsync(Cancellation);
        await using var working = await MerchantServer.StartAsync(Cancellation);
        var release = new TaskCompletionSource();
        hanging.Answer = (_, context) => release.Task.WaitAsync(context.RequestAborted);
        var (slow, _) = await world.RegisterAsync(hanging.Url, Cancellation);
        await world.PublishAsync(Cancellation, [.. Enumerable.Range(0, 10).Select(_ => EventSamples.Captured(EventSamples.Ids.New<PaymentId>()))]);
        await WebhooksWorld.UntilAsync(() => Task.FromResult(!hanging.Received.IsEmpty), "the hanging endpoint to be called", Cancellation);

        var (quick, _) = await world.RegisterAsync(working.Url, Cancellation);
        var published = Enumerable.Range(0, 10).Select(_ => EventSamples.Captured(EventSamples.Ids.New<PaymentId>())).ToArray();
        await world.PublishAsync(Cancellation, published);
        await WebhooksWorld.UntilAsync(
            async () => published.Select(e => e.Id.ToString()).Except(Delivered(await world.DeliveriesAsync(quick, Cancellation))).ToArray() is [], "the working endpoint to get all", Cancellation);
        Assert.DoesNotContain(await world.DeliveriesAsync(slow, Cancellation), d => d.GetProperty("status").GetString() == "delivered");
        release.SetResult();
    }

    [Fact]
    public async Task What_a_killed_process_had_claimed_is_delivered_after_its_lease()
    {
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation);
        await using var merchant = await MerchantServer.StartAsync(Cancellation);
        merchant.Answer = (n, context) =>
        {
            // No second attempt of its own meanwhile.
            context.Response.Headers.RetryAfter = "3600";
            return MerchantServer.Status(context, n == 1 ? 503 : 204);
        };
        var (endpoint, _) = await world.RegisterAsync(merchant.Url, Cancellation);
        await world.PublishAsync(Cancellation, EventSamples.Captured(EventSamples.Ids.New<PaymentId>()));
        await world.DeliveryAsync(endpoint, "pending", Cancellation, attempts: 1);
        await world.StopAsync(Cancellation);

        // What a process leaves behind that claims and is killed before it can tell: a lease that ends.
        var dead = new DueDeliveries(world.Database, EventSamples.Ids);
        await world.SkipPausesAsync(Cancellation);
        var claimed = Assert.Single(await dead.ClaimWebhooksAsync(10, 10, failing: true, new Dictionary<Guid, int>(), TimeSpan.FromMinutes(10), Cancellation));
        Assert.Empty(await dead.ClaimWebhooksAsync(10, 10, failing: true, new Dictionary<Guid, int>(), TimeSpan.FromMinutes(10), Cancellation));
        await world.Database.ExecuteAsync("UPDATE deliveries SET next_attempt_at = now() WHERE lease IS NOT NULL", Cancellation);

        await world.RunAsync(Cancellation);
        var delivered = await world.DeliveryAsync(endpoint, "delivered", Cancellation, attempts: 2);
        Assert.Equal([1, 3], delivered.GetProperty("attempts").EnumerateArray().Select(a => a.GetProperty("number").GetInt32()));

        // Should it be alive after all, it is too late to tell.
        await using var outcomes = new Outcomes(world.Database, EventSamples.Ids, TimeProvider.System);
        Assert.False(await outcomes.SettleAsync(claimed, new AttemptResult(Verdict.Failed, TimeSpan.Zero), TimeSpan.Zero));
        Assert.Equal("delivered", (await world.DeliveryAsync(endpoint, "delivered", Cancellation, attempts: 2)).GetProperty("status").GetString());
    }

    [Fact]
    public async Task Outcomes_that_end_together_and_are_told_again_are_each_logged_once()
    {
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation);
        await using var merchant = await MerchantServer.StartAsync(Cancellation);
        merchant.Answer = (_, context) =>
        {
            context.Response.Headers.RetryAfter = "3600";
            return MerchantServer.Status(context, 503);
        };
        var (endpoint, _) = await world.RegisterAsync(merchant.Url, Cancellation);
        await world.PublishAsync(Cancellation, [.. Enumerable.Range(0, 3).Select(_ => EventSamples.Captured(EventSamples.Ids.New<PaymentId>()))]);
        await WebhooksWorld.UntilAsync(async () => await world.Database.ScalarAsync<long>("SELECT count(*) FROM delivery_attempts", Cancellation) == 3, "all to be attempted", Cancellation);
        await world.StopAsync(Cancellation);
        await world.SkipPausesAsync(Cancellation);
        var claimed = await new DueDeliveries(world.Database, EventSamples.Ids).ClaimWebhooksAsync(10, 10, failing: true, new Dictionary<Guid, int>(), TimeSpan.FromMinutes(10), Cancellation);
        Assert.Equal(3, claimed.Count);

        await using var outcomes = new Outcomes(world.Database, EventSamples.Ids, TimeProvider.System);
        for (var told = 0; told < 2; told++)
        {
            Assert.All(await Task.WhenAll(claimed.Select(c => outcomes.SettleAsync(c, new AttemptResult(Verdict.Delivered, TimeSpan.Zero, 204), null))), Assert.True);
        }

        Assert.Equal(6, await world.Database.ScalarAsync<long>("SELECT count(*) FROM delivery_attempts", Cancellation));
        Assert.Equal(3, await world.Database.ScalarAsync<long>("SELECT count(*) FROM deliveries WHERE status = 'delivered' AND lease IS NULL AND attempts = 2", Cancellation));
    }

    [Fact]
    public async Task What_was_due_while_the_service_was_down_is_delivered_when_it_is_back()
    {
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation);
        await using var merchant = await MerchantServer.StartAsync(Cancellation);
        var (endpoint, _) = await world.RegisterAsync(merchant.Url, Cancellation);
        await world.StopAsync(Cancellation);
        await world.PublishAsync(Cancellation, [.. Enumerable.Range(0, 5).Select(_ => EventSamples.Captured(EventSamples.Ids.New<PaymentId>()))]);
        await world.RunAsync(Cancellation);
        await WebhooksWorld.UntilAsync(async () => (await world.DeliveriesAsync(endpoint, Cancellation)).Count(d => d.GetProperty("status").GetString() == "delivered") == 5, "all to be delivered", Cancellation);
        Assert.Equal(5, merchant.Received.Select(r => r.Headers["webhook-id"]).Distinct().Count());
    }

    [Fact]
    public async Task A_receiver_that_is_answering_while_the_service_stops_is_not_asked_twice()
    {
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation);
        await using var merchant = await MerchantServer.StartAsync(Cancellation);
        var answering = new TaskCompletionSource();
        merchant.Answer = async (_, context) =>
        {
            answering.SetResult();
            await Task.Delay(500, context.RequestAborted);
        };
        var (endpoint, _) = await world.RegisterAsync(merchant.Url, Cancellation);
        await world.PublishAsync(Cancellation, EventSamples.Captured(EventSamples.Ids.New<PaymentId>()));
        await answering.Task.WaitAsync(Cancellation);
        await world.StopAsync(Cancellation);
        Assert.Equal("delivered", await world.Database.ScalarAsync<string>("SELECT status FROM deliveries", Cancellation));
        await world.RunAsync(Cancellation);
        await world.DeliveryAsync(endpoint, "delivered", Cancellation);
        Assert.Single(merchant.Received);
    }

    [Fact]
    public async Task A_name_that_changes_its_mind_is_judged_at_every_connection_and_called_only_where_it_was_judged()
    {
        var (answer, asked) = (IPAddress.Loopback, 0);
        Task<IPAddress[]> Resolve(string host, CancellationToken cancellationToken)
        {
            Assert.Equal("rebinding.example", host);
            asked++;
            return Task.FromResult(new[] { answer });
        }

        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation, services: s => s.AddSingleton<NameResolver>(Resolve));
        await using var merchant = await MerchantServer.StartAsync(Cancellation);
        merchant.Answer = (_, context) =>
        {
            context.Response.Headers.Connection = "close";
            context.Response.Headers.RetryAfter = "3600";
            return MerchantServer.Status(context, 503);
        };
        var (endpoint, _) = await world.RegisterAsync(new UriBuilder(merchant.Url) { Host = "rebinding.example" }.Uri, Cancellation);
        Assert.Equal(0, asked);

        // No other resolver knows the name: that the call arrives shows that it went to the address judged.
        await world.PublishAsync(Cancellation, EventSamples.Captured(EventSamples.Ids.New<PaymentId>()));
        await world.DeliveryAsync(endpoint, "pending", Cancellation, attempts: 1);
        Assert.Equal(1, asked);
        Assert.Single(merchant.Received);

        answer = IPAddress.Parse("169.254.169.254");
        await world.SkipPausesAsync(Cancellation);
        var refused = await world.DeliveryAsync(endpoint, "pending", Cancellation, attempts: 2);
        Assert.Equal("address_not_allowed", refused.GetProperty("attempts")[1].GetProperty("error").GetString());
        Assert.Equal(2, asked);
    }

    private static IEnumerable<string> Delivered(IEnumerable<JsonElement> deliveries) =>
        deliveries.Where(d => d.GetProperty("status").GetString() == "delivered").Select(d => d.GetProperty("event_id").GetString()!);

    private static async Task<Received> DeliverOneAsync(WebhooksWorld world, MerchantServer merchant)
    {
        await world.PublishAsync(Cancellation, EventSamples.Captured(EventSamples.Ids.New<PaymentId>()));
        Received? received = null;
        await WebhooksWorld.UntilAsync(() => Task.FromResult(merchant.Received.TryDequeue(out received)), "a webhook", Cancellation);
        return received!;
    }
}
