using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Payments.IntegrationTests.Fraud;
using Payments.Platform;
using Xunit;

namespace Payments.IntegrationTests.BadInput;

/// <summary>One operation of the document, which is held against the routes elsewhere: what is mapped is tested here.</summary>
internal sealed record Operation(string Method, string Path, JsonNode? Example, IReadOnlySet<string> Required, IReadOnlyList<QueryParameter> Query, JsonElement Responses)
{
    public bool IsVaults => Path.StartsWith("/v1/tokens", StringComparison.Ordinal);

    public override string ToString() => $"{Method} {Path}";
}

/// <param name="Values">Empty: not a choice out of words.</param>
internal sealed record QueryParameter(string Name, bool Required, IReadOnlyList<string> Values);

/// <summary>The API as strangers meet it: its operations, and real objects of two merchants to try them on.</summary>
internal sealed partial class Surface(ProductFixture product)
{
    // One charge of nobody serves all: the product takes its time to be sure that nobody knows it.
    private static Task<(string Incident, string Break)>? stray;
    private const string OrderId = "surface-1042";

    private int keys;

    public sealed record Party(string MerchantId, string KeyId, string Secret, string Live, string Publishable);

    public Party Owner { get; private set; } = null!;

    public Party Stranger { get; private set; } = null!;

    public JsonElement Document { get; private set; }

    public IReadOnlyList<Operation> Operations { get; private set; } = [];

    /// <summary>Real ids for path parameters, by operation and parameter, or by the first segment and parameter.</summary>
    public Dictionary<string, string> Ids { get; } = [];

    /// <summary>A token of a bank account.</summary>
    public string BankToken { get; private set; } = "";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<Surface> PrepareAsync(ProductFixture product)
    {
        var surface = new Surface(product);
        surface.Operations = await surface.ReadOperationsAsync();
        surface.Owner = await surface.PartyAsync("Owner");
        surface.Stranger = await surface.PartyAsync("Stranger");
        await surface.SeedAsync();
        return surface;
    }

    public string KeyOf(Operation operation) =>
        operation.Path.StartsWith("/ops/", StringComparison.Ordinal) ? product.Host.Secrets.OperatorKey
        : operation is { IsVaults: true, Method: "POST" } ? Owner.Publishable : Owner.Secret;

    /// <summary>The path with real ids, or with one replaced.</summary>
    public string PathOf(Operation operation, string? parameter = null, string? value = null) => Parameter().Replace(operation.Path, match =>
    {
        var name = match.Groups[1].Value;
        return name == parameter ? value! : Ids.GetValueOrDefault($"{operation} {name}") ?? Ids[operation.Path.Split('{')[0] + name];
    });

    /// <summary>The path with real ids and the query parameters that must be given, and room for more behind it.</summary>
    public string TargetOf(Operation operation, string? without = null) => operation.Query
        .Where(q => q.Required && q.Name != without)
        .Aggregate(PathOf(operation) + "?", (target, q) => $"{target}{q.Name}={(q.Name switch { "account" => Ids["/ops/v1/ledger/accounts/id"], "merchant" => Owner.MerchantId, _ => q.Values[0] })}&");

    /// <summary>What an id of nobody's is answered with.</summary>
    public static string NotFoundCodeOf(Operation operation, string parameter)
    {
        var collection = operation.Path.Split('{')[0].Trim('/').Split('/')[^1];
        return parameter switch
        {
            "id" when operation.Path.Contains("dead_letters", StringComparison.Ordinal) => "dead_letter",
            "id" when operation.Path.Contains("/risk/lists", StringComparison.Ordinal) => "risk_list_entry",
            "id" when operation.Path.Contains("/risk/rules", StringComparison.Ordinal) => "risk_rule",
            "id" => collection.TrimEnd('s'),
            "key_id" => "api_key",
            _ => parameter.Replace("_id", "", StringComparison.Ordinal),
        } + "_not_found";
    }

    /// <summary>What an answer has otherwise than the document says, in words.</summary>
    public IEnumerable<string> DifferencesOf(Operation operation, int status, JsonElement body)
    {
        if (!operation.Responses.TryGetProperty(status.ToString(CultureInfo.InvariantCulture), out var response))
        {
            return [$"{status} is not documented"];
        }

        if (!response.TryGetProperty("content", out var content))
        {
            return body.ValueKind == JsonValueKind.Undefined ? [] : ["a body is not documented"];
        }

        return AnswerShape.Differences(Document, content.GetProperty("application/json").GetProperty("schema"), body);
    }

    public static IEnumerable<string> ParametersOf(Operation operation) => Parameter().Matches(operation.Path).Select(m => m.Groups[1].Value);

