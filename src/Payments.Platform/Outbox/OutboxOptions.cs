using System.ComponentModel.DataAnnotations;

namespace Payments.Platform.Outbox;

/// <summary>Section <c>Payments:Outbox</c>.</summary>
public sealed class OutboxOptions
{
    public const string Section = "Payments:Outbox";

    /// <summary>How often the relay looks for events that no signal has told of (those of other replicas).</summary>
    [Range(1, 60_000)]
    public int PollMilliseconds { get; set; } = 100;

    /// <summary>Under load what was committed since the last round is produced no sooner than this after it; what comes after a pause is produced at once.</summary>
    [Range(0, 10_000)]
    public int GatherMilliseconds { get; set; } = 50;

    /// <summary>At most so many events of each partition are produced before their acknowledgements are awaited.</summary>
    [Range(1, 10_000)]
    public int MaxBatchPerPartition { get; set; } = 500;

    /// <summary>The first wait after a failure; it doubles up to <see cref="MaxRetryDelayMilliseconds"/>.</summary>
    [Range(1, 60_000)]
    public int RetryDelayMilliseconds { get; set; } = 200;

    [Range(1, 600_000)]
    public int MaxRetryDelayMilliseconds { get; set; } = 10_000;

    /// <summary>How often the produced marks are written down.</summary>
    [Range(1, 600_000)]
    public int MarkMilliseconds { get; set; } = 1_000;

    /// <summary>How often expired events are looked for.</summary>
    [Range(1, 86_400)]
    public int ExpirySeconds { get; set; } = 600;
}
