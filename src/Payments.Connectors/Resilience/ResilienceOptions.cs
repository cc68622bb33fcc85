using System.ComponentModel.DataAnnotations;

namespace Payments.Connectors;

/// <summary>Time limits and circuit rules, section <c>Payments:Connectors</c>. The defaults are the product's rules.</summary>
public sealed class ResilienceOptions
{
    public const string Section = "Payments:Connectors";

    /// <summary>An authorization still unanswered then is unknown. Above the five seconds that open a circuit, or it could not be seen.</summary>
    [Range(100, 120_000)]
    public int AuthorizeMilliseconds { get; set; } = 8_000;

    /// <summary>Captures, voids, refunds and the end of a challenge.</summary>
    [Range(100, 120_000)]
    public int ModifyMilliseconds { get; set; } = 8_000;

    /// <summary>Evidence of a dispute with its files, or an acceptance.</summary>
    [Range(100, 120_000)]
    public int DisputeMilliseconds { get; set; } = 30_000;

    /// <summary>One try of a read; reads are tried up to three times.</summary>
    [Range(100, 120_000)]
    public int ReadMilliseconds { get; set; } = 5_000;

    [Range(100, 120_000)]
    public int TokeniseMilliseconds { get; set; } = 8_000;

    [Range(50, 30_000)]
    public int ConnectMilliseconds { get; set; } = 2_000;

    /// <summary>Failures, and slow calls, are counted over this long.</summary>
    [Range(1, 600)]
    public int WindowSeconds { get; set; } = 60;

    /// <summary>This many failures within the window open the circuit.</summary>
    [Range(1, 1_000)]
    public int FailuresToOpen { get; set; } = 5;

    /// <summary>A 99th percentile above this opens the circuit, once as many calls were slow as failures would be needed.</summary>
    [Range(10, 120_000)]
    public int SlowMilliseconds { get; set; } = 5_000;

    [Range(50, 600_000)]
    public int ProbeIntervalMilliseconds { get; set; } = 30_000;

    [Range(1, 100)]
    public int ProbesToClose { get; set; } = 3;

    /// <summary>How long a returning provider stays at each of 10, 30 and 50 % before it has its full share again.</summary>
    [Range(50, 3_600_000)]
    public int RampStepMilliseconds { get; set; } = 60_000;
}
