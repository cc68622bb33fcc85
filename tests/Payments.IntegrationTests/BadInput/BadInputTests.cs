using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Xunit;

namespace Payments.IntegrationTests.BadInput;

/// <summary>Every endpoint × every case that applies to it: a specific problem, no row, no call of a provider.</summary>
[Collection(ProductFixture.Name)]
public sealed class BadInputTests(ProductFixture product)
{
    /// <param name="Param">What is at fault: every refusal names it.</param>
    private sealed record Case(Operation Operation, string Name, string Path, byte[]? Body, int Status, string Code, string Param)
    {
        public string? ContentType { get; init; } = "application/json";

        /// <summary>Empty: a fresh one; null: none.</summary>
        public string? IdempotencyKey { get; init; } = "";
    }

    [Fact]
    public async Task What_is_malformed_is_refused_by_name_at_every_endpoint()
    {
        var surface = await Surface.PrepareAsync(product);
        var cases = surface.Operations.SelectMany(o => Transport(surface, o).Concat(Members(surface, o)).Concat(Paths(surface, o)).Concat(Queries(surface, o))).ToList();
        Assert.All(surface.Operations, o => Assert.Contains(cases, c => c.Operation == o));
        await RunAsync(surface, cases);
    }

    [Fact]
    public async Task What_means_nothing_is_refused_by_name()
    {
        var surface = await Surface.PrepareAsync(product);
        await RunAsync(surface, Meaning(surface));
    }

    [Fact]
    public async Task Every_example_of_the_document_is_accepted()
    {
        var surface = await Surface.PrepareAsync(product);
        var failures = new List<string>();
        foreach (var operation in surface.Operations.Where(o => o.Example is not null && !o.Path.StartsWith("/ops/v1/dead_letters", StringComparison.Ordinal) && !o.Path.StartsWith("/ops/v1/consumers", StringComparison.Ordinal) && !o.Path.StartsWith("/ops/v1/event_log", StringComparison.Ordinal)).OrderBy(o => o.Path.Contains("/revoke", StringComparison.Ordinal) || o.Path.Contains("/void", StringComparison.Ordinal)))
        {
            if (operation.Path.EndsWith("/void", StringComparison.Ordinal))
            {
                surface.Ids["POST /v1/payments/{id}/void id"] = await surface.PaymentAsync(captured: false);
            }

            var (status, body) = await surface.SendAsync(operation, surface.PathOf(operation), surface.KeyOf(operation), Bytes(surface.BodyOf(operation)));
            if (status is < 200 or > 299)
            {
                failures.Add($"{operation}: {status} {body}");
            }
        }

        Assert.True(failures.Count == 0, string.Join('\n', failures));
    }

    private static async Task RunAsync(Surface surface, IReadOnlyList<Case> cases)
    {
        var before = await surface.CountAsync();
        var failures = new List<string>();
        foreach (var @case in cases)
        {
            var (status, body) = await surface.SendAsync(@case.Operation, @case.Path, surface.KeyOf(@case.Operation), @case.Body, @case.ContentType, @case.IdempotencyKey);
            var problem = body.ValueKind == JsonValueKind.Object && body.TryGetProperty("code", out var code) ? code.GetString() : null;
            var param = body.ValueKind == JsonValueKind.Object && body.TryGetProperty("param", out var named) ? named.GetString() : null;
            if ((status, problem, param) != (@case.Status, @case.Code, @case.Param))
            {
                failures.Add($"{@case.Operation}, {@case.Name}: {(status, problem, param)} instead of {(@case.Status, @case.Code, @case.Param)}");
            }
        }

        Assert.True(failures.Count == 0, $"{failures.Count} of {cases.Count}:\n{string.Join('\n', failures)}");
        Assert.Equal(before, await surface.CountAsync());
    }

