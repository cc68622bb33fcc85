using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Xunit;

namespace Payments.IntegrationTests.Http;

/// <summary>Keys, by a path that the Api forwards to a service which is away here: 503 means that the key let the request through.</summary>
public sealed class KeyTests(EmbeddedServers servers)
{
    private const int Passed = 503;
    private const string Probe = "/v1/events";

    [Fact]
    public async Task A_key_works_as_bearer_and_as_user_name()
    {
        await using var host = await StartAsync();
        var (_, key, _) = await host.KeyAsync(await host.MerchantAsync());
        Assert.Equal(Passed, (await host.SendAsync("GET", Probe, key)).Status);
        Assert.Equal(Passed, (await host.SendAsync("GET", Probe, null, with: r => r.Headers.Authorization = Basic(key + ":"))).Status);
        Assert.Equal(Passed, (await host.SendAsync("GET", Probe, null, with: r => r.Headers.Authorization = Basic(key))).Status);
        Refused(await host.SendAsync("GET", Probe, null), 401, "api_key_missing");
        Refused(await host.SendAsync("GET", Probe, key + "x"), 401, "api_key_invalid");
        Refused(await host.SendAsync("GET", Probe, null, with: r => r.Headers.TryAddWithoutValidation("Authorization", "Basic ???")), 401, "api_key_missing");
    }

    [Fact]
    public async Task Kinds_of_keys_do_not_open_each_others_doors()
    {
        await using var host = await StartAsync();
        var merchant = await host.MerchantAsync();
        var (_, secret, _) = await host.KeyAsync(merchant);
        var (_, publishable, _) = await host.KeyAsync(merchant, new { mode = "test", @class = "publishable" });
        Refused(await host.SendAsync("GET", Probe, publishable), 403, "key_class_not_allowed");
        Refused(await host.SendAsync("GET", Probe, ApiHost.OperatorKey), 401, "api_key_invalid");
        Refused(await host.SendAsync("GET", "/ops/v1/merchants", secret), 401, "api_key_invalid");
        Refused(await host.SendAsync("GET", $"/internal/v1/keys/{new string('0', 64)}", secret), 401, "api_key_invalid");
        Refused(await host.SendAsync("GET", $"/internal/v1/keys/{new string('0', 64)}", "internal-key-for-tests"), 404, "api_key_not_found");
    }

    [Fact]
    public async Task A_key_that_may_only_read_cannot_write()
    {
        await using var host = await StartAsync();
        var (_, key, _) = await host.KeyAsync(await host.MerchantAsync(), new { mode = "test", @class = "secret", scopes = new[] { "read" } });
        Assert.Equal(Passed, (await host.SendAsync("GET", Probe, key)).Status);
        Refused(await host.SendAsync("POST", "/v1/webhook_endpoints", key, "{}"), 403, "scope_not_allowed");
    }

