using System.Globalization;
using System.Text.Json;

namespace Payments.IntegrationTests.BadInput;

/// <summary>Holds an answer against its schema in the document: every member and no other, each of its type.</summary>
internal static class AnswerShape
{
    public static IEnumerable<string> Differences(JsonElement document, JsonElement schema, JsonElement value, string path = "$")
    {
        if (schema.TryGetProperty("$ref", out var reference))
        {
            schema = document.GetProperty("components").GetProperty("schemas").GetProperty(reference.GetString()!.Split('/')[^1]);
        }

        if (!schema.TryGetProperty("type", out var type))
        {
            return [$"{path} has no type in the document"];
        }

        var types = type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().Select(t => t.GetString()!).ToList() : [type.GetString()!];
        if (!types.Exists(t => Is(value, t)))
        {
            return [$"{path} is {value.ValueKind} instead of {string.Join(" or ", types)}"];
        }

        return value.ValueKind switch
        {
            JsonValueKind.Object => OfObject(document, schema, value, path),
            JsonValueKind.Array => value.EnumerateArray().SelectMany((item, i) => Differences(document, schema.GetProperty("items"), item, $"{path}[{i}]")),
            JsonValueKind.String => OfText(schema, value.GetString()!, path),
            _ => [],
        };
    }

    /// <summary>What in a schema does not say its type.</summary>
    public static IEnumerable<string> Untyped(JsonElement schema, string path = "$")
    {
        if (!schema.TryGetProperty("type", out _))
        {
            return [path];
        }

        var members = schema.TryGetProperty("properties", out var properties) ? properties.EnumerateObject().SelectMany(p => Untyped(p.Value, $"{path}.{p.Name}")) : [];
        return schema.TryGetProperty("items", out var items) ? members.Concat(Untyped(items, path + "[]")) : members;
    }

    private static IEnumerable<string> OfObject(JsonElement document, JsonElement schema, JsonElement value, string path)
    {
        if (schema.TryGetProperty("additionalProperties", out var others) && others.ValueKind == JsonValueKind.Object)
        {
            return value.EnumerateObject().SelectMany(m => Differences(document, others, m.Value, $"{path}.{m.Name}"));
        }

        if (!schema.TryGetProperty("properties", out var properties))
        {
            return [];
        }

        var missing = schema.TryGetProperty("required", out var required)
            ? required.EnumerateArray().Select(r => r.GetString()!).Where(r => !value.TryGetProperty(r, out _)).Select(r => $"{path}.{r} is missing") : [];
        return missing.Concat(value.EnumerateObject().SelectMany(m =>
            properties.TryGetProperty(m.Name, out var known) ? Differences(document, known, m.Value, $"{path}.{m.Name}") : [$"{path}.{m.Name} is not documented"]));
    }

    private static IEnumerable<string> OfText(JsonElement schema, string text, string path)
    {
        if (schema.TryGetProperty("enum", out var words) && !words.EnumerateArray().Any(w => w.GetString() == text))
        {
            yield return $"{path} is '{text}', which is not among its words";
        }

        if (schema.TryGetProperty("format", out var format) && format.GetString() == "date-time"
            && !DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _))
        {
            yield return $"{path} is '{text}', which is no time";
        }
    }

    private static bool Is(JsonElement value, string type) => type switch
    {
        "null" => value.ValueKind == JsonValueKind.Null,
        "string" => value.ValueKind == JsonValueKind.String,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
        "number" => value.ValueKind == JsonValueKind.Number,
        "array" => value.ValueKind == JsonValueKind.Array,
        "object" => value.ValueKind == JsonValueKind.Object,
        _ => false,
    };
}
