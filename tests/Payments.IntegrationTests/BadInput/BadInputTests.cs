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
        await RunAsync(surface, [.. Meanings.Of(surface).Select(m => new Case(m.Operation, $"{m.Body}", m.Path, Encoding.UTF8.GetBytes(m.Body), m.Status, m.Code, m.Param))]);
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
            var code = Surface.NotFoundCodeOf(operation, parameter);
            var unknown = parameter == "service" ? "nowhere" : surface.Ids.GetValueOrDefault(operation.Path.Split('{')[0] + parameter, "x_").Split('_')[0] + "_" + new string('0', 26);
            yield return new(operation, $"unknown {parameter}", surface.PathOf(operation, parameter, unknown), Bytes(surface.BodyOf(operation)), 404, code, parameter);
            yield return new(operation, $"malformed {parameter}", surface.PathOf(operation, parameter, "what"), Bytes(surface.BodyOf(operation)), 404, code, parameter);
        }
    }

    // Each parameter of the document has a row.
    private static readonly (string Name, string[] Values)[] WrongValues =
    [
        ("limit", ["0", "101", "ten", ""]), ("cursor", ["what", ""]), ("mode", ["both"]), ("status", ["happy"]), ("type", ["nonsense"]), ("kind", ["nonsense"]), ("provider", ["paypal"]),
        ("currency", ["XXX", "usd", ""]), ("created[gte]", ["yesterday"]), ("created[gt]", ["2026-13-01"]), ("created[lt]", ["tomorrow"]), ("created[lte]", ["-1"]), ("at", ["noon"]), ("from", ["yesterday"]), ("to", ["tomorrow"]),
        ("active", ["1"]), ("claimed", ["perhaps"]), ("unresolved", ["perhaps"]), ("basis", ["felt"]), ("merchant_id", ["mer_1"]), ("merchant", ["1"]), ("payment", ["pay_1"]), ("event", ["evt_1"]),
        ("account", ["acc_1"]), ("service", ["nowhere", ""]), ("leg", ["third"]), ("format", ["pdf", ""]), ("state", ["happy"]), ("order_id", ["", new string('o', 101)]), ("target", ["", new string('t', 101)]), ("owner", ["", new string('o', 41)]),
    ];

    private static IEnumerable<Case> Queries(Surface surface, Operation operation)
    {
        if (operation.Method != "GET")
        {
            yield break;
        }

        yield return new(operation, "unknown parameter", surface.TargetOf(operation) + "surprise=1", null, 400, "unknown_parameter", "surprise");
        foreach (var query in operation.Query)
        {
            var target = surface.TargetOf(operation, without: query.Name);
            if (query.Required)
            {
                yield return new(operation, $"{query.Name} left out", target.TrimEnd('?', '&'), null, 400, "missing_parameter", query.Name);
            }

            var wrong = Assert.Single(WrongValues, w => w.Name == query.Name).Values;
            yield return new(operation, $"{query.Name} twice", $"{target}{query.Name}={wrong[0]}&{query.Name}={wrong[0]}", null, 400, "duplicate_parameter", query.Name);
            foreach (var value in wrong)
            {
                yield return new(operation, $"{query.Name}={value}", $"{target}{query.Name}={value}", null, 400, "invalid_parameter", query.Name);
            }
        }
    }

    private static IEnumerable<(string Path, JsonNode? Value)> MembersOf(JsonObject? example, string path) => example is null ? [] : example.SelectMany(m =>
        new[] { (path + m.Key, m.Value) }.Concat(MembersOf(m.Value as JsonObject, $"{path}{m.Key}.")));

    private static JsonObject ParentOf(JsonNode body, string path) => path.Split('.').SkipLast(1).Aggregate(body, (node, name) => node[name]!).AsObject();

    private static byte[]? Bytes(JsonNode? body) => body is null ? null : Encoding.UTF8.GetBytes(body.ToJsonString());
}
