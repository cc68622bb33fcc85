using System.Text.Json.Serialization;

namespace Payments.Simulators.Faults;

/// <summary>What goes wrong.</summary>
public enum FaultKind
{
    /// <summary>Answers later by <c>delay_ms</c>.</summary>
    [JsonStringEnumMemberName("delay")]
    Delay,

    /// <summary>Never answers and does nothing.</summary>
    [JsonStringEnumMemberName("timeout_before")]
    TimeoutBefore,

    /// <summary>Does it and never answers.</summary>
    [JsonStringEnumMemberName("timeout_after")]
    TimeoutAfter,

    /// <summary>Resets the connection, nothing done.</summary>
    [JsonStringEnumMemberName("drop_before")]
    DropBefore,

    /// <summary>Does it and resets the connection.</summary>
    [JsonStringEnumMemberName("drop_after")]
    DropAfter,

    /// <summary>Too many requests, nothing done.</summary>
    [JsonStringEnumMemberName("429")]
    TooManyRequests,

    /// <summary>An internal error, kept under the key; <c>executed</c> tells whether the work was done nevertheless.</summary>
    [JsonStringEnumMemberName("500")]
    ServerError,

    /// <summary>Unavailable, nothing done, not kept.</summary>
    [JsonStringEnumMemberName("503")]
    ServiceUnavailable,

    /// <summary>Does it and answers with broken JSON.</summary>
    [JsonStringEnumMemberName("malformed")]
    Malformed,

    /// <summary>Down: every connection is reset at once, before anything is read.</summary>
    [JsonStringEnumMemberName("unavailable")]
    Unavailable,

    [JsonStringEnumMemberName("webhook_lost")]
    WebhookLost,

    /// <summary>First delivery attempt later by <c>delay_ms</c>.</summary>
    [JsonStringEnumMemberName("webhook_late")]
    WebhookLate,

    [JsonStringEnumMemberName("webhook_duplicate")]
    WebhookDuplicate,

    /// <summary>Held back until the next webhook of the provider was sent, or <c>delay_ms</c> have passed.</summary>
    [JsonStringEnumMemberName("webhook_reorder")]
    WebhookReorder,
}

/// <summary>A fault as asked for: where it strikes, what it does and how often.</summary>
public sealed record FaultRequest(
    string Provider,
    string Operation,
    FaultKind Kind,
    int? Count = null,
    double? Probability = null,
    int? DelayMs = null,
    bool? Executed = null);

/// <summary>A fault in force.</summary>
public sealed record Fault(
    string Id,
    string Provider,
    string Operation,
    FaultKind Kind,
    int? Remaining,
    double Probability,
    int DelayMs,
    bool Executed,
    long Struck);