    private static IEnumerable<Case> Transport(Surface surface, Operation operation)
    {
        var (path, body) = (surface.PathOf(operation), Bytes(surface.BodyOf(operation)));
        if (operation.Method == "POST")
        {
            yield return new(operation, "no idempotency key", path, body, 400, "idempotency_key_missing", "Idempotency-Key") { IdempotencyKey = null };
            yield return new(operation, "idempotency key of 256 characters", path, body, 400, "idempotency_key_invalid", "Idempotency-Key") { IdempotencyKey = new string('k', 256) };
        }

        if (operation.Example is null)
        {
            yield break;
        }

        yield return new(operation, "no JSON", path, "{"u8.ToArray(), 400, "invalid_json", "body");
        yield return new(operation, "a list", path, "[]"u8.ToArray(), 400, "invalid_json", "body");
        yield return new(operation, "bad UTF-8", path, [(byte)'{', (byte)'"', 0xC3, 0x28, (byte)'"', (byte)':', (byte)'1', (byte)'}'], 400, "invalid_utf8", "body");
        yield return new(operation, "deep nesting", path, Encoding.UTF8.GetBytes("{\"x\":" + new string('[', 30) + new string(']', 30) + "}"), 400, "body_too_deep", "body");
        yield return new(operation, "70 KiB", path, [.. body!, .. Encoding.UTF8.GetBytes(new string(' ', 70 * 1024))], 413, "body_too_large", "body");
        yield return new(operation, "wrong content type", path, "{}"u8.ToArray(), 415, "unsupported_content_type", "Content-Type") { ContentType = "text/plain" };
        yield return new(operation, "wrong charset", path, "{}"u8.ToArray(), 415, "unsupported_content_type", "Content-Type") { ContentType = "application/json; charset=utf-16" };
        yield return new(operation, "an unknown member", path, "{\"surprise\": 1}"u8.ToArray(), 400, "unknown_field", "surprise");
        if (operation.Required.Count > 0)
        {
            yield return new(operation, "no body", path, [], 400, "body_missing", "body");
        }
    }

    /// <summary>Each member of the example: of another type, with U+0000, twice; and where it is required: missing and null.</summary>
    private static IEnumerable<Case> Members(Surface surface, Operation operation)
    {
        foreach (var (path, value) in MembersOf(operation.Example as JsonObject, ""))
        {
            if (path.Contains("metadata.", StringComparison.Ordinal))
            {
                continue;
            }

            if (value is not null)
            {
                yield return With(path, "of another type", value is JsonValue v && v.GetValueKind() == JsonValueKind.String ? 12345 : "text", "wrong_type");
                yield return Twice(path, value);
            }

            if (value is JsonValue number && number.GetValueKind() == JsonValueKind.Number)
            {
                yield return With(path, "not whole", 1.5, "wrong_type");
                yield return With(path, "beyond 64 bits", JsonNode.Parse("9223372036854775808"), "wrong_type");
            }

            if (value is JsonValue text && text.GetValueKind() == JsonValueKind.String)
            {
                yield return With(path, "with U+0000", "a\0b", "invalid_character");
            }

            if (operation.Required.Contains(path))
            {
                yield return With(path, "null", null, "null_field");
                var without = surface.BodyOf(operation)!;
                ParentOf(without, path).Remove(path.Split('.')[^1]);
                yield return new(operation, $"{path} missing", surface.PathOf(operation), Bytes(without), 400, "missing_field", path);
            }
        }

        Case With(string path, string name, JsonNode? value, string code)
        {
            var body = surface.BodyOf(operation)!;
            ParentOf(body, path)[path.Split('.')[^1]] = value;
            return new(operation, $"{path} {name}", surface.PathOf(operation), Bytes(body), 400, code, path);
        }

        Case Twice(string path, JsonNode value)
        {
            var marked = surface.BodyOf(operation)!;
            ParentOf(marked, path)["TWICE"] = path.Contains("token", StringComparison.Ordinal) ? surface.Ids["/v1/tokens/id"] : value.DeepClone();
            var json = marked.ToJsonString().Replace("TWICE", path.Split('.')[^1], StringComparison.Ordinal);
            return new(operation, $"{path} twice", surface.PathOf(operation), Encoding.UTF8.GetBytes(json), 400, "duplicate_field", path);
        }
    }

    private static IEnumerable<Case> Paths(Surface surface, Operation operation)
    {
        foreach (var parameter in Surface.ParametersOf(operation))
        {
            var real = surface.PathOf(operation, parameter, "\n").Split('\n')[0].Split('/')[^2];
            var resource = parameter == "id" ? Singular(operation.Path.Split('{')[0].Trim('/').Split('/')[^1]) : parameter.Replace("_id", "", StringComparison.Ordinal);
            resource = operation.Path.Contains("dead_letters", StringComparison.Ordinal) && parameter == "id" ? "dead_letter" : parameter == "key_id" ? "api_key" : resource;
            var unknown = parameter == "service" ? "nowhere" : surface.Ids.GetValueOrDefault(operation.Path.Split('{')[0] + parameter, "x_").Split('_')[0] + "_" + new string('0', 26);
            yield return new(operation, $"unknown {parameter}", surface.PathOf(operation, parameter, unknown), Bytes(surface.BodyOf(operation)), 404, resource + "_not_found", parameter);
            yield return new(operation, $"malformed {parameter} ({real})", surface.PathOf(operation, parameter, "what"), Bytes(surface.BodyOf(operation)), 404, resource + "_not_found", parameter);
        }
    }

