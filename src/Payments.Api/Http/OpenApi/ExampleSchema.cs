using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace Payments.Api.Http.OpenApi;

/// <summary>The schema that an example shows, with the words of <see cref="Glossary"/>.</summary>
internal static class ExampleSchema
{
    /// <param name="required">Paths of members that must be given.</param>
    public static OpenApiSchema OfRequest(JsonNode example, string[] required) => Of(example, required, "", "");

    /// <summary>In answers all members are given; some may be null.</summary>
    /// <param name="name">What holds it, where its own member <c>object</c> does not say.</param>
    public static OpenApiSchema OfAnswer(JsonNode example, string name) => Of(example, null, name, "");

    private static OpenApiSchema Of(JsonNode? example, string[]? required, string path, string holder)
    {
        var name = path[(path.LastIndexOf('.') + 1)..];
        var member = $"{holder}.{name}";
        if (required is null && AnswerMembers.ShapeOf(member) is { } shape && example is null or JsonArray { Count: 0 })
        {
            example = JsonNode.Parse(shape);
        }

        var schema = required is null && AnswerMembers.IsFree(member) ? new OpenApiSchema { Type = JsonSchemaType.Object } : example switch
        {
            JsonObject members => OfObject(members, required, path, name),
            JsonArray items => new OpenApiSchema { Type = JsonSchemaType.Array, Items = items.Count > 0 ? Of(items[0], required, path, "") : new OpenApiSchema() },
            JsonValue value => new OpenApiSchema { Type = TypeOf(value) },
            _ => new OpenApiSchema(),
        };
        Describe(schema, example, holder, name);
        if (required is null && AnswerMembers.IsNullable(member) && schema.Type is { } type)
        {
            schema.Type = type | JsonSchemaType.Null;
            schema.Enum = null;
        }

        return schema;
    }

    private static void Describe(OpenApiSchema schema, JsonNode? example, string holder, string name)
    {
        if (Glossary.Members.TryGetValue($"{holder}.{name}", out var term) || Glossary.Members.TryGetValue(name, out term))
        {
            schema.Description = term.Meaning;
            schema.Enum = example is JsonValue ? term.Values?.Select(v => (JsonNode)JsonValue.Create(v)).ToList() : null;
        }

        if (name.EndsWith("_at", StringComparison.Ordinal) && schema.Type == JsonSchemaType.String)
        {
            schema.Format = "date-time";
        }
    }

    private static OpenApiSchema OfObject(JsonObject members, string[]? required, string path, string name)
    {
        // Metadata is the merchant's: any names, texts as values. Minimums are of any currencies.
        if (name is "metadata" or "minimums")
        {
            return new OpenApiSchema { Type = JsonSchemaType.Object, AdditionalProperties = new OpenApiSchema { Type = name == "metadata" ? JsonSchemaType.String : JsonSchemaType.Integer } };
        }

        var holder = members["object"]?.GetValue<string>() ?? name;
        var schema = new OpenApiSchema { Type = JsonSchemaType.Object, Properties = new Dictionary<string, IOpenApiSchema>(), Required = new HashSet<string>() };
        foreach (var (member, value) in members)
        {
            var below = path.Length == 0 ? member : $"{path}.{member}";
            schema.Properties[member] = Of(value, required, below, holder);
            if (required is null || required.Contains(below))
            {
                schema.Required.Add(member);
            }
        }

        // What a request may hold is closed: unknown members are refused.
        schema.AdditionalPropertiesAllowed = required is null;
        return schema;
    }

    private static JsonSchemaType TypeOf(JsonValue value) => value.GetValueKind() switch
    {
        JsonValueKind.Number => value.TryGetValue<long>(out _) ? JsonSchemaType.Integer : JsonSchemaType.Number,
        JsonValueKind.True or JsonValueKind.False => JsonSchemaType.Boolean,
        _ => JsonSchemaType.String,
    };
}
