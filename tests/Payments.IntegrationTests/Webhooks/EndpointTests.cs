using System.Net;
using System.Text.Json;
using Payments.Core;
using Payments.IntegrationTests.Events;
using Payments.Platform.Idempotency;
using Xunit;

namespace Payments.IntegrationTests.Webhooks;

public sealed class EndpointTests(EmbeddedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_endpoint_is_made_read_changed_and_deleted()
    {
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation);
        var made = await world.AskAsync(
            HttpMethod.Post, world.Path("webhook_endpoints"), new { url = "https://shop.example/hooks", description = "Main", event_types = new[] { "payment.captured" } }, Cancellation, HttpStatusCode.Created);
        var id = made.GetProperty("id").GetString()!;
        Assert.StartsWith("we_", id, StringComparison.Ordinal);
        Assert.StartsWith("whsec_", made.GetProperty("secret").GetString(), StringComparison.Ordinal);
        Assert.Equal(("webhook_endpoint", "test", "enabled"), (made.GetProperty("object").GetString(), made.GetProperty("mode").GetString(), made.GetProperty("status").GetString()));

        var read = await world.GetAsync($"webhook_endpoints/{id}", Cancellation);
        Assert.False(read.TryGetProperty("secret", out _));
        Assert.Equal("https://shop.example/hooks", read.GetProperty("url").GetString());

        var changed = await world.AskAsync(HttpMethod.Patch, world.Path($"webhook_endpoints/{id}"), new { description = (string?)null, event_types = (string[]?)null, status = "disabled" }, Cancellation);
        Assert.Equal(JsonValueKind.Null, changed.GetProperty("description").ValueKind);
        Assert.Equal(JsonValueKind.Null, changed.GetProperty("event_types").ValueKind);
        Assert.Equal(("disabled", "by_merchant"), (changed.GetProperty("status").GetString(), changed.GetProperty("disabled_reason").GetString()));
        Assert.Equal("https://shop.example/hooks", changed.GetProperty("url").GetString());
        var enabled = await world.AskAsync(HttpMethod.Patch, world.Path($"webhook_endpoints/{id}"), new { status = "enabled", url = "https://shop.example/other" }, Cancellation);
        Assert.Equal(JsonValueKind.Null, enabled.GetProperty("disabled_reason").ValueKind);
        Assert.Equal("https://shop.example/other", enabled.GetProperty("url").GetString());

        await world.AskAsync(HttpMethod.Delete, world.Path($"webhook_endpoints/{id}"), null, Cancellation, HttpStatusCode.NoContent);
        await world.AskAsync(HttpMethod.Get, world.Path($"webhook_endpoints/{id}"), null, Cancellation, HttpStatusCode.NotFound);
        await world.AskAsync(HttpMethod.Delete, world.Path($"webhook_endpoints/{id}"), null, Cancellation, HttpStatusCode.NotFound);
        Assert.Equal(0L, await world.Database.ScalarAsync<long>("SELECT count(*) FROM webhook_secrets", Cancellation));
    }

    [Fact]
    public async Task Secrets_rest_sealed()
    {
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation);
        var (_, secret) = await world.RegisterAsync(new Uri("https://shop.example/hooks"), Cancellation);
        var everything = await world.Database.ScalarAsync<string>(
            "SELECT (SELECT string_agg(s::text, '') FROM webhook_secrets s) || (SELECT string_agg(w::text, '') FROM webhook_endpoints w) || (SELECT string_agg(k::text, '') FROM idempotency_keys k)", Cancellation);
        Assert.Contains("shop.example", everything, StringComparison.Ordinal);
        Assert.DoesNotContain(secret["whsec_".Length..], everything, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_request_again_gives_the_same_endpoint_and_secret()
    {
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation);
        var answers = new List<string>();
        for (var i = 0; i < 2; i++)
        {
            using var answer = await world.SendAsync(HttpMethod.Post, world.Path("webhook_endpoints"), new { url = "https://shop.example/hooks" }, Cancellation, "same-key");
            Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
            Assert.Equal(i == 1, answer.Headers.Contains(IdempotencyKey.ReplayedHeader));
            answers.Add(await answer.Content.ReadAsStringAsync(Cancellation));
        }

        Assert.Equal(answers[0], answers[1]);
        using var other = await world.SendAsync(HttpMethod.Post, world.Path("webhook_endpoints"), new { url = "https://shop.example/other" }, Cancellation, "same-key");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, other.StatusCode);
        Assert.Equal(1L, await world.Database.ScalarAsync<long>("SELECT count(*) FROM webhook_endpoints", Cancellation));
    }

    [Fact]
    public async Task Of_more_than_16_endpoints_at_once_16_are_made()
    {
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation);
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i =>
            world.SendAsync(HttpMethod.Post, world.Path("webhook_endpoints"), new { url = $"https://shop.example/{i}" }, Cancellation)));
        Assert.Equal(16, answers.Count(a => a.StatusCode == HttpStatusCode.Created));
        Assert.Equal(4, answers.Count(a => a.StatusCode == HttpStatusCode.Conflict));
        Array.ForEach(answers, a => a.Dispose());

        // Live mode counts for itself, and so does another merchant.
        await world.AskAsync(HttpMethod.Post, world.Path("webhook_endpoints", mode: "live"), new { url = "https://shop.example/live" }, Cancellation, HttpStatusCode.Created);
        await world.AskAsync(HttpMethod.Post, world.Path("webhook_endpoints", EventSamples.Ids.New<MerchantId>()), new { url = "https://shop.example/live" }, Cancellation, HttpStatusCode.Created);
    }

    [Fact]
    public async Task What_belongs_to_another_merchant_or_mode_does_not_exist()
    {
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation);
        await using var merchant = await MerchantServer.StartAsync(Cancellation);
        var (endpoint, _) = await world.RegisterAsync(merchant.Url, Cancellation);
        var sample = EventSamples.Captured(EventSamples.Ids.New<PaymentId>());
        await world.PublishAsync(Cancellation, sample);
        var delivery = (await world.DeliveryAsync(endpoint, "delivered", Cancellation)).GetProperty("id").GetString();
        Assert.Equal(sample.Id.ToString(), (await world.GetAsync($"events/{sample.Id}", Cancellation)).GetProperty("id").GetString());

        foreach (var (stranger, mode) in new[] { (EventSamples.Ids.New<MerchantId>(), "test"), (world.Merchant, "live") })
        {
            string At(string resource) => world.Path(resource, stranger, mode);
            await world.AskAsync(HttpMethod.Get, At($"webhook_endpoints/{endpoint}"), null, Cancellation, HttpStatusCode.NotFound);
            await world.AskAsync(HttpMethod.Patch, At($"webhook_endpoints/{endpoint}"), new { description = "mine" }, Cancellation, HttpStatusCode.NotFound);
            await world.AskAsync(HttpMethod.Delete, At($"webhook_endpoints/{endpoint}"), null, Cancellation, HttpStatusCode.NotFound);
            await world.AskAsync(HttpMethod.Post, At($"webhook_endpoints/{endpoint}/rotate_secret"), null, Cancellation, HttpStatusCode.NotFound);
            await world.AskAsync(HttpMethod.Get, At($"webhook_endpoints/{endpoint}/deliveries"), null, Cancellation, HttpStatusCode.NotFound);
            await world.AskAsync(HttpMethod.Post, At($"webhook_endpoints/{endpoint}/deliveries/{delivery}/resend"), null, Cancellation, HttpStatusCode.NotFound);
            await world.AskAsync(HttpMethod.Get, At($"events/{sample.Id}"), null, Cancellation, HttpStatusCode.NotFound);
            Assert.Equal(0, (await world.AskAsync(HttpMethod.Get, At("webhook_endpoints"), null, Cancellation)).GetProperty("data").GetArrayLength());
            Assert.Equal(0, (await world.AskAsync(HttpMethod.Get, At("events"), null, Cancellation)).GetProperty("data").GetArrayLength());
        }
    }

    [Theory]
    [InlineData("""{}""", "missing_field", "url")]
    [InlineData("""{"url": 7}""", "wrong_type", "url")]
    [InlineData("""{"url": null}""", "null_field", "url")]
    [InlineData("""{"url": "https://10.0.0.1/"}""", "invalid_value", "url")]
    [InlineData("""{"url": "https://shop.example/", "more": 1}""", "unknown_field", "more")]
    [InlineData("""{"url": "https://shop.example/", "event_types": []}""", "invalid_value", "event_types")]
    [InlineData("""{"url": "https://shop.example/", "event_types": ["payment.captured", "payment.exploded"]}""", "invalid_value", "event_types[1]")]
    [InlineData("""{"url": "https://shop.example/", "event_types": ["payment.captured", "payment.captured"]}""", "invalid_value", "event_types[1]")]
    [InlineData("""{"url": "https://shop.example/", "event_types": "payment.captured"}""", "wrong_type", "event_types")]
    public async Task A_bad_endpoint_is_refused_by_name_and_leaves_no_row(string json, string code, string param)
    {
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation);
        using var answer = await world.SendAsync(HttpMethod.Post, world.Path("webhook_endpoints"), JsonSerializer.Deserialize<JsonElement>(json), Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        var problem = JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal((code, param), (problem.GetProperty("code").GetString(), problem.GetProperty("param").GetString()));
        Assert.Equal(0L, await world.Database.ScalarAsync<long>("SELECT (SELECT count(*) FROM webhook_endpoints) + (SELECT count(*) FROM idempotency_keys)", Cancellation));
    }

    [Fact]
    public async Task Without_the_internal_key_nothing_is_answered()
    {
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation);
        world.Client.DefaultRequestHeaders.Authorization = null;
        foreach (var resource in new[] { "webhook_endpoints", "events" })
        {
            using var answer = await world.SendAsync(HttpMethod.Get, world.Path(resource), null, Cancellation);
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        }
    }

    [Fact]
    public async Task Events_go_to_the_endpoints_that_asked_for_them_and_are_listed_for_all()
    {
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation);
        await using var merchant = await MerchantServer.StartAsync(Cancellation);
        var (all, _) = await world.RegisterAsync(merchant.Url, Cancellation);
        var (some, _) = await world.RegisterAsync(merchant.Url, Cancellation, "payment.captured");
        var payment = EventSamples.Ids.New<PaymentId>();
        await world.PublishAsync(Cancellation, EventSamples.Authorized(payment), EventSamples.Captured(payment));
        await WebhooksWorld.UntilAsync(async () => (await world.DeliveriesAsync(all, Cancellation)).Count == 2, "both deliveries", Cancellation);
        Assert.Equal("payment.captured", Assert.Single(await world.DeliveriesAsync(some, Cancellation)).GetProperty("event_type").GetString());

        var first = await world.GetAsync("events?limit=1", Cancellation);
        Assert.True(first.GetProperty("has_more").GetBoolean());
        var second = await world.GetAsync($"events?limit=1&cursor={first.GetProperty("next_cursor").GetString()}", Cancellation);
        Assert.False(second.GetProperty("has_more").GetBoolean());

        // Two pages hold both; which comes first within a millisecond is not promised, because ids never order events.
        Assert.Equal(["payment.authorized", "payment.captured"], new[] { first, second }.Select(p => p.GetProperty("data")[0].GetProperty("type").GetString()).Order());
        Assert.Equal(1, (await world.GetAsync($"events?type=payment.authorized&payment={payment}", Cancellation)).GetProperty("data").GetArrayLength());
        Assert.Equal(0, (await world.GetAsync($"events?payment={EventSamples.Ids.New<PaymentId>()}", Cancellation)).GetProperty("data").GetArrayLength());
        await world.AskAsync(HttpMethod.Get, world.Path("events?type=nonsense"), null, Cancellation, HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Months_past_retention_are_dropped_and_months_to_come_are_made()
    {
        await using var world = await WebhooksWorld.StartAsync(servers, Cancellation);
        // The service itself drops and makes months when it starts.
        await world.StopAsync(Cancellation);
        await world.Database.ExecuteAsync("""
            CREATE TABLE events_2020_01 PARTITION OF events FOR VALUES FROM ('016f5e66-e800-0000-0000-000000000000') TO ('016ffe0c-5400-0000-0000-000000000000');
            INSERT INTO events_default (id, merchant_id, mode, type, subject, version, occurred_at, body)
            VALUES (uuid_from('2019-05-01'), uuid_from(now()), 'test', 'payment.captured', uuid_from(now()), 1, now(), '')
            """, Cancellation);
        Assert.Equal(1, await world.Database.ScalarAsync<int>("SELECT drop_partitions(now() - interval '35 days')", Cancellation));
        Assert.Equal(0L, await world.Database.ScalarAsync<long>("SELECT count(*) FROM events", Cancellation));
        Assert.Equal(0, await world.Database.ScalarAsync<int>("SELECT make_partitions(2)", Cancellation));
        Assert.Equal(3, await world.Database.ScalarAsync<int>("SELECT make_partitions(3)", Cancellation));
        Assert.Equal(
            await world.Database.ScalarAsync<string>("SELECT 'events_' || to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')", Cancellation),
            await world.Database.ScalarAsync<string>("""
                WITH added AS (
                    INSERT INTO events (id, merchant_id, mode, type, subject, version, occurred_at, body)
                    VALUES (uuid_from(now()), uuid_from(now()), 'test', 'payment.captured', uuid_from(now()), 1, now(), '') RETURNING tableoid::regclass::text AS part)
                SELECT part FROM added
                """, Cancellation));
    }
}
