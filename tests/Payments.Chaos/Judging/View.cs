using System.Text.Json;

namespace Payments.Chaos.Judging;

/// <summary>A payment as somebody was shown it: by an answer, an event or a webhook.</summary>
public sealed record View(string Id, long Version, string Status, long Amount, long Capturable, long Captured, long Refunded, string? Decision)
{
    /// <summary>Null where the object is no payment.</summary>
    public static View? Of(JsonElement? shown) =>
        shown is { ValueKind: JsonValueKind.Object } payment && payment.TryGetProperty("object", out var kind) && kind.GetString() == "payment"
            ? new View(
                payment.GetProperty("id").GetString()!, payment.GetProperty("version").GetInt64(), payment.GetProperty("status").GetString()!,
                payment.GetProperty("amount").GetInt64(), payment.GetProperty("amount_capturable").GetInt64(), payment.GetProperty("amount_captured").GetInt64(),
                payment.GetProperty("amount_refunded").GetInt64(),
                payment.TryGetProperty("risk", out var risk) && risk.ValueKind == JsonValueKind.Object ? risk.GetProperty("decision").GetString() : null)
            : null;

    public override string ToString() => $"v{Version} {Status} amount {Amount}, capturable {Capturable}, captured {Captured}, refunded {Refunded}";
}

/// <summary>What an event says, for whoever follows it.</summary>
public sealed record Happened(
    EventRow Row, View? Payment, string? OperationId, string? Operation, string? State, long Amount, long Released, long Suspense, string? Provider, long Commission, long Cost,
    string? Authentication, string? Currency)
{
    /// <summary>The operation that came about with this one, and has no event of its own.</summary>
    public string? AuthorizationId { get; init; }

    public long NeverHeld { get; init; }

    public static Happened Of(EventRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        var data = JsonSerializer.Deserialize<JsonElement>(row.Data);
        var payment = data.GetProperty("payment");
        var operation = data.TryGetProperty("operation", out var o) && o.ValueKind == JsonValueKind.Object ? o : (JsonElement?)null;
        var authorization = data.TryGetProperty("authorization", out var a) ? a : (JsonElement?)null;
        var fees = data.TryGetProperty("fees", out var f) && f.ValueKind == JsonValueKind.Object ? f : (JsonElement?)null;
        return new Happened(
            row, View.Of(payment), Text(operation, "id"), Text(operation, "kind"), Text(operation, "state"), Number(operation, "amount_minor"), Number(operation, "released_minor"),
            Number(operation, "suspense_minor"), Text(operation, "provider") ?? Text(payment, "provider"), Number(fees, "commission_minor"), Number(fees, "provider_cost_minor"),
            Authentications.Result(payment), Text(payment, "currency"))
        {
            AuthorizationId = Text(authorization, "id"),
            NeverHeld = Number(authorization, "amount_minor"),
        };
    }

    private static string? Text(JsonElement? element, string name) =>
        element is { } e && e.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static long Number(JsonElement? element, string name) =>
        element is { } e && e.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetInt64() : 0;
}
