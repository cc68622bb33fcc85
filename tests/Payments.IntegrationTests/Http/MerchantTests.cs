using System.Text.Json;
using Npgsql;
using Xunit;

namespace Payments.IntegrationTests.Http;

public sealed class MerchantTests(EmbeddedServers servers)
{
    [Fact]
    public async Task A_merchant_begins_with_the_house_prices()
    {
        await using var host = await StartAsync();
        var (status, merchant, _) = await host.OperatorAsync("POST", "/ops/v1/merchants", new { name = "Shop" });
        Assert.Equal(201, status);
        Assert.Equal("""{"version":1,"credit":{"rate_per_million":29000,"fixed_us_cents":30},"debit":{"rate_per_million":15000,"fixed_us_cents":25},"ach":{"rate_per_million":8000,"most_us_cents":500}}""", merchant.GetProperty("plan").GetRawText());
        Assert.Equal("""{"currency":"USD","schedule":"daily_t2"}""", merchant.GetProperty("settlement").GetRawText());
        Assert.Equal(merchant.GetRawText(), (await host.OperatorAsync("GET", "/ops/v1/merchants/" + merchant.GetProperty("id").GetString())).Body.GetRawText());
    }

    [Fact]
    public async Task A_change_touches_what_it_names_and_a_new_price_is_a_new_plan_version()
    {
        await using var host = await StartAsync();
        var id = await host.MerchantAsync();
        var (status, routed, _) = await host.OperatorAsync("PATCH", "/ops/v1/merchants/" + id, """{"routing": {"preferred_provider": "adyen"}, "statement_descriptor": "SHOP"}""");
        Assert.Equal(200, status);
        Assert.Equal(("adyen", "SHOP", 1), (routed.GetProperty("routing").GetProperty("preferred_provider").GetString(), routed.GetProperty("statement_descriptor").GetString(), Version(routed)));

        var priced = (await host.OperatorAsync("PATCH", "/ops/v1/merchants/" + id, """{"plan": {"credit": {"rate_per_million": 20000, "fixed_us_cents": 10}}}""")).Body;
        Assert.Equal((2, 20000, 15000), (Version(priced), Rate(priced, "credit"), Rate(priced, "debit")));
        Assert.Equal("adyen", priced.GetProperty("routing").GetProperty("preferred_provider").GetString());

        var debits = (await host.OperatorAsync("PATCH", "/ops/v1/merchants/" + id, """{"plan": {"ach": {"rate_per_million": 5000, "most_us_cents": 300}}}""")).Body;
        Assert.Equal((3, 5000, 300, 20000), (Version(debits), Rate(debits, "ach"), debits.GetProperty("plan").GetProperty("ach").GetProperty("most_us_cents").GetInt32(), Rate(debits, "credit")));

        var cleared = (await host.OperatorAsync("PATCH", "/ops/v1/merchants/" + id, """{"routing": {"preferred_provider": null}, "statement_descriptor": null}""")).Body;
        Assert.Equal((JsonValueKind.Null, JsonValueKind.Null), (cleared.GetProperty("routing").GetProperty("preferred_provider").ValueKind, cleared.GetProperty("statement_descriptor").ValueKind));
        Assert.Equal(3, Version(cleared));
        Assert.Equal(3L, await host.QueryAsync<long>("SELECT count(*) FROM merchant_plans"));

        static int Version(JsonElement merchant) => merchant.GetProperty("plan").GetProperty("version").GetInt32();
        static int Rate(JsonElement merchant, string kind) => merchant.GetProperty("plan").GetProperty(kind).GetProperty("rate_per_million").GetInt32();
    }

    [Fact]
    public async Task Pages_neither_skip_nor_repeat_while_merchants_are_added()
    {
        await using var host = await StartAsync();
        var before = new List<string>();
        for (var i = 0; i < 25; i++)
        {
            before.Add(await host.MerchantAsync($"Shop {i}"));
        }

        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = (await host.OperatorAsync("GET", "/ops/v1/merchants?limit=4" + (cursor is null ? "" : "&cursor=" + cursor))).Body;
            seen.AddRange(page.GetProperty("data").EnumerateArray().Select(m => m.GetProperty("id").GetString()!));
            cursor = page.GetProperty("next_cursor").GetString();
            Assert.Equal(cursor is not null, page.GetProperty("has_more").GetBoolean());
            await host.MerchantAsync("Meanwhile");
        }
        while (cursor is not null);

        Assert.Equal(Enumerable.Reverse(before), seen);
    }

    [Fact]
    public async Task What_operators_do_is_recorded_and_cannot_be_changed()
    {
        await using var host = await StartAsync();
        var id = await host.MerchantAsync();
        await host.OperatorAsync("PATCH", "/ops/v1/merchants/" + id, """{"active": false}""");
        var (_, key, secret) = await host.KeyAsync(id, new { mode = "live", @class = "secret", signing = "required" });

        var entries = (await host.OperatorAsync("GET", "/ops/v1/audit_entries")).Body;
        Assert.Equal(["api_key.create", "merchant.change", "merchant.create"], entries.GetProperty("data").EnumerateArray().Select(e => e.GetProperty("action").GetString()));
        Assert.DoesNotContain(key, entries.GetRawText(), StringComparison.Ordinal);
        Assert.DoesNotContain(secret!, entries.GetRawText(), StringComparison.Ordinal);
        foreach (var change in new[] { "UPDATE audit_entries SET action = 'x'", "DELETE FROM audit_entries", "TRUNCATE audit_entries" })
        {
            Assert.Equal("23001", (await Assert.ThrowsAsync<PostgresException>(() => host.QueryAsync<object>(change))).SqlState);
        }

        Assert.True(await host.QueryAsync<bool>("""
            SELECT bool_and(previous_hash = before AND hash = sha256(before || convert_to(concat_ws(E'\n', seq, extract(epoch FROM at), operator_key_id, request_id, action, target, detail), 'UTF8')))
            FROM (SELECT *, coalesce(lag(hash) OVER (ORDER BY seq), '\x'::bytea) AS before FROM audit_entries) chained
            """));
    }

    [Fact]
    public async Task Seeding_repeats_without_effect()
    {
        var database = await servers.CreateDatabaseAsync(Shapes.Api, TestContext.Current.CancellationToken);
        var seed = new (string, string?)[]
        {
            ("ConnectionStrings:payments", database), ("Payments:Seed:MerchantName", "Demo"),
            ("Payments:Seed:SecretKey", "sk_test_seedseedseedseedseedseed"), ("Payments:Seed:PublishableKey", "pk_test_seedseedseedseedseedseed"),
            ("Payments:Seed:RequestsPerSecond", "1234"),
        };
        for (var start = 0; start < 2; start++)
        {
            await using var host = await ApiHost.StartAsync(servers, TestContext.Current.CancellationToken, seed);
            Assert.Equal((1L, 2L, 1L), (
                await host.QueryAsync<long>("SELECT count(*) FROM merchants"), await host.QueryAsync<long>("SELECT count(*) FROM api_keys"), await host.QueryAsync<long>("SELECT count(*) FROM operator_keys")));
            Assert.Equal(1234, await host.QueryAsync<int>("SELECT requests_per_second FROM merchants"));
            Assert.Equal(503, (await host.SendAsync("GET", "/v1/events", "sk_test_seedseedseedseedseedseed")).Status);
        }
    }

    private Task<ApiHost> StartAsync() => ApiHost.StartAsync(servers, TestContext.Current.CancellationToken);
}