    private static IEnumerable<Case> Queries(Surface surface, Operation operation)
    {
        if (operation.Method != "GET")
        {
            yield break;
        }

        var path = surface.PathOf(operation) + (operation.Query.Contains("service") ? "?service=ledger&" : operation.Query.Contains("account") ? "?account=" + surface.Ids["/ops/v1/ledger/accounts/id"] + "&" : "?");
        yield return new(operation, "unknown parameter", path + "surprise=1", null, 400, "unknown_parameter", "surprise");
        foreach (var (name, value) in new[]
        {
            ("limit", "0"), ("limit", "101"), ("limit", "ten"), ("cursor", "what"), ("mode", "both"), ("status", "happy"), ("created[gte]", "yesterday"), ("at", "noon"), ("active", "1"), ("merchant_id", "mer_1"),
        }.Where(q => operation.Query.Contains(q.Item1)))
        {
            yield return new(operation, $"{name}={value}", $"{path}{name}={value}", null, 400, "invalid_parameter", name);
        }
    }

    /// <summary>Well-formed, and still not possible.</summary>
    private static List<Case> Meaning(Surface surface)
    {
        var cases = new List<Case>();
        void Add(string operation, string body, int status, string code, string param)
        {
            var found = surface.Operations.Single(o => o.ToString() == operation);
            cases.Add(new(found, body, surface.PathOf(found), Encoding.UTF8.GetBytes(body), status, code, param));
        }

        void Payment(string change, int status, string code, string param)
        {
            var body = JsonNode.Parse($$$"""{"amount": 5000, "currency": "USD", "payment_method": {"token": "{{{surface.Ids["/v1/tokens/id"]}}}"}}""")!.AsObject();
            foreach (var (name, value) in JsonNode.Parse(change)!.AsObject())
            {
                body[name] = value?.DeepClone();
            }

            Add("POST /v1/payments", body.ToJsonString(), status, code, param);
        }

        Payment("""{"amount": 0}""", 400, "invalid_value", "amount");
        Payment("""{"amount": -1}""", 400, "invalid_value", "amount");
        Payment("""{"amount": 100000001}""", 400, "amount_too_large", "amount");
        Payment("""{"currency": "XXX"}""", 400, "currency_not_supported", "currency");
        Payment("""{"currency": "usd"}""", 400, "currency_not_supported", "currency");
        Payment("""{"payment_method": {"token": "tok_00000000000000000000000001"}}""", 422, "token_not_found", "payment_method.token");
        Payment("""{"capture_method": "later"}""", 400, "invalid_value", "capture_method");
        Payment("""{"return_url": "javascript:alert(1)"}""", 400, "invalid_value", "return_url");
        Payment("""{"receipt_email": "nobody"}""", 400, "invalid_value", "receipt_email");
        Payment("""{"statement_descriptor": "***"}""", 400, "invalid_value", "statement_descriptor");
        Add("POST /v1/payments/{id}/capture", """{"amount": 0}""", 400, "invalid_value", "amount");
        Add("POST /v1/payments/{id}/capture", """{"amount": -5}""", 400, "invalid_value", "amount");
        Add("POST /v1/payments/{id}/refunds", """{"amount": 0}""", 400, "invalid_value", "amount");
        var (authorized, captured) = (surface.Ids["/v1/payments/id"], surface.Ids["/ops/v1/payments/id"]);
        Of(captured, "capture", "{}", 409, "payment_not_capturable", "id");
        Of(captured, "void", "{}", 409, "payment_not_voidable", "id");
        Of(authorized, "refunds", "{}", 409, "payment_not_refundable", "id");
        Of(authorized, "capture", """{"amount": 5001}""", 422, "amount_exceeds_capturable", "amount");
        Of(captured, "refunds", """{"amount": 4901}""", 422, "amount_exceeds_refundable", "amount");

        void Of(string payment, string verb, string body, int status, string code, string param)
        {
            var found = surface.Operations.Single(o => o.ToString() == "POST /v1/payments/{id}/" + verb);
            cases.Add(new(found, $"{verb} {body}", surface.PathOf(found, "id", payment), Encoding.UTF8.GetBytes(body), status, code, param));
        }

        Add("POST /v1/webhook_endpoints", """{"url": "ftp://shop.example/"}""", 400, "invalid_value", "url");
        Add("POST /v1/webhook_endpoints", """{"url": "https://10.0.0.1/"}""", 400, "invalid_value", "url");
        Add("POST /v1/webhook_endpoints", """{"url": "https://shop.example/", "event_types": ["payment.imagined"]}""", 400, "invalid_value", "event_types[0]");
        Add("PATCH /v1/webhook_endpoints/{id}", """{"status": "asleep"}""", 400, "invalid_value", "status");
        Add("POST /v1/tokens", """{"card": {"number": "4242424242424241", "exp_month": 12, "exp_year": 2034, "cvc": "123"}}""", 400, "invalid_card_number", "card.number");
        Add("POST /v1/tokens", """{"card": {"number": "4242424242424242", "exp_month": 13, "exp_year": 2034, "cvc": "123"}}""", 400, "invalid_expiry_month", "card.exp_month");
        Add("POST /v1/tokens", """{"card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2020, "cvc": "123"}}""", 400, "card_expired", "card.exp_year");
        Add("POST /v1/tokens", """{"card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "12"}}""", 400, "invalid_cvc", "card.cvc");
        Add("POST /ops/v1/merchants", """{"name": ""}""", 400, "invalid_value", "name");
        Add("POST /ops/v1/merchants", """{"name": "a", "settlement": {"currency": "JPY"}}""", 400, "invalid_value", "settlement.currency");
        Add("POST /ops/v1/merchants", """{"name": "a", "plan": {"credit": {"rate_per_million": 1000001, "fixed_us_cents": 0}}}""", 400, "invalid_value", "plan.credit.rate_per_million");
        Add("POST /ops/v1/incidents/{id}/assign", """{"assignee": ""}""", 400, "invalid_value", "assignee");
        Add("POST /ops/v1/incidents/{id}/notes", """{"note": ""}""", 400, "invalid_value", "note");
        Add("POST /ops/v1/incidents/{id}/close", """{"reason": ""}""", 400, "invalid_value", "reason");
        Add("POST /ops/v1/breaks/{id}/assign", """{"owner": ""}""", 400, "invalid_value", "owner");
        Add("POST /ops/v1/breaks/{id}/attribute", """{"merchant_id": "mer_00000000000000000000000001", "reason": "Theirs"}""", 422, "merchant_not_found", "merchant_id");
        Add("POST /ops/v1/breaks/{id}/attribute", $$"""{"merchant_id": "{{surface.Owner.MerchantId}}", "reason": ""}""", 400, "invalid_value", "reason");
        Add("PATCH /ops/v1/merchants/{id}", """{"monthly_limits": {"live": -1}}""", 400, "invalid_value", "monthly_limits.live");
        Add("PATCH /ops/v1/merchants/{id}", """{"routing": {"preferred_provider": "paypal"}}""", 400, "invalid_value", "routing.preferred_provider");
        Add("PATCH /ops/v1/merchants/{id}", """{"name": null}""", 400, "null_field", "name");
        Add("POST /ops/v1/merchants/{id}/keys", """{"mode": "test", "class": "publishable", "scopes": ["read"]}""", 400, "invalid_value", "scopes");
        Add("POST /ops/v1/merchants/{id}/keys", """{"mode": "test", "class": "secret", "scopes": ["everything"]}""", 400, "invalid_value", "scopes");
        Add("POST /ops/v1/merchants/{id}/keys/{key_id}/roll", """{"overlap_seconds": 604801}""", 400, "invalid_value", "overlap_seconds");
        Add("POST /ops/v1/operator_keys", """{"name": " "}""", 400, "invalid_value", "name");
        Add("POST /ops/v1/blocklist", """{"mode": "test", "kind": "bin", "value": "4000"}""", 400, "invalid_value", "value");
        return cases;
    }

    private static IEnumerable<(string Path, JsonNode? Value)> MembersOf(JsonObject? example, string path) => example is null ? [] : example.SelectMany(m =>
        new[] { (path + m.Key, m.Value) }.Concat(MembersOf(m.Value as JsonObject, $"{path}{m.Key}.")));

    private static JsonObject ParentOf(JsonNode body, string path) => path.Split('.').SkipLast(1).Aggregate(body, (node, name) => node[name]!).AsObject();

    private static string Singular(string plural) => plural switch
    {
        "blocklist" => "blocklist_entry",
        _ => plural.TrimEnd('s'),
    };

    private static byte[]? Bytes(JsonNode? body) => body is null ? null : Encoding.UTF8.GetBytes(body.ToJsonString());
}
