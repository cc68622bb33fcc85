using System.Text.RegularExpressions;
using Microsoft.OpenApi;
using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Api.Http.OpenApi;

/// <summary>Completes what the framework knows of the endpoints by the tables of operations.</summary>
internal static partial class ApiDocument
{
    private const string Json = "application/json";
    private const string MerchantKey = "merchant_key";
    private const string MerchantKeyBasic = "merchant_key_basic";
    private const string OperatorKey = "operator_key";
    private const string ProblemSchema = "Problem";

    public static IEnumerable<DocumentedOperation> Operations => MerchantOperations.All.Concat(OperatorOperations.All);

    /// <summary>Internal endpoints, providers' webhooks and the shopper's return page are nobody's to program against.</summary>
    public static bool Covers(string path) =>
        (path.StartsWith("/v1/", StringComparison.Ordinal) || path.StartsWith("/ops/v1/", StringComparison.Ordinal)) && !path.EndsWith("/return", StringComparison.Ordinal);

    public static void Complete(OpenApiDocument document, IConfiguration configuration)
    {
        document.Info = new OpenApiInfo
        {
            Title = "Payments",
            Version = "v1",
            Description = $"""
                JSON in UTF-8, snake_case, at most 64 KiB; unknown, duplicate or wrongly typed members are refused by name. Amounts are whole minor units. Errors are problem
                details (RFC 9457) with `code`, `param` and `request_id`. Every POST needs an `Idempotency-Key`; replays carry `Idempotency-Replayed: true`. Each key may make
                100 requests per second (publishable: 25) with bursts of two seconds' worth; above, 429 with `Retry-After`. A key with signing sends `Signature-Timestamp` (unix
                seconds, decimals allowed, within 300 s) and `Signature: v1=` hex HMAC-SHA256, keyed with the signing secret, over method, path with query, timestamp,
                Idempotency-Key (empty if none) and the hex SHA-256 of the body, joined by line feeds; a signature serves once, except for GET.

                A payment is at least 1 minor unit and at most, in minor units: {string.Join(", ", Currency.All.Select(c => $"{c} {c.LargestPayment}"))}.
                """,
        };
        document.Servers = [Server(configuration["Payments:PublicUrl"], "The API")];
        document.AddComponent(MerchantKey, (IOpenApiSecurityScheme)new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "sk_test_…, sk_live_…; for tokens pk_test_…, pk_live_…" });
        document.AddComponent(MerchantKeyBasic, (IOpenApiSecurityScheme)new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "basic", Description = "The key as user name, no password." });
        document.AddComponent(OperatorKey, (IOpenApiSecurityScheme)new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "ok_…" });
        document.AddComponent(ProblemSchema, (IOpenApiSchema)ExampleSchema.OfAnswer(ProblemExample(), ""));
        document.Paths ??= [];
        foreach (var documented in Operations)
        {
            var operation = FindOrAdd(document, documented);
            Describe(document, operation, documented);
            if (documented.Origin == Origin.Vault)
            {
                operation.Servers = [Server(configuration["Payments:PublicVaultUrl"] ?? configuration["Payments:Urls:Vault"], "The vault: the only origin that takes card data")];
            }
        }
    }

    private static OpenApiOperation FindOrAdd(OpenApiDocument document, DocumentedOperation documented)
    {
        if (!document.Paths.TryGetValue(documented.Path, out var path))
        {
            document.Paths[documented.Path] = path = new OpenApiPathItem { Operations = [] };
        }

        var method = HttpMethod.Parse(documented.Method);
        if (!path.Operations!.TryGetValue(method, out var operation))
        {
            path.Operations[method] = operation = new OpenApiOperation();
        }

        return operation;
    }

    private static void Describe(OpenApiDocument document, OpenApiOperation operation, DocumentedOperation documented)
    {
        operation.Summary = documented.Summary;
        operation.Description = documented.Description;
        operation.OperationId ??= OperationIdOf(documented);
        document.Tags ??= new HashSet<OpenApiTag>();
        document.Tags.Add(new OpenApiTag { Name = documented.Tag });
        operation.Tags = new HashSet<OpenApiTagReference> { new(documented.Tag, document) };
        operation.Security = documented.IsOperators ? [Requirement(document, OperatorKey)] : [Requirement(document, MerchantKey), Requirement(document, MerchantKeyBasic)];
        operation.Parameters = [.. ParametersOf(documented)];
        if (documented.RequestNode is { } request)
        {
            // The framework's schema, where an endpoint declares its type, says more than the example shows.
            var known = operation.RequestBody?.Content is { } content && content.TryGetValue(Json, out var declared) ? declared.Schema : null;
            operation.RequestBody = new OpenApiRequestBody
            {
                Required = documented.Required.Length > 0,
                Content = new Dictionary<string, OpenApiMediaType> { [Json] = new() { Schema = known ?? ExampleSchema.OfRequest(documented.RequestSchemaNode!, documented.Required), Example = request } },
            };
        }

        operation.Responses = ResponsesOf(document, operation, documented);
    }

    private static OpenApiResponses ResponsesOf(OpenApiDocument document, OpenApiOperation operation, DocumentedOperation documented)
    {
        var status = documented.Status.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var responses = operation.Responses ?? [];
        responses.Remove("200");
        responses[status] = AnswerOf(documented, documented.Status == 204 ? "Done." : "The answer.");
        if (responses.ContainsKey("202") && status != "202")
        {
            responses["202"] = AnswerOf(documented, "Accepted: the same object as it stands, the outcome is not known yet.");
        }

        responses["default"] = new OpenApiResponse
        {
            Description = "A problem: the code says which.",
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [Problem.ContentType] = new() { Schema = new OpenApiSchemaReference(ProblemSchema, document), Example = ProblemExample() },
            },
        };
        return responses;
    }

    private static OpenApiResponse AnswerOf(DocumentedOperation documented, string description)
    {
        var answer = new OpenApiResponse { Description = description };
        if (documented.ResponseNode is { } example)
        {
            answer.Content = new Dictionary<string, OpenApiMediaType> { [Json] = new() { Schema = ExampleSchema.OfAnswer(example, documented.ResponseName), Example = example } };
        }

        return answer;
    }

    private static IEnumerable<IOpenApiParameter> ParametersOf(DocumentedOperation documented)
    {
        foreach (Match name in PathParameter().Matches(documented.Path))
        {
            yield return new OpenApiParameter { Name = name.Groups[1].Value, In = ParameterLocation.Path, Required = true, Schema = Text() };
        }

        if (documented.Method == "POST")
        {
            yield return new OpenApiParameter
            {
                Name = "Idempotency-Key",
                In = ParameterLocation.Header,
                Required = true,
                Schema = new OpenApiSchema { Type = JsonSchemaType.String, MinLength = 1, MaxLength = 255 },
                Description = "Chosen by the caller, 1 to 255 printable ASCII characters; the same request under the same key is executed once.",
            };
        }

        foreach (var name in documented.Query)
        {
            var term = Glossary.Parameters[name];
            var schema = name == "limit" ? new OpenApiSchema { Type = JsonSchemaType.Integer, Minimum = "1", Maximum = "100" } : Text();
            schema.Enum = term.Values?.Select(v => (System.Text.Json.Nodes.JsonNode)System.Text.Json.Nodes.JsonValue.Create(v)).ToList();
            yield return new OpenApiParameter { Name = name.Split('@')[0], In = ParameterLocation.Query, Required = documented.RequiredQuery.Contains(name), Schema = schema, Description = term.Meaning };
        }
    }

    private static System.Text.Json.Nodes.JsonNode ProblemExample() =>
        System.Text.Json.Nodes.JsonNode.Parse(Problems.WrongType("amount", "A whole number").ToBytes("req_01k0x5w3n8e2v9y7t4r6q1m5za"))!;

    // POST /v1/payments/{id}/capture becomes post_payments_by_id_capture.
    private static string OperationIdOf(DocumentedOperation documented) =>
        documented.Method.ToLowerInvariant() + string.Concat(documented.Path.Split('/').Where(s => s.Length > 0 && s != "v1").Select(s => s[0] == '{' ? "_by_" + s.Trim('{', '}') : "_" + s));

    private static OpenApiSecurityRequirement Requirement(OpenApiDocument document, string scheme) => new() { [new OpenApiSecuritySchemeReference(scheme, document)] = [] };

    private static OpenApiServer Server(string? url, string description) => new() { Url = url ?? "/", Description = description };

    private static OpenApiSchema Text() => new() { Type = JsonSchemaType.String };

    [GeneratedRegex(@"\{(\w+)\}")]
    private static partial Regex PathParameter();
}
