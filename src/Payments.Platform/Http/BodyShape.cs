using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Payments.Core;

namespace Payments.Platform.Http;

/// <summary>Compares a JSON value with the shape of a type and names the first member that differs, in the order of the body.</summary>
internal static class BodyShape
{
    public static Problem? Check(JsonElement value, Type type) => CheckValue(value, type, nullable: false, path: "");

    private static Problem? CheckValue(JsonElement value, Type type, bool nullable, string path)
    {
        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            (type, nullable) = (underlying, true);
        }
        else if (OptionalJson.InnerOf(type) is { } inner)
        {
            return CheckValue(value, inner.Type, inner.Nullable, path);
        }

        if (value.ValueKind == JsonValueKind.Null)
        {
            return nullable ? null : Problems.NullField(path);
        }

        var shape = Json.Strict.GetTypeInfo(type);
        return shape.Kind switch
        {
            JsonTypeInfoKind.Object => CheckObject(value, shape, path),
            JsonTypeInfoKind.Dictionary => CheckDictionary(value, shape, path),
            JsonTypeInfoKind.Enumerable => CheckList(value, shape, path),
            _ => CheckLeaf(value, shape, path),
        };
    }

    private static Problem? CheckObject(JsonElement value, JsonTypeInfo shape, string path)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            return Problems.WrongType(path, "An object");
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in value.EnumerateObject())
        {
            var memberPath = Join(path, member.Name);
            if (member.Name.Contains('\0', StringComparison.Ordinal))
            {
                return Problems.InvalidCharacter(Shown(path));
            }

            if (shape.Properties.FirstOrDefault(p => p.Name == member.Name) is not { } property || (property.Set is null && property.AssociatedParameter is null))
            {
                return Problems.UnknownField(Shown(memberPath));
            }

            if (!seen.Add(member.Name))
            {
                return Problems.DuplicateField(Shown(memberPath));
            }

            var nullable = property.AssociatedParameter?.IsNullable ?? property.IsSetNullable;
            if (CheckValue(member.Value, property.PropertyType, nullable, memberPath) is { } problem)
            {
                return problem;
            }
        }

        return shape.Properties.FirstOrDefault(p => p.IsRequired && !seen.Contains(p.Name)) is { } missing
            ? Problems.MissingField(Join(path, missing.Name))
            : null;
    }

    private static Problem? CheckDictionary(JsonElement value, JsonTypeInfo shape, string path)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            return Problems.WrongType(path, "An object");
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in value.EnumerateObject())
        {
            if (member.Name.Contains('\0', StringComparison.Ordinal))
            {
                return Problems.InvalidCharacter(Shown(path));
            }

            var memberPath = Join(path, member.Name);
            if (!seen.Add(member.Name))
            {
                return Problems.DuplicateField(Shown(memberPath));
            }

            if (CheckValue(member.Value, shape.ElementType!, nullable: false, memberPath) is { } problem)
            {
                return problem;
            }
        }

        return null;
    }

    private static Problem? CheckList(JsonElement value, JsonTypeInfo shape, string path)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            return Problems.WrongType(path, "A list");
        }

        var index = 0;
        foreach (var item in value.EnumerateArray())
        {
            if (CheckValue(item, shape.ElementType!, nullable: false, $"{path}[{index++}]") is { } problem)
            {
                return problem;
            }
        }

        return null;
    }

    private static Problem? CheckLeaf(JsonElement value, JsonTypeInfo shape, string path)
    {
        var (expected, fits) = Expectation(value, shape.Type);
        if (!fits)
        {
            return Problems.WrongType(path, expected);
        }

        if (value.ValueKind == JsonValueKind.String && !IsText(value))
        {
            return Problems.InvalidCharacter(Shown(path));
        }

        try
        {
            value.Deserialize(shape);
            return null;
        }
        catch (JsonException)
        {
            return Problems.InvalidValue(path, shape.Type.IsEnum
                ? $"One of these is expected: {string.Join(", ", Enum.GetNames(shape.Type).Select(JsonNamingPolicy.SnakeCaseLower.ConvertName))}."
                : PrefixOf(shape.Type) is { } prefix ? $"An id beginning '{prefix}_' is expected." : $"{expected} is expected.");
        }
    }

    /// <summary>Null for what is no id.</summary>
    private static string? PrefixOf(Type type) =>
        type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IId<>)) ? (string?)type.GetProperty(nameof(IId<PaymentId>.Prefix), BindingFlags.Public | BindingFlags.Static)?.GetValue(null) : null;

    /// <summary>False for U+0000, which databases refuse, and for half of a surrogate pair (<c>\ud800</c>): well-formed JSON that is no Unicode text.</summary>
    private static bool IsText(JsonElement value)
    {
        try
        {
            return !value.GetString()!.Contains('\0', StringComparison.Ordinal);
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static (string Expected, bool Fits) Expectation(JsonElement value, Type type)
    {
        if (type == typeof(long) || type == typeof(int) || type == typeof(short))
        {
            // 1.0 and 1e2 are numbers of JSON but no amounts; a number too large for the type is no amount either.
            return ("A whole number", value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && (type == typeof(long) || number is >= int.MinValue and <= int.MaxValue));
        }

        if (type == typeof(decimal))
        {
            return ("A number", value.ValueKind == JsonValueKind.Number);
        }

        if (type == typeof(bool))
        {
            return ("true or false", value.ValueKind is JsonValueKind.True or JsonValueKind.False);
        }

        if (type == typeof(DateTimeOffset))
        {
            return ("A time as RFC 3339 (2026-01-31T12:00:00Z)", value.ValueKind == JsonValueKind.String);
        }

        return ("A text", value.ValueKind == JsonValueKind.String);
    }

    /// <summary>What has no name is the body itself.</summary>
    private static string Shown(string path) => path.Length == 0 ? Problems.Body : path;

    private static string Join(string path, string name)
    {
        // What a stranger wrote comes back in the problem: bounded.
        var shown = name.Length <= 100 ? name : name[..100];
        return path.Length == 0 ? shown : $"{path}.{shown}";
    }
}
