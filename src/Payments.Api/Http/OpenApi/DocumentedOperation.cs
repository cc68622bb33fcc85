using System.Text.Json.Nodes;

namespace Payments.Api.Http.OpenApi;

internal enum Origin
{
    Api,
    Vault,
}

/// <summary>One operation as the document describes it: what no code says by itself.</summary>
/// <param name="Query">Names of query parameters; <see cref="Glossary"/> explains them, one that means different things as <c>name@sense</c>.</param>
/// <param name="Request">An example of the body; every member of it is a member of the schema.</param>
/// <param name="Required">Members of the body that must be given, by path.</param>
/// <param name="Response">An example of the answer.</param>
internal sealed record DocumentedOperation(string Method, string Path, string Tag, string Summary)
{
    public string? Description { get; init; }
    public Origin Origin { get; init; }
    public string[] Query { get; init; } = [];

    /// <summary>Those of <see cref="Query"/> that must be given.</summary>
    public string[] RequiredQuery { get; init; } = [];
    public string? Request { get; init; }
    public string[] Required { get; init; } = [];

    /// <summary>Members that may stand instead of some of the example's; they are members of the schema, too.</summary>
    public string? RequestInstead { get; init; }
    public int Status { get; init; } = 200;
    public string? Response { get; init; }

    /// <summary>What the answer is, where its member <c>object</c> does not say.</summary>
    public string ResponseName { get; init; } = "";

    public bool IsOperators => Path.StartsWith("/ops/", StringComparison.Ordinal);

    /// <summary>An example list around one row.</summary>
    public static string List(string row) => $$"""{"object": "list", "data": [{{row}}], "has_more": false, "next_cursor": null}""";

    public JsonNode? RequestNode => Request is null ? null : JsonNode.Parse(Request);

    /// <summary>The example with the members that may stand instead of some of it: what the schema is made of.</summary>
    public JsonNode? RequestSchemaNode
    {
        get
        {
            var whole = RequestNode;
            foreach (var (member, value) in RequestInstead is null ? [] : JsonNode.Parse(RequestInstead)!.AsObject())
            {
                whole![member] = value?.DeepClone();
            }

            return whole;
        }
    }

    public JsonNode? ResponseNode => Response is null ? null : JsonNode.Parse(Response);
}