    public JsonNode? BodyOf(Operation operation)
    {
        var body = operation.Example?.DeepClone();
        if (body?["payment_method"] is { } method)
        {
            method["token"] = Ids["/v1/tokens/id"];
        }

        if (body is JsonObject members && members.ContainsKey("merchant_id"))
        {
            members["merchant_id"] = Owner.MerchantId;
        }

        // Each reference once, and of these weeks.
        if (body?["exchanged_at"] is not null)
        {
            body["exchanged_at"] = TimeProvider.System.GetUtcNow();
            body["reference"] = "FX of " + Owner.MerchantId;
        }

        return body;
    }

    /// <summary>What a file is sent as; null where the body is JSON.</summary>
    public (byte[] Bytes, string Type)? FileOf(Operation operation) => operation.Path switch
    {
        _ when operation.Path.EndsWith("/files/{evidence_kind}", StringComparison.Ordinal) => ("%PDF-1.7\n%%EOF\n"u8.ToArray(), "application/pdf"),
        _ when operation.Path.EndsWith("/status_report", StringComparison.Ordinal) => (Encoding.UTF8.GetBytes($"""
            <Document><CstmrPmtStsRpt><OrgnlGrpInfAndSts><OrgnlMsgId>{Ids["/ops/v1/ledger/payout_files/id"].Replace('_', '-')}</OrgnlMsgId><GrpSts>ACSC</GrpSts></OrgnlGrpInfAndSts></CstmrPmtStsRpt></Document>
            """), "application/xml"),
        _ => null,
    };

    public Task<(int Status, JsonElement Body)> SendAsync(Operation operation, string path, string key, byte[]? body, string? contentType = "application/json", string? idempotencyKey = "") =>
        SendAsync(operation.Method, operation.IsVaults ? product.Host.Addresses.Vault : product.Host.Addresses.Api, path, key, body, contentType, idempotencyKey);

    public Task<(int Status, JsonElement Body)> SendAsync(string method, string path, string key, object? body = null) => SendAsync(
        method, path.StartsWith("/v1/tokens", StringComparison.Ordinal) ? product.Host.Addresses.Vault : product.Host.Addresses.Api, path, key,
        body is null ? null : Encoding.UTF8.GetBytes(body as string ?? JsonSerializer.Serialize(body)), "application/json", "");

    /// <summary>What must not grow by refused requests: rows of each service, and what the providers did.</summary>
    public async Task<string> CountAsync()
    {
        var counts = new List<string>();
        foreach (var (database, tables) in new (string, string[])[]
        {
            (Names.Databases.Payments, ["payments", "operations", "attempts", "payment_requests", "cancelled_orders", "idempotency_keys", "merchants", "merchant_plans", "api_keys", "operator_keys", "audit_entries", "outbox", "incident_notes", "breaks", "risk_contexts", "erasures", "reviews", "review_notes", "disputes", "dispute_evidence"]),
            (Names.Databases.Vault, ["tokens", "provider_tokens", "token_contexts", "bank_accounts", "idempotency_keys"]),
            (Names.Databases.Webhooks, ["webhook_endpoints", "webhook_secrets", "idempotency_keys"]),
            (Names.Databases.Fraud, ["models", "model_changes", "list_entries", "rules", "rule_versions", "risk_audit", "idempotency_keys"]),
        })
        {
            await using var source = NpgsqlDataSource.Create(product.ConnectionString(database));
            foreach (var table in tables)
            {
                await using var command = source.CreateCommand($"SELECT count(*) FROM {table}");
                var rows = (long)(await command.ExecuteScalarAsync(Token))!;
                counts.Add($"{database}.{table}={rows}");
            }
        }

        foreach (var provider in new[] { "stripe", "adyen" })
        {
            counts.Add($"{provider}={(await product.BooksAsync(provider, Token)).GetRawText().Length}");
        }

        return string.Join(' ', counts);
    }

    public async Task<string> TokenAsync(Party party, string number = "4242424242424242")
    {
        var (status, token) = await SendAsync("POST", "/v1/tokens", party.Publishable, new { card = new { number, exp_month = 12, exp_year = 2034, cvc = "123" } });
        Assert.True(status == 201, token.ToString());
        return token.GetProperty("id").GetString()!;
    }

    public async Task<string> PaymentAsync(bool captured)
    {
        var body = new { amount = 5000, currency = "USD", payment_method = new { token = Ids["/v1/tokens/id"] }, capture_method = captured ? "automatic" : "manual", order_id = OrderId };
        var (status, payment) = await SendAsync("POST", "/v1/payments", Owner.Secret, body);
        Assert.True(status == 201, payment.ToString());
        var id = payment.GetProperty("id").GetString()!;
        await UntilAsync(async () => (await SendAsync("GET", "/v1/payments/" + id, Owner.Secret)).Body.GetProperty("status").GetString() == (captured ? "captured" : "authorized"));
        return id;
    }

