using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Payments.Core;
using Payments.IntegrationTests.Events;
using Payments.Platform.Idempotency;
using Xunit;

namespace Payments.IntegrationTests.Ledger;

/// <summary>What is sent again: what was given after it still counts. Terms that somebody else changed meanwhile are not changed unseen.</summary>
public sealed class RepeatedRequestTests(EmbeddedServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_rate_and_terms_that_come_again_under_their_key_are_answered_as_before_and_undo_nothing()
    {
        await using var ledger = await LedgerService.StartAsync(servers);
        using var http = new HttpClient { BaseAddress = ledger.Address };
        http.DefaultRequestHeaders.Authorization = new("Bearer", EventTestBed.InternalKey);
        var merchant = LedgerDatabase.Ids.New<MerchantId>().ToString();

        foreach (var (path, first, other) in new (string, object, object)[]
        {
            ("rates", Rate("1.0842"), Rate("1.09")),
            ("settlement_terms", Terms(merchant, "daily_t1", 0), Terms(merchant, "daily_t2", 1)),
        })
        {
            Assert.Equal((HttpStatusCode.OK, 1), await PostAsync(http, path, path + "-1", first));
            Assert.Equal((HttpStatusCode.OK, 2), await PostAsync(http, path, path + "-2", other));
            Assert.Equal((HttpStatusCode.OK, 1), await PostAsync(http, path, $"\"{path}-1\"", first));
            Assert.Equal(HttpStatusCode.UnprocessableEntity, (await PostAsync(http, path, path + "-1", other)).Status);
            Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync(http, path, "\"", other)).Status);
        }

        // Whoever read version 1 decides anew.
        Assert.Equal(HttpStatusCode.Conflict, (await PostAsync(http, "settlement_terms", "k-3", Terms(merchant, "daily_t1", 1))).Status);
        foreach (var (of, version, schedule) in new[] { (merchant, 2, "daily_t2"), (LedgerDatabase.Ids.New<MerchantId>().ToString(), 0, "daily_t2") })
        {
            var now = await http.GetFromJsonAsync<JsonElement>(new Uri($"internal/v1/ops/settlement_terms?mode=test&merchant={of}", UriKind.Relative), Cancel);
            Assert.Equal((version, schedule), (now.GetProperty("version").GetInt32(), now.GetProperty("schedule").GetString()));
        }

        Assert.Equal("1.09|daily_t2", await ledger.Books.ValueAsync<string>("""
            SELECT trim_scale(ledger.rate_at('EUR', 'USD', '2026-02-01T00:00:00Z')) || '|' || (SELECT schedule FROM ledger.settlement_terms ORDER BY version DESC LIMIT 1)
            """, Cancel));
    }

    private static object Rate(string rate) => new
    {
        @base = "EUR",
        quote = "USD",
        rate,
        source = "ECB",
        observed_at = "2026-01-31T15:00:00.1234567Z",
        valid_from = "2026-01-31T15:00:00Z",
        valid_until = "2026-02-03T15:00:00Z",
    };

    private static object Terms(string merchant, string schedule, int seen) => new { merchant_id = merchant, mode = "test", expected_version = seen, schedule, time_zone = "Europe/Berlin", calendar = "target" };

    private static async Task<(HttpStatusCode Status, int Version)> PostAsync(HttpClient http, string path, string key, object content)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"internal/v1/ops/{path}", UriKind.Relative)) { Content = JsonContent.Create(content) };
        request.Headers.TryAddWithoutValidation(IdempotencyKey.Header, key);
        using var answer = await http.SendAsync(request, Cancel);
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        return (answer.StatusCode, body.TryGetProperty("version", out var version) ? version.GetInt32() : 0);
    }
}
