using System.Text.Json;

namespace Payments.Connectors.Wire;

/// <summary>Reads a stranger's JSON: whatever is missing or of another type is null, and the caller decides what that means.</summary>
internal static class JsonReading
{
    public static JsonElement? Object(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object ? value : null;

    public static JsonElement? Object(this JsonElement? element, string name) => element is { } e ? e.Object(name) : null;

    public static string? Text(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public static string? Text(this JsonElement? element, string name) => element is { } e ? e.Text(name) : null;

    public static long? Number(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : null;

    public static long? Number(this JsonElement? element, string name) => element is { } e ? e.Number(name) : null;

    public static bool? Flag(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => null,
        }
        : null;

    public static IEnumerable<JsonElement>? Items(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : null;

    /// <summary>The text itself, or the id of the object that a provider put in its place.</summary>
    public static string? TextOrId(this JsonElement element, string name) => element.Text(name) ?? element.Object(name).Text("id");

    public static DateTimeOffset? UnixTime(this JsonElement? element, string name) =>
        element.Number(name) is { } seconds and > 0 and < 253_402_300_800 ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;
}
