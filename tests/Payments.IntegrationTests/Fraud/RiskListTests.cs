using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Fraud;
using Payments.ServiceDefaults;
using Xunit;

namespace Payments.IntegrationTests.Fraud;

public sealed class RiskListTests(EmbeddedServers servers) : IAsyncLifetime
{
    private const string InternalKey = "internal-key-of-the-test";
    private static readonly IdSource Ids = new(TimeProvider.System);
    private static readonly string Fingerprint = new('a', 64);
    private WebApplication? app;
    private HttpClient client = null!;
    private string connection = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:fraud"] = connection = await servers.CreateDatabaseAsync(Shapes.Fraud, Cancel),
            ["ConnectionStrings:redis"] = (await servers.RedisAsync(Cancel)).ConnectionString,
            ["ConnectionStrings:kafka"] = "127.0.0.1:1",
            ["Payments:Urls:Api"] = "http://127.0.0.1:1",
            ["Payments:InternalKey"] = InternalKey,
            ["Payments:Secrets:EncryptionKey"] = Convert.ToBase64String(new byte[32]),
            ["Payments:Secrets:FingerprintKey"] = Convert.ToBase64String(new byte[32]),
        });
        builder.AddFraud();
        app = builder.Build();
        app.MapFraud();
        await app.MigrateAsync(Cancel);
        await app.StartAsync(Cancel);
        client = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", InternalKey);
    }

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        if (app is not null)
        {
            await app.DisposeAsync();
        }
    }

    [Fact]
    public async Task What_is_not_listed_is_approved_and_what_is_listed_is_rejected_by_name()
    {
        Assert.Equal("approve:0:", Show(await ScoreAsync(Question())));
        await AddAsync(new { mode = "test", action = "block", kind = "fingerprint", value = Fingerprint, reason = "stolen" });
        Assert.Equal("reject:100:blocklisted_card", Show(await ScoreAsync(Question())));
        Assert.Equal("approve:0:", Show(await ScoreAsync(Question() with { CardFingerprint = new string('b', 64) })));
        await AddAsync(new { mode = "test", action = "block", kind = "bin", value = "424242" });
        Assert.Equal("reject:100:blocklisted_card,blocklisted_bin", Show(await ScoreAsync(Question())));
        Assert.Equal("reject:100:blocklisted_bin", Show(await ScoreAsync(Question() with { CardFingerprint = new string('b', 64) })));
    }

    [Fact]
    public async Task An_entry_of_one_merchant_counts_for_that_merchant_only()
    {
        var question = Question();
        await AddAsync(new { mode = "test", action = "block", kind = "bin", value = "424242", merchant_id = question.MerchantId.ToString() });
        Assert.Equal("reject:100:blocklisted_bin", Show(await ScoreAsync(question)));
        Assert.Equal("approve:0:", Show(await ScoreAsync(Question())));
    }

    [Fact]
    public async Task An_entry_of_one_mode_rejects_nothing_in_the_other()
    {
        var test = await AddAsync(new { mode = "test", action = "block", kind = "bin", value = "424242" });
        var live = await AddAsync(new { mode = "live", action = "block", kind = "fingerprint", value = Fingerprint });
        Assert.Equal(("test", "live"), (test.GetProperty("mode").GetString(), live.GetProperty("mode").GetString()));
        Assert.Equal("reject:100:blocklisted_bin", Show(await ScoreAsync(Question())));
        Assert.Equal("reject:100:blocklisted_card", Show(await ScoreAsync(Question() with { Mode = Mode.Live })));
        Assert.NotEqual(test.GetProperty("id").GetString(), (await AddAsync(new { mode = "live", action = "block", kind = "bin", value = "424242" })).GetProperty("id").GetString());
        Assert.Equal([live.GetProperty("id").GetString()], (await ListAsync("mode=live")).Where(e => e.GetProperty("kind").GetString() == "fingerprint").Select(e => e.GetProperty("id").GetString()));
        Assert.Equal([test.GetProperty("id").GetString()], (await ListAsync("mode=test")).Select(e => e.GetProperty("id").GetString()));
    }

    // kind, value, what matches it
    [Theory]
    [InlineData("email", "Ada@Example.com", "allowlisted_email")]
    [InlineData("email_domain", "example.com", "allowlisted_email_domain")]
    [InlineData("ip", "2001:DB8::1", "allowlisted_ip")]
    [InlineData("ip_range", "2001:db8::/32", "allowlisted_ip_range")]
    [InlineData("country", "US", "allowlisted_country")]
    [InlineData("customer", "cus-1", "allowlisted_customer")]
    [InlineData("fingerprint", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "allowlisted_card")]
    public async Task Each_kind_of_entry_is_found_and_told_and_blocking_beats_allowing(string kind, string value, string factor)
    {
        var question = Question() with { CustomerReference = "cus-1", Context = new RiskContext(Ip: "2001:db8::1", Email: "ada@example.com") };
        var entry = await AddAsync(new { mode = "test", action = "allow", kind, value, merchant_id = question.MerchantId.ToString() });
        Assert.Equal($"approve:0:{factor}", Show(await ScoreAsync(question)));
        Assert.Equal("approve:0:", Show(await ScoreAsync(Question() with { CustomerReference = "cus-1", Context = question.Context })));
        Assert.Equal(kind is "email" or "ip" ? value.ToLowerInvariant() : value, entry.GetProperty("value").GetString());

        await AddAsync(new { mode = "test", action = "block", kind, value, merchant_id = question.MerchantId.ToString() });
        Assert.Equal($"reject:100:{factor.Replace("allow", "block", StringComparison.Ordinal)},{factor}", Show(await ScoreAsync(question with { PaymentId = Ids.New<PaymentId>() })));

        await using var database = NpgsqlDataSource.Create(connection);
        await using var read = database.CreateCommand("SELECT string_agg(value || coalesce(sealed, ''), ' ') || (SELECT string_agg(after::text, ' ') FROM risk_audit) FROM list_entries");
        var kept = (string)(await read.ExecuteScalarAsync(Cancel))!;
        Assert.Equal(kind is not ("email" or "ip" or "customer"), kept.Contains(value, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Entries_from_before_there_were_modes_count_in_both()
    {
        await using var database = NpgsqlDataSource.Create(await servers.CreateDatabaseAsync(Cancel));
        var id = Ids.New<RiskListEntryId>().Value;
        await RunAsync(await MigrationAsync("0001"));
        await RunAsync($"INSERT INTO blocklist (id, kind, value, reason) VALUES ('{id}', 'bin', '424242', 'stolen')");

        await RunAsync(await MigrationAsync("0002"));
        await RunAsync(await MigrationAsync("0010"));
        await RunAsync(await MigrationAsync("0011"));

        await using var read = database.CreateCommand("SELECT string_agg(concat_ws(' ', mode, kind, value, reason), ', ' ORDER BY mode), count(DISTINCT id), count(*) FILTER (WHERE left(id::text, 35) = $1) FROM list_entries WHERE action = 'block'");
        read.Parameters.Add(new() { Value = id.ToString()[..35] });
        await using var row = await read.ExecuteReaderAsync(Cancel);
        await row.ReadAsync(Cancel);
        Assert.Equal(("live bin 424242 stolen, test bin 424242 stolen", 2, 2), (row.GetString(0), row.GetInt64(1), row.GetInt64(2)));

        async Task RunAsync(string sql)
        {
            await using var command = database.CreateCommand(sql);
            await command.ExecuteNonQueryAsync(Cancel);
        }

        static async Task<string> MigrationAsync(string number)
        {
            var assembly = typeof(FraudModule).Assembly;
            var name = Assert.Single(assembly.GetManifestResourceNames(), n => n.Contains($"Migrations.{number}_", StringComparison.Ordinal));
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            return await reader.ReadToEndAsync(Cancel);
        }
    }

    [Fact]
    public async Task The_same_payment_keeps_its_decision_although_the_list_has_changed()
    {
        var question = Question();
        var first = await ScoreAsync(question);
        var entry = await AddAsync(new { mode = "test", action = "block", kind = "bin", value = "424242" });
        Assert.Equal(Show(first), Show(await ScoreAsync(question)));
        Assert.Equal("reject:100:blocklisted_bin", Show(await ScoreAsync(Question())));

        using var removed = await client.DeleteAsync(new Uri($"/internal/v1/ops/risk/lists/{entry.GetProperty("id").GetString()}", UriKind.Relative), Cancel);
        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        Assert.Equal("approve:0:", Show(await ScoreAsync(Question())));
        using var again = await client.DeleteAsync(new Uri($"/internal/v1/ops/risk/lists/{entry.GetProperty("id").GetString()}", UriKind.Relative), Cancel);
        Assert.Equal(HttpStatusCode.NotFound, again.StatusCode);
    }

    [Fact]
    public async Task A_hundred_questions_about_one_payment_at_once_get_one_answer()
    {
        var question = Question();
        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => ScoreAsync(question)));
        Assert.Equal(["approve:0:"], answers.Select(Show).Distinct());
    }

    [Fact]
    public async Task Entries_are_listed_page_by_page_and_adding_one_twice_gives_the_first()
    {
        var ids = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            ids.Add((await AddAsync(new { mode = "test", action = "block", kind = "bin", value = $"40000{i}" })).GetProperty("id").GetString()!);
        }

        Assert.Equal(ids[2], (await AddAsync(new { mode = "test", action = "block", kind = "bin", value = "400002" })).GetProperty("id").GetString());
        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = await client.GetFromJsonAsync<JsonElement>($"/internal/v1/ops/risk/lists?limit=2{(cursor is null ? "" : "&cursor=" + cursor)}", Cancel);
            seen.AddRange(page.GetProperty("data").EnumerateArray().Select(e => e.GetProperty("id").GetString()!));
            cursor = page.GetProperty("next_cursor").GetString();
        }
        while (cursor is not null);

        Assert.Equal(Enumerable.Reverse(ids), seen);
    }

    // body, code, param
    [Theory]
    [InlineData("""{"mode":"test","action":"block","kind":"bin","value":"42424"}""", "invalid_value", "value")]
    [InlineData("""{"mode":"test","action":"block","kind":"bin","value":"42424a"}""", "invalid_value", "value")]
    [InlineData("""{"mode":"test","action":"block","kind":"fingerprint","value":"424242"}""", "invalid_value", "value")]
    [InlineData("""{"mode":"test","action":"block","kind":"name","value":"424242"}""", "invalid_value", "kind")]
    [InlineData("""{"mode":"test","action":"block","kind":"bin","value":"424242","reason":""}""", "invalid_value", "reason")]
    [InlineData("""{"mode":"test","action":"block","kind":"bin","value":"424242","merchant_id":"mer_x"}""", "invalid_value", "merchant_id")]
    [InlineData("""{"mode":"test","action":"block","kind":"bin"}""", "missing_field", "value")]
    [InlineData("""{"action":"block","kind":"bin","value":"424242"}""", "missing_field", "mode")]
    [InlineData("""{"mode":"test","kind":"bin","value":"424242"}""", "missing_field", "action")]
    [InlineData("""{"mode":"test","action":"greet","kind":"bin","value":"424242"}""", "invalid_value", "action")]
    [InlineData("""{"mode":"test","action":"block","kind":"customer","value":"ada"}""", "missing_field", "merchant_id")]
    [InlineData("""{"mode":"both","action":"block","kind":"bin","value":"424242"}""", "invalid_value", "mode")]
    [InlineData("""{"mode":"test","action":"block","kind":"bin","value":"424242","extra":1}""", "unknown_field", "extra")]
    public async Task Bad_entries_are_refused(string body, string code, string param)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/internal/v1/ops/risk/lists") { Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json") };
        request.Headers.Add("Idempotency-Key", Ids.New<RequestId>().ToString());
        using var answer = await client.SendAsync(request, Cancel);
        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        Assert.Equal((400, code, param), ((int)answer.StatusCode, problem.GetProperty("code").GetString(), problem.GetProperty("param").GetString()));
    }

    [Fact]
    public async Task Nobody_scores_or_lists_without_the_internal_key()
    {
        using var stranger = new HttpClient { BaseAddress = client.BaseAddress };
        using var score = await stranger.PostAsJsonAsync("/internal/v1/score", Question(), Json.Options, Cancel);
        using var list = await stranger.GetAsync(new Uri("/internal/v1/ops/risk/lists", UriKind.Relative), Cancel);
        Assert.Equal([HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized], new[] { score.StatusCode, list.StatusCode });
        using var garbage = await client.PostAsync(new Uri("/internal/v1/score", UriKind.Relative), new StringContent("{\"payment_id\":", System.Text.Encoding.UTF8, "application/json"), Cancel);
        Assert.Equal(HttpStatusCode.BadRequest, garbage.StatusCode);
    }

    private async Task<FraudDecision> ScoreAsync(FraudRequest question)
    {
        using var answer = await client.PostAsJsonAsync("/internal/v1/score", question, Json.Options, Cancel);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Cancel));
        return (await answer.Content.ReadFromJsonAsync<FraudDecision>(Json.Options, Cancel))!;
    }

    private async Task<List<JsonElement>> ListAsync(string query) =>
        [.. (await client.GetFromJsonAsync<JsonElement>($"/internal/v1/ops/risk/lists?{query}", Cancel)).GetProperty("data").EnumerateArray()];

    private async Task<JsonElement> AddAsync(object entry)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/internal/v1/ops/risk/lists") { Content = JsonContent.Create(entry) };
        request.Headers.Add("Idempotency-Key", Ids.New<RequestId>().ToString());
        using var answer = await client.SendAsync(request, Cancel);
        Assert.True(answer.StatusCode == HttpStatusCode.Created, await answer.Content.ReadAsStringAsync(Cancel));
        return await answer.Content.ReadFromJsonAsync<JsonElement>(Cancel);
    }

    private static FraudRequest Question() =>
        new(Ids.New<PaymentId>(), Ids.New<MerchantId>(), Mode.Test, 5_000, "USD", Fingerprint, "visa", "424242", "US", "credit");

    /// <summary>Without the mark of a Redis that was late on a busy machine: the decision is the same.</summary>
    private static string Show(FraudDecision decision) =>
        $"{decision.Verdict.ToString().ToLowerInvariant()}:{decision.Score}:{string.Join(',', decision.Factors.Where(f => f != Payments.Fraud.Scoring.FraudScorer.FromDatabase))}";
}
