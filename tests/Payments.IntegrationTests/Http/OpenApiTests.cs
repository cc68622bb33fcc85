using System.Text.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Payments.IntegrationTests.BadInput;
using Xunit;

namespace Payments.IntegrationTests.Http;

public sealed class OpenApiTests(EmbeddedServers servers)
{
    // Of the vault, which serves no document of its own.
    private static readonly string[] Vault = ["POST /v1/tokens", "DELETE /v1/tokens/{id}"];

    [Fact]
    public async Task Every_route_is_in_the_document_and_every_path_of_the_document_is_a_route()
    {
        await using var host = await ApiHost.StartAsync(servers, TestContext.Current.CancellationToken);
        var document = await DocumentAsync(host);
        var documented = document.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Where(o => o.Name is "get" or "post" or "patch" or "put" or "delete").Select(o => $"{o.Name.ToUpperInvariant()} {path.Name}"))
            .Order(StringComparer.Ordinal).ToList();
        Assert.Equal(RoutesOf(host).Concat(Vault).Order(StringComparer.Ordinal), documented);
    }

    [Fact]
    public async Task Operations_carry_summary_key_examples_and_problems()
    {
        await using var host = await ApiHost.StartAsync(servers, TestContext.Current.CancellationToken);
        var document = await DocumentAsync(host);
        Assert.Equal("http://127.0.0.1", document.GetProperty("servers")[0].GetProperty("url").GetString());
        Assert.Equal(["merchant_key", "merchant_key_basic", "operator_key"], document.GetProperty("components").GetProperty("securitySchemes").EnumerateObject().Select(s => s.Name).Order(StringComparer.Ordinal));
        foreach (var path in document.GetProperty("paths").EnumerateObject())
        {
            foreach (var operation in path.Value.EnumerateObject())
            {
                var (name, body) = ($"{operation.Name} {path.Name}", operation.Value);
                Assert.True(body.TryGetProperty("summary", out _), name);
                Assert.True(body.GetProperty("security").GetArrayLength() > 0, name);
                Assert.Equal("#/components/schemas/Problem", body.GetProperty("responses").GetProperty("default").GetProperty("content").GetProperty("application/problem+json").GetProperty("schema").GetProperty("$ref").GetString());
                var parameters = body.TryGetProperty("parameters", out var all) ? all.EnumerateArray().Select(p => p.GetProperty("name").GetString()).ToList() : [];
                Assert.Equal(operation.Name == "post", parameters.Contains("Idempotency-Key"));
                Assert.Equal(path.Name.Count(c => c == '{'), all.ValueKind == JsonValueKind.Undefined ? 0 : all.EnumerateArray().Count(p => p.GetProperty("in").GetString() == "path"));
                AnswersAreShown(name, body.GetProperty("responses"));
                if (operation.Name is "post" or "patch")
                {
                    // An empty object has nothing to show, and the writer leaves it out.
                    var content = body.GetProperty("requestBody").GetProperty("content").GetProperty("application/json");
                    Assert.True(content.TryGetProperty("example", out _) || IsEmpty(document, content.GetProperty("schema")), $"{name}: {content}");
                }
            }
        }
    }

    /// <summary>Each success but 204 has an example, and a schema that says every member's type.</summary>
    private static void AnswersAreShown(string operation, JsonElement responses)
    {
        var successes = responses.EnumerateObject().Where(r => r.Name.StartsWith('2')).ToList();
        Assert.NotEmpty(successes);
        Assert.True(!operation.StartsWith("delete ", StringComparison.Ordinal) || successes.Single().Name == "204", operation);
        foreach (var success in successes)
        {
            Assert.True(success.Value.TryGetProperty("content", out var content) == (success.Name != "204"), $"{operation} {success.Name}");
            if (success.Name != "204")
            {
                var json = content.GetProperty("application/json");
                Assert.True(json.TryGetProperty("example", out _), $"{operation} {success.Name}");
                Assert.Equal([], AnswerShape.Untyped(json.GetProperty("schema")).Select(path => $"{operation} {path}"));
                Assert.Equal([], AnswerShape.Differences(default, json.GetProperty("schema"), json.GetProperty("example")).Select(d => $"{operation}: {d}"));
            }
        }
    }

    private static bool IsEmpty(JsonElement document, JsonElement schema)
    {
        if (schema.TryGetProperty("$ref", out var reference))
        {
            schema = document.GetProperty("components").GetProperty("schemas").GetProperty(reference.GetString()!.Split('/')[^1]);
        }

        return schema.GetProperty("type").GetString() == "object" && !schema.TryGetProperty("properties", out _);
    }

    internal static async Task<JsonElement> DocumentAsync(ApiHost host)
    {
        var (status, document, _) = await host.SendAsync("GET", "/openapi/v1.json", null);
        Assert.True(status == 200, document.ToString());
        return document;
    }

    /// <summary>What strangers may call, as <c>METHOD /path</c>.</summary>
    internal static IEnumerable<string> RoutesOf(ApiHost host) =>
        host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .SelectMany(e => (e.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? []).Select(m => (Method: m, Path: "/" + e.RoutePattern.RawText!.Trim('/'))))
            .Where(r => (r.Path.StartsWith("/v1/", StringComparison.Ordinal) || r.Path.StartsWith("/ops/", StringComparison.Ordinal)) && !r.Path.EndsWith("/return", StringComparison.Ordinal))
            .Select(r => $"{r.Method} {r.Path}").Distinct();
}