    public static async Task UntilAsync(Func<Task<bool>> holds)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromSeconds(240));
        while (!await holds())
        {
            await Task.Delay(100, limit.Token);
        }
    }

    private async Task<(int Status, JsonElement Body)> SendAsync(string method, Uri origin, string path, string key, byte[]? body, string? contentType, string? idempotencyKey)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(origin, path));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        if (method == "POST" && idempotencyKey is not null)
        {
            var fresh = string.Create(CultureInfo.InvariantCulture, $"surface-{Environment.ProcessId}-{GetHashCode()}-{Interlocked.Increment(ref keys)}");
            request.Headers.TryAddWithoutValidation("Idempotency-Key", idempotencyKey.Length == 0 ? fresh : idempotencyKey);
        }

        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }

        using var answer = await product.Api.SendAsync(request, Token);
        var bytes = await answer.Content.ReadAsByteArrayAsync(Token);
        var isJson = answer.Content.Headers.ContentType?.MediaType is not ("text/csv" or "text/html");
        return ((int)answer.StatusCode, bytes.Length == 0 || !isJson ? default : JsonSerializer.Deserialize<JsonElement>(bytes));
    }

    private async Task<List<Operation>> ReadOperationsAsync()
    {
        using var answer = await product.Api.GetAsync(new Uri("/openapi/v1.json", UriKind.Relative), Token);
        var document = Document = await ProductFixture.JsonAsync(answer, Token);
        var found = new List<Operation>();
        foreach (var path in document.GetProperty("paths").EnumerateObject())
        {
            foreach (var operation in path.Value.EnumerateObject().Where(o => o.Value.ValueKind == JsonValueKind.Object))
            {
                var parameters = operation.Value.TryGetProperty("parameters", out var all) ? all.EnumerateArray().ToList() : [];
                var (example, required) = ((JsonNode?)null, new HashSet<string>());
                if (operation.Value.TryGetProperty("requestBody", out var body))
                {
                    var content = body.GetProperty("content").GetProperty("application/json");
                    example = content.TryGetProperty("example", out var shown) ? JsonNode.Parse(shown.GetRawText()) : new JsonObject();
                    AddRequired(document, content.GetProperty("schema"), "", required);
                }

                found.Add(new Operation(
                    operation.Name.ToUpperInvariant(), path.Name, example, required,
                    [.. parameters.Where(p => p.GetProperty("in").GetString() == "query").Select(QueryParameterOf)], operation.Value.GetProperty("responses")));
            }
        }

        return found;
    }

    private static QueryParameter QueryParameterOf(JsonElement parameter) => new(
        parameter.GetProperty("name").GetString()!,
        parameter.TryGetProperty("required", out var required) && required.GetBoolean(),
        parameter.GetProperty("schema").TryGetProperty("enum", out var values) ? [.. values.EnumerateArray().Select(v => v.GetString()!)] : []);

    private static void AddRequired(JsonElement document, JsonElement schema, string path, HashSet<string> required)
    {
        if (schema.TryGetProperty("$ref", out var reference))
        {
            schema = document.GetProperty("components").GetProperty("schemas").GetProperty(reference.GetString()!.Split('/')[^1]);
        }

        foreach (var name in schema.TryGetProperty("required", out var names) ? names.EnumerateArray().Select(n => n.GetString()!) : [])
        {
            required.Add(path + name);
            AddRequired(document, schema.GetProperty("properties").GetProperty(name), $"{path}{name}.", required);
        }
    }

    /// <summary>A new merchant with keys.</summary>
    public async Task<Party> PartyAsync(string name, long? monthlyLimit = null)
    {
        var ops = product.Host.Secrets.OperatorKey;
        var (_, merchant) = await SendAsync("POST", "/ops/v1/merchants", ops, new { name, monthly_limits = new { test = monthlyLimit } });
        var id = merchant.GetProperty("id").GetString()!;
        var keyed = new List<(string Id, string Key)>();
        foreach (var (mode, @class) in new[] { ("test", "secret"), ("live", "secret"), ("test", "publishable") })
        {
            var (_, made) = await SendAsync("POST", $"/ops/v1/merchants/{id}/keys", ops, new { mode, @class });
            keyed.Add((made.GetProperty("api_key").GetProperty("id").GetString()!, made.GetProperty("key").GetString()!));
        }

        return new Party(id, keyed[0].Id, keyed[0].Key, keyed[1].Key, keyed[2].Key);
    }

    private async Task<string> FirstAsync(string path, string key)
    {
        string? id = null;
        await UntilAsync(async () =>
        {
            var (status, page) = await SendAsync("GET", path, key);
            Assert.True(status == 200, $"{path}: {status} {page}");
            id = page.GetProperty("data").EnumerateArray().Select(row => row.GetProperty("id").GetString()).FirstOrDefault();
            return id is not null;
        });
        return id!;
    }

    [GeneratedRegex(@"\{(\w+)\}")]
    private static partial Regex Parameter();
}
