using Payments.Core;

namespace Payments.Connectors;

public enum CircuitState
{
    /// <summary>Takes its full share.</summary>
    Closed,

    /// <summary>Takes no money calls; probed.</summary>
    Open,

    /// <summary>Back, with a growing share of new payments.</summary>
    Ramping,
}

/// <summary>How one provider stands in one mode, as this process sees it.</summary>
/// <param name="SharePercent">How many of the payments that would go to it first do so now.</param>
/// <param name="Calls">Calls of the last window.</param>
/// <param name="Failures">Of these, how many ended not processed or unknown.</param>
/// <param name="P99Milliseconds">Upper bound of the latency bucket that holds the 99th percentile; absent without calls.</param>
public sealed record ProviderHealth(
    Provider Provider,
    Mode Mode,
    CircuitState State,
    int SharePercent,
    int Calls,
    int Failures,
    int? P99Milliseconds,
    DateTimeOffset? OpenedAt,
    string? OpenedBecause,
    DateTimeOffset? NextProbeAt,
    int ProbeSuccesses);
