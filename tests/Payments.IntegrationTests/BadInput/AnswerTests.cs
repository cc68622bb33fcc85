using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Npgsql;
using Payments.Platform;
using Xunit;

namespace Payments.IntegrationTests.BadInput;

/// <summary>Real answers, against what the document promises.</summary>
[Collection(ProductFixture.Name)]
public sealed class AnswerTests(ProductFixture product)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_operation_answers_its_example_with_what_the_document_says()
    {
        var surface = await Surface.PrepareAsync(product);
        var failures = new List<string>();
        var answered = 0;
        foreach (var operation in surface.Operations.Where(o => !NeedsBrokenParts(o)).OrderBy(Turn))
        {
            if (operation.Path.EndsWith("/void", StringComparison.Ordinal))
            {
                surface.Ids["POST /v1/payments/{id}/void id"] = await surface.PaymentAsync(captured: false);
            }

            var file = surface.FileOf(operation);
            var (status, body) = await surface.SendAsync(
                operation, surface.TargetOf(operation).TrimEnd('?', '&'), surface.KeyOf(operation), file?.Bytes ?? Bytes(surface.BodyOf(operation)), file?.Type ?? "application/json");
            answered += status is >= 200 and <= 299 ? 1 : 0;
            failures.AddRange(status is < 200 or > 299 ? [$"{operation}: {status} {body}"] : surface.DifferencesOf(operation, status, body).Select(d => $"{operation}: {d}"));
        }

        Assert.True(failures.Count == 0, string.Join('\n', failures.Distinct()));
        Assert.True(answered > 60, $"Only {answered} operations were tried.");
    }

    [Fact]
    public async Task Every_documented_choice_of_a_query_is_accepted()
    {
        var surface = await Surface.PrepareAsync(product);
        var failures = new List<string>();
        foreach (var operation in surface.Operations.Where(o => o.Method == "GET"))
        {
            foreach (var (query, value) in operation.Query.SelectMany(q => q.Values.Select(v => (q.Name, v))))
            {
                var (status, body) = await surface.SendAsync(operation, $"{surface.TargetOf(operation, without: query)}{query}={value}", surface.KeyOf(operation), null);
                if (status != 200)
                {
                    failures.Add($"{operation} {query}={value}: {status} {body}");
                }
            }
        }

        Assert.True(failures.Count == 0, string.Join('\n', failures));
    }

    [Fact]
    public async Task A_payment_shows_what_was_asked_for_and_what_happened()
    {
        var surface = await Surface.PrepareAsync(product);
        var asked = new JsonObject
        {
            ["amount"] = 4200,
            ["currency"] = "USD",
            ["payment_method"] = new JsonObject { ["type"] = "card", ["token"] = surface.Ids["/v1/tokens/id"] },
            ["description"] = "Two mugs",
            ["order_id"] = "shown-1",
            ["statement_descriptor"] = "MUGS",
            ["receipt_email"] = "ada@example.com",
            ["metadata"] = new JsonObject { ["cart"] = "77", ["Größe"] = "L" },
        };
        var id = (await PayAsync(surface, asked)).GetProperty("id").GetString()!;
        await Surface.UntilAsync(async () => (await ReadAsync(surface, id)).GetProperty("status").GetString() == "captured");
        var (status, refund) = await surface.SendAsync("POST", $"/v1/payments/{id}/refunds", surface.Owner.Secret, new { amount = 200, reason = "A crack" });
        Assert.True(status == 201, refund.ToString());

        var payment = await ReadAsync(surface, id);
        foreach (var (name, value) in asked.Where(m => m.Key is not "payment_method"))
        {
            Assert.True(JsonNode.DeepEquals(value, JsonNode.Parse(payment.GetProperty(name).GetRawText())), $"{name}: {payment.GetProperty(name)}");
        }

        Assert.Equal(("card", surface.Ids["/v1/tokens/id"]), (Text(payment, "payment_method", "type"), Text(payment, "payment_method", "token")));
        var (created, authorized, captured) = (payment.GetProperty("created_at").GetDateTimeOffset(), payment.GetProperty("authorized_at").GetDateTimeOffset(), payment.GetProperty("captured_at").GetDateTimeOffset());
        Assert.True(created <= authorized && authorized <= captured, payment.ToString());
        var timeline = payment.GetProperty("timeline").EnumerateArray().ToList();
        Assert.Equal(("authorize", 4200, JsonValueKind.Null), (Text(timeline[0], "kind"), timeline[0].GetProperty("amount").GetInt64(), timeline[0].GetProperty("reason").ValueKind));
        Assert.Equal(("refund", 200, "A crack"), (Text(timeline[^1], "kind"), timeline[^1].GetProperty("amount").GetInt64(), Text(timeline[^1], "reason")));
        Assert.Equal(timeline.Select(e => e.GetProperty("created_at").GetDateTimeOffset()).Order(), timeline.Select(e => e.GetProperty("created_at").GetDateTimeOffset()));
        Assert.Contains(payment.GetProperty("refunds").EnumerateArray(), r => Text(r, "id") == Text(refund, "id"));
    }

    [Fact]
    public async Task What_is_optional_may_be_null()
    {
        var surface = await Surface.PrepareAsync(product);
        var asked = new JsonObject { ["amount"] = 4200, ["currency"] = "USD", ["payment_method"] = new JsonObject { ["token"] = surface.Ids["/v1/tokens/id"] } };
        foreach (var name in new[] { "description", "order_id", "statement_descriptor", "return_url", "receipt_email", "metadata" })
        {
            asked[name] = null;
        }

        var payment = await PayAsync(surface, asked);
        Assert.All(new[] { "description", "order_id", "statement_descriptor", "receipt_email" }, name => Assert.Equal(JsonValueKind.Null, payment.GetProperty(name).ValueKind));
        Assert.Equal("{}", payment.GetProperty("metadata").GetRawText());
    }

    [Fact]
    public async Task A_decline_names_our_code_and_the_providers()
    {
        var surface = await Surface.PrepareAsync(product);
        var token = await surface.TokenAsync(surface.Owner, "4000000000009995");
        var payment = await PayAsync(surface, new JsonObject { ["amount"] = 4200, ["currency"] = "USD", ["payment_method"] = new JsonObject { ["token"] = token } });
        Assert.Equal("declined", Text(payment, "status"));
        var decline = payment.GetProperty("decline");
        Assert.Equal(("insufficient_funds", "soft", "The card has insufficient funds."), (Text(decline, "code"), Text(decline, "kind"), Text(decline, "message")));
        Assert.Equal(Text(payment, "provider") == "stripe" ? "insufficient_funds" : "12", Text(decline, "provider_code"));
        Assert.Equal(decline.GetRawText(), (await ReadAsync(surface, Text(payment, "id"))).GetProperty("decline").GetRawText());
    }

    [Fact]
    public async Task What_no_limit_and_no_provider_lets_through_is_refused_by_name()
    {
        var surface = await Surface.PrepareAsync(product);
        var limited = await surface.PartyAsync("Limited", monthlyLimit: 100);
        var token = await surface.TokenAsync(limited);
        Refused(await AskAsync(limited, token, 101, "USD"), "monthly_volume_exceeded", "amount");

        // Three decimals and a last digit that Stripe does not take, and a card that Adyen does not know.
        await using (var vault = NpgsqlDataSource.Create(product.ConnectionString(Names.Databases.Vault)))
        {
            await using var command = vault.CreateCommand("DELETE FROM provider_tokens WHERE token_id = $1 AND provider = 'adyen'");
            command.Parameters.Add(new() { Value = Core.Id.TryParse<Core.TokenId>(token, out var id) ? id.Value : throw new InvalidOperationException(token) });
            Assert.Equal(1, await command.ExecuteNonQueryAsync(Token));
        }

        Refused(await AskAsync(limited, token, 15, "KWD"), "no_provider_available", "payment_method.token");
        var (_, payments) = await surface.SendAsync("GET", "/v1/payments", limited.Secret);
        Assert.Equal(0, payments.GetProperty("data").GetArrayLength());

        Task<(int Status, JsonElement Body)> AskAsync(Surface.Party party, string card, long amount, string currency) =>
            surface.SendAsync("POST", "/v1/payments", party.Secret, new { amount, currency, payment_method = new { token = card } });

        static void Refused((int Status, JsonElement Body) answer, string code, string param)
        {
            Assert.True(answer.Status == 422, answer.Body.ToString());
            Assert.Equal((code, param), (Text(answer.Body, "code"), Text(answer.Body, "param")));
        }
    }

    // Dead letters, halted consumers and closed logs are made by the tests of those.
    private static bool NeedsBrokenParts(Operation operation) =>
        operation.Method == "POST" && new[] { "/ops/v1/dead_letters", "/ops/v1/consumers", "/ops/v1/event_log" }.Any(p => operation.Path.StartsWith(p, StringComparison.Ordinal));

    /// <summary>Reading before changing, and last what others need.</summary>
    private static int Turn(Operation operation) =>
        operation.Method == "GET" ? 0
        : operation.Path.EndsWith("/void", StringComparison.Ordinal) || operation.Path.EndsWith("/submit", StringComparison.Ordinal) ? 2
        : operation.Method == "DELETE" ? 3
        : operation.Path.EndsWith("/revoke", StringComparison.Ordinal) ? 4 : 1;

    private static async Task<JsonElement> PayAsync(Surface surface, JsonObject asked)
    {
        var (status, payment) = await surface.SendAsync("POST", "/v1/payments", surface.Owner.Secret, asked.ToJsonString());
        Assert.True(status == 201, payment.ToString());
        return payment;
    }

    private static async Task<JsonElement> ReadAsync(Surface surface, string id) => (await surface.SendAsync("GET", "/v1/payments/" + id, surface.Owner.Secret)).Body;

    private static string Text(JsonElement json, params string[] path) => path.Aggregate(json, (node, name) => node.GetProperty(name)).GetString()!;

    private static byte[]? Bytes(JsonNode? body) => body is null ? null : Encoding.UTF8.GetBytes(body.ToJsonString());
}
