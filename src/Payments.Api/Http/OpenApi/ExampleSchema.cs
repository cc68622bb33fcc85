using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace Payments.Api.Http.OpenApi;

/// <summary>The schema that an example shows, with the words of <see cref="Glossary"/>.</summary>
internal static class ExampleSchema
{
    /// <param name="required">Paths of members that must be given; null for answers, in which all members are.</param>
    public static OpenApiSchema Of(JsonNode? example, string[]? required, string path = "")
    {
        var schema = example switch
        {
            JsonObject members => OfObject(members, required, path),
            JsonArray items => new OpenApiSchema { Type = JsonSchemaType.Array, Items = items.Count > 0 ? Of(items[0], required, path) : new OpenApiSchema() },
            JsonValue value => new OpenApiSchema { Type = TypeOf(value.GetValueKind()) },
            _ => new OpenApiSchema(),
        };
        var name = path[(path.LastIndexOf('.') + 1)..];
        if (Glossary.Members.TryGetValue(name, out var term))
        {
            schema.Description = term.Meaning;
            schema.Enum = example is JsonValue ? term.Values?.Select(v => (JsonNode)JsonValue.Create(v)).ToList() : null;
        }

        if (name.EndsWith("_at", StringComparison.Ordinal) && schema.Type == JsonSchemaType.String)
        {
            schema.Format = "date-time";
        }

        return schema;
    }

    private static OpenApiSchema OfObject(JsonObject members, string[]? required, string path)
    {
        // Metadata is the merchant's: any names, texts as values.
        if (path.EndsWith("metadata", StringComparison.Ordinal))
        {
            return new OpenApiSchema { Type = JsonSchemaType.Object, AdditionalProperties = new OpenApiSchema { Type = JsonSchemaType.String } };
        }

        var schema = new OpenApiSchema { Type = JsonSchemaType.Object, Properties = new Dictionary<string, IOpenApiSchema>(), Required = new HashSet<string>() };
        foreach (var (name, value) in members)
        {
            var below = path.Length == 0 ? name : $"{path}.{name}";
            schema.Properties[name] = Of(value, required, below);
            if (required is null || required.Contains(below))
            {
                schema.Required.Add(name);
            }
        }

        // What a request may hold is closed: unknown members are refused.
        schema.AdditionalPropertiesAllowed = required is null;
        return schema;
    }

    private static JsonSchemaType TypeOf(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Number => JsonSchemaType.Integer,
        JsonValueKind.True or JsonValueKind.False => JsonSchemaType.Boolean,
        _ => JsonSchemaType.String,
    };
}