    [Fact]
    public async Task Only_a_hash_and_four_characters_are_stored()
    {
        await using var host = await StartAsync();
        var (_, key, secret) = await host.KeyAsync(await host.MerchantAsync(), new { mode = "live", @class = "secret", signing = "required" });
        Assert.StartsWith("sk_live_", key, StringComparison.Ordinal);
        var rows = await host.QueryAsync<string>("""
            SELECT string_agg(t::text, ' ') FROM (
                SELECT k::text AS t FROM api_keys k UNION ALL SELECT a::text FROM audit_entries a UNION ALL SELECT i::text FROM idempotency_keys i) everything
            """);
        Assert.Contains(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key))), rows, StringComparison.Ordinal);
        Assert.DoesNotContain(key[8..], rows, StringComparison.Ordinal);
        Assert.DoesNotContain(secret![5..], rows, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_revoked_key_stops_within_five_seconds()
    {
        await using var host = await StartAsync();
        var merchant = await host.MerchantAsync();
        var (id, key, _) = await host.KeyAsync(merchant);
        Assert.Equal(Passed, (await host.SendAsync("GET", Probe, key)).Status);
        Assert.Equal(200, (await host.OperatorAsync("POST", $"/ops/v1/merchants/{merchant}/keys/{id}/revoke")).Status);
        await UntilRefusedAsync(host, key);
        Refused(await host.OperatorAsync("POST", $"/ops/v1/merchants/{merchant}/keys/{id}/roll"), 409, "api_key_ended");
    }

    [Fact]
    public async Task A_rolled_key_works_beside_its_successor_for_the_overlap()
    {
        await using var host = await StartAsync();
        var merchant = await host.MerchantAsync();
        var (id, key, _) = await host.KeyAsync(merchant, new { mode = "test", @class = "secret", scopes = new[] { "read" } });
        var (status, rolled, _) = await host.OperatorAsync("POST", $"/ops/v1/merchants/{merchant}/keys/{id}/roll", new { overlap_seconds = 3600 });
        Assert.Equal(201, status);
        var successor = rolled.GetProperty("key").GetString()!;
        Assert.Equal("""["read"]""", rolled.GetProperty("api_key").GetProperty("scopes").GetRawText());
        Assert.Equal((Passed, Passed), ((await host.SendAsync("GET", Probe, key)).Status, (await host.SendAsync("GET", Probe, successor)).Status));
        Refused(await host.OperatorAsync("POST", $"/ops/v1/merchants/{merchant}/keys/{id}/roll"), 409, "api_key_ended");

        // The overlap over at once.
        var (_, again, _) = await host.OperatorAsync("POST", $"/ops/v1/merchants/{merchant}/keys/{rolled.GetProperty("api_key").GetProperty("id").GetString()}/roll", new { overlap_seconds = 0 });
        await UntilRefusedAsync(host, successor);
        Assert.Equal(Passed, (await host.SendAsync("GET", Probe, again.GetProperty("key").GetString()!)).Status);
    }

    [Fact]
    public async Task A_suspended_merchant_may_read_and_nothing_else()
    {
        await using var host = await StartAsync();
        var merchant = await host.MerchantAsync();
        await host.OperatorAsync("PATCH", "/ops/v1/merchants/" + merchant, """{"active": false}""");
        var (_, key, _) = await host.KeyAsync(merchant);
        Assert.Equal(Passed, (await host.SendAsync("GET", Probe, key)).Status);
        Refused(await host.SendAsync("POST", "/v1/webhook_endpoints", key, "{}"), 403, "merchant_suspended");
    }

    [Fact]
    public async Task An_operator_cannot_revoke_the_key_in_use_but_another()
    {
        await using var host = await StartAsync();
        var (_, made, _) = await host.OperatorAsync("POST", "/ops/v1/operator_keys", new { name = "Ada" });
        var (id, key) = (made.GetProperty("operator_key").GetProperty("id").GetString(), made.GetProperty("key").GetString());
        Refused(await host.SendAsync("POST", $"/ops/v1/operator_keys/{id}/revoke", key), 409, "operator_key_in_use");
        Assert.Equal(200, (await host.OperatorAsync("POST", $"/ops/v1/operator_keys/{id}/revoke")).Status);
        await UntilRefusedAsync(host, key!, "/ops/v1/merchants");
    }

    [Fact]
    public async Task Only_the_installations_own_key_makes_keys_of_other_people()
    {
        await using var host = await StartAsync();
        var (_, made, _) = await host.OperatorAsync("POST", "/ops/v1/operator_keys", new { name = "Ada", person = "ada.lovelace" });
        var ada = made.GetProperty("key").GetString()!;
        Assert.Equal("ada.lovelace", made.GetProperty("operator_key").GetProperty("person").GetString());
        Refused(await host.SendAsync("POST", "/ops/v1/operator_keys", ada, """{"name": "Ben", "person": "ben"}"""), 403, "person_not_yours");

        // Two keys of hers are one person; so are two of whoever set the system up.
        foreach (var (key, person) in new[] { (ada, "ada.lovelace"), (ApiHost.OperatorKey, "bootstrap") })
        {
            var (status, second, _) = await host.SendAsync("POST", "/ops/v1/operator_keys", key, """{"name": "Another"}""");
            Assert.Equal((201, person), (status, second.GetProperty("operator_key").GetProperty("person").GetString()));
        }
    }

    [Fact]
    public async Task A_signing_key_refuses_what_is_not_signed_by_it_now_and_for_the_first_time()
    {
        await using var host = await StartAsync(("ConnectionStrings:redis", (await servers.RedisAsync(TestContext.Current.CancellationToken)).ConnectionString));
        var (_, key, secret) = await host.KeyAsync(await host.MerchantAsync(), new { mode = "test", @class = "secret", signing = "required" });
        var now = DateTimeOffset.FromUnixTimeSeconds((await host.QueryAsync<DateTime>("SELECT now()")).Ticks / TimeSpan.TicksPerSecond - DateTimeOffset.UnixEpoch.Ticks / TimeSpan.TicksPerSecond);
        const string path = "/v1/webhook_endpoints?a=%20b";
        const string body = """{"url": "https://example.com"}""";

        Refused(await host.SendAsync("POST", path, key, body), 401, "signature_missing");
        Refused(await host.SendAsync("POST", path, key, body, "k1", Sign(secret!, now.AddSeconds(-301), "POST", path, "k1", body)), 401, "signature_expired");
        Refused(await host.SendAsync("POST", path, key, body, "k1", Sign(secret!, now.AddSeconds(310), "POST", path, "k1", body)), 401, "signature_expired");
        Refused(await host.SendAsync("POST", path, key, body, "k1", Sign("ssec_other", now, "POST", path, "k1", body)), 401, "signature_invalid");
        Refused(await host.SendAsync("POST", path, key, body, "k1", Sign(secret!, now, "PUT", path, "k1", body)), 401, "signature_invalid");
        Refused(await host.SendAsync("POST", path, key, body, "k1", Sign(secret!, now, "POST", "/v1/webhook_endpoints", "k1", body)), 401, "signature_invalid");
        Refused(await host.SendAsync("POST", path, key, body, "k2", Sign(secret!, now, "POST", path, "k1", body)), 401, "signature_invalid");
        Refused(await host.SendAsync("POST", path, key, body + " ", "k1", Sign(secret!, now, "POST", path, "k1", body)), 401, "signature_invalid");
        // Past the signature: only now is the query looked at.
        Refused(await host.SendAsync("POST", path, key, body, "k1", Sign(secret!, now, "POST", path, "k1", body)), 400, "unknown_parameter");
        Refused(await host.SendAsync("POST", path, key, body, "k1", Sign(secret!, now, "POST", path, "k1", body)), 401, "signature_replayed");

        // Polling repeats itself within a second, and may.
        Assert.Equal(Passed, (await host.SendAsync("GET", Probe, key, with: Sign(secret!, now, "GET", Probe, "", ""))).Status);
        Assert.Equal(Passed, (await host.SendAsync("GET", Probe, key, with: Sign(secret!, now, "GET", Probe, "", ""))).Status);
    }

    [Fact]
    public async Task A_signature_used_at_one_replica_is_spent_at_the_other()
    {
        var redis = ("ConnectionStrings:redis", (string?)(await servers.RedisAsync(TestContext.Current.CancellationToken)).ConnectionString);
        var database = ("ConnectionStrings:payments", (string?)await servers.CreateDatabaseAsync(Shapes.Api, TestContext.Current.CancellationToken));
        await using var one = await StartAsync(redis, database);
        await using var other = await StartAsync(redis, database);
        var (_, key, secret) = await one.KeyAsync(await one.MerchantAsync(), new { mode = "test", @class = "secret", signing = "optional" });
        var now = new DateTimeOffset(await one.QueryAsync<DateTime>("SELECT date_trunc('second', now())"));
        var sign = Sign(secret!, now, "POST", "/v1/webhook_endpoints", "k1", "{}");
        Assert.Equal(Passed, (await one.SendAsync("POST", "/v1/webhook_endpoints", key, "{}", "k1", sign)).Status);
        Refused(await other.SendAsync("POST", "/v1/webhook_endpoints", key, "{}", "k1", sign), 401, "signature_replayed");
        Assert.Equal(Passed, (await other.SendAsync("POST", "/v1/webhook_endpoints", key, "{}", "k1")).Status);
    }

    private static Action<HttpRequestMessage> Sign(string secret, DateTimeOffset at, string method, string target, string idempotencyKey, string body)
    {
        var timestamp = at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var text = $"{method}\n{target}\n{timestamp}\n{idempotencyKey}\n{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(body)))}";
        var signature = "v1=" + Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(text)));
        return request =>
        {
            request.Headers.Add("Signature-Timestamp", timestamp);
            request.Headers.Add("Signature", signature);
        };
    }

    private static async Task UntilRefusedAsync(ApiHost host, string key, string path = Probe)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(120));
        while ((await host.SendAsync("GET", path, key)).Status != 401)
        {
            await Task.Delay(200, limit.Token);
        }
    }

    private static void Refused((int Status, System.Text.Json.JsonElement Body, HttpResponseMessage Answer) answer, int status, string code) =>
        Assert.Equal((status, code), (answer.Status, answer.Body.GetProperty("code").GetString()));

    private static AuthenticationHeaderValue Basic(string text) => new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(text)));

    private Task<ApiHost> StartAsync(params (string, string?)[] configuration) => ApiHost.StartAsync(servers, TestContext.Current.CancellationToken, configuration);
}
