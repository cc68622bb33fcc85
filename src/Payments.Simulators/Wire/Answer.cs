using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Payments.Simulators.Wire;

/// <summary>A provider's answer. One that was not executed (bad parameters, conflicts) is not kept under the key.</summary>
public sealed record Answer(int Status, string Body, bool IsKept = true)
{
    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Answer Of(int status, JsonNode body, bool isKept = true)
    {
        ArgumentNullException.ThrowIfNull(body);
        return new(status, body.ToJsonString(Json), isKept);
    }
}
