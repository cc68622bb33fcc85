using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Payments.IntegrationTests.Flow;
using Payments.Platform;
using Xunit;
using Eventually = Payments.IntegrationTests.Fire.Eventually;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>A product of its own whose clock can be set to other days; everything else about time is real.</summary>
public sealed class ProofProduct(EmbeddedServers servers) : FlowProduct(servers)
{
    private readonly Clock clock = new();

    internal NpgsqlDataSource Database => Host.ServicesOf(Names.Services.Reconciliation).GetRequiredService<NpgsqlDataSource>();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected override TimeProvider Time => clock;

    protected override Dictionary<string, string?> Configuration() => new(base.Configuration())
    {
        ["Payments:Reconciliation:FetchSeconds"] = "1",
        ["Payments:Reconciliation:StatementQuietSeconds"] = "0",
        ["Payments:Reconciliation:BookSeconds"] = "1",
    };

    /// <summary>
    /// Yesterday in the evening, today, or tomorrow early. Never as much as a day from the database's own clock, which refuses payments that
    /// are made so far from it.
    /// </summary>
    public DateOnly GoTo(int day)
    {
        var now = TimeProvider.System.GetUtcNow();
        var midnight = new DateTimeOffset(now.UtcDateTime.Date, TimeSpan.Zero);
        var to = day switch { < 0 => midnight.AddHours(-3.5), > 0 => midnight.AddDays(1).AddMinutes(10), _ => now };
        var most = TimeSpan.FromHours(23.9);
        clock.Offset = TimeSpan.FromTicks(Math.Clamp((to - now).Ticks, -most.Ticks, most.Ticks));
        return DateOnly.FromDateTime(clock.GetUtcNow().UtcDateTime);
    }

    /// <summary>The bank disputes the payment, the merchant answers as the outcome needs it, and the bank decides; returns how often money moved.</summary>
    public async Task<int> DisputeAsync(Shop shop, string payment, string outcome, CancellationToken cancellationToken)
    {
        var read = await shop.GetAsync($"/v1/payments/{payment}", cancellationToken);
        var provider = Text(read, "provider");
        using (var opened = await Simulators.PostAsJsonAsync("/disputes", new { provider, charge = Text(read, "provider_reference") }, cancellationToken))
        {
            Assert.True(opened.IsSuccessStatusCode, await opened.Content.ReadAsStringAsync(cancellationToken));
        }

        var disputed = await shop.UntilAsync(payment, p => p.GetProperty("disputes").GetArrayLength() == 1, cancellationToken);
        var path = $"/v1/disputes/{Text(disputed.GetProperty("disputes")[0], "id")}";
        await Eventually.BecomesTrueAsync("the dispute waits for an answer", async () => Text(await shop.GetAsync(path, cancellationToken), "status") is var seen && seen == "needs_response" ? null : seen, cancellationToken);
        if (outcome != "accepted")
        {
            using var file = new ByteArrayContent(Encoding.ASCII.GetBytes($"%PDF-1.7 {(outcome == "won" ? "winning_evidence" : "losing_evidence")}"));
            file.Headers.ContentType = new("application/pdf");
            using var laid = await shop.Merchant.PutAsync(new Uri($"{path}/files/receipt", UriKind.Relative), file, cancellationToken);
            Assert.True(laid.IsSuccessStatusCode, await laid.Content.ReadAsStringAsync(cancellationToken));
        }

        await InsistAsync(shop.Merchant, path + (outcome == "accepted" ? "/accept" : "/submit"), new { }, cancellationToken);
        var withheld = outcome == "won" ? 0 : read.GetProperty("amount").GetInt64();
        await Eventually.BecomesTrueAsync(
            $"the dispute is {outcome}",
            async () => await shop.GetAsync(path, cancellationToken) is var seen && Text(seen, "status") == outcome && seen.GetProperty("amount_withheld").GetInt64() == withheld ? null : seen.ToString(),
            cancellationToken);
        return (provider, outcome) switch { (_, "won") => 2, ("adyen", "lost") => 3, _ => 1 };
    }

    /// <summary>Asks under one key until there is an answer: what is refused because of too many requests, or because somebody was away for a moment, is asked again.</summary>
    internal static async Task<Answer> InsistAsync(HttpClient client, string path, object body, CancellationToken cancellationToken)
    {
        var key = NewKey();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(2));
        while (true)
        {
            var answer = await PostAsync(client, path, body, cancellationToken, key);
            if ((int)answer.Status is not (429 or 502 or 503 or 504) || limit.IsCancellationRequested)
            {
                Assert.True((int)answer.Status is >= 200 and < 300, $"{path} answered {(int)answer.Status}: {answer.Body}");
                return answer;
            }

            await Task.Delay(200, limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Waits until the first row is this.</summary>
    internal async Task UntilAsync(string sql, string expected, NpgsqlDataSource? database = null)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromMinutes(5));
        var seen = "";
        while ((seen = (await RowsAsync(sql, database))[0]) != expected)
        {
            Assert.False(limit.IsCancellationRequested, $"expected {expected}, and it stayed at {seen}");
            await Task.Delay(200, limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    internal async Task<List<string>> RowsAsync(string sql, NpgsqlDataSource? database = null)
    {
        await using var command = (database ?? Database).CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync(Cancel);
        var rows = new List<string>();
        while (await reader.ReadAsync(Cancel))
        {
            rows.Add(await reader.IsDBNullAsync(0, Cancel) ? "" : reader.GetString(0));
        }

        return rows;
    }

    private static string? Text(JsonElement of, string name) => of.GetProperty(name).GetString();

    private sealed class Clock : TimeProvider
    {
        private long offset;

        public TimeSpan Offset
        {
            set => Interlocked.Exchange(ref offset, value.Ticks);
        }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddTicks(Interlocked.Read(ref offset));
    }
}
