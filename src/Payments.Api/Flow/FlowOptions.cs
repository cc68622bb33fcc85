using System.ComponentModel.DataAnnotations;

namespace Payments.Api.Flow;

/// <summary>Section <c>Payments</c>.</summary>
public sealed class FlowOptions
{
    /// <summary>The API's base URL as customers' browsers reach it.</summary>
    [Required]
    public string PublicUrl { get; set; } = "http://localhost:8080";

    /// <summary>Longest wait for a fraud decision.</summary>
    [Range(10, 10_000)]
    public int FraudBudgetMilliseconds { get; set; } = 100;

    /// <summary>What is approved while fraud scoring is late or down.</summary>
    public Core.Seams.FraudDefault FraudDefault { get; set; } = new();

    /// <summary>A second provider is tried only while the request is younger than this.</summary>
    [Range(100, 60_000)]
    public int CascadeWithinMilliseconds { get; set; } = 10_000;

    /// <summary>How often due attempts and notices are looked for.</summary>
    [Range(50, 60_000)]
    public int ResolverIntervalMilliseconds { get; set; } = 1_000;

    /// <summary>How often it is looked whether attempts have been unresolved for too long.</summary>
    [Range(50, 600_000)]
    public int UnresolvedWatchMilliseconds { get; set; } = 10_000;

    /// <summary>How often orphaned holds are released. Below an hour, so that one is released within an hour of becoming orphaned.</summary>
    [Range(50, 3_600_000)]
    public int HoldSweepMilliseconds { get; set; } = 1_800_000;

    /// <summary>How often it is looked whether reviews are due.</summary>
    [Range(50, 60_000)]
    public int ReviewClockMilliseconds { get; set; } = 5_000;

    /// <summary>How often likely duplicates are looked for. Below half an hour, which is as far back as is looked.</summary>
    [Range(1_000, 1_500_000)]
    public int LikelyDuplicatesMilliseconds { get; set; } = 300_000;

    public Deadlines Deadlines { get; set; } = new();
}
