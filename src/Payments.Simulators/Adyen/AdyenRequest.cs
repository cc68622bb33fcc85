using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Adyen;

/// <summary>A JSON request, read by dotted paths; Adyen takes numbers and booleans as text too.</summary>
public sealed class AdyenRequest
{
    private readonly JsonObject root;

    private AdyenRequest(JsonObject root) => this.root = root;

    public static (AdyenRequest? Request, Answer? Problem) Parse(Call call)
    {
        ArgumentNullException.ThrowIfNull(call);
        try
        {
            return JsonNode.Parse(call.Body) is JsonObject root
                ? (new AdyenRequest(root), null)
                : (null, AdyenError.Of(400, "702", "Unable to parse message.", "validation"));
        }
        catch (JsonException)
        {
            return (null, AdyenError.Of(400, "702", "Unable to parse message.", "validation"));
        }
    }

    public bool Has(string path) => Node(path) is not null;

    public string? Text(string path) => Node(path) is JsonValue value
        ? value.GetValueKind() switch
        {
            JsonValueKind.String => value.GetValue<string>() is { Length: > 0 } text ? text : null,
            JsonValueKind.True => "true",
            JsonValueKind.False => "false",
            JsonValueKind.Number => value.ToJsonString(),
            _ => null,
        }
        : null;

    public long? Number(string path) =>
        long.TryParse(Text(path), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

    public bool Flag(string path) => Text(path) == "true";

    /// <summary>Keys of <c>additionalData</c> contain dots themselves.</summary>
    public string? Additional(string name) => root["additionalData"] is JsonObject data && data[name] is JsonValue value ? value.ToString() : null;

    public IReadOnlyDictionary<string, string> Map(string path) => Node(path) is JsonObject map
        ? map.Where(pair => pair.Value is JsonValue).ToDictionary(pair => pair.Key, pair => pair.Value!.ToString())
        : Books.Movement.NoMetadata;

    private JsonNode? Node(string path)
    {
        JsonNode? node = root;
        foreach (var step in path.Split('.'))
        {
            node = (node as JsonObject)?[step];
        }

        return node;
    }
}
