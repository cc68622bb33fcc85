using System.ComponentModel.DataAnnotations;

namespace Payments.Reconciliation;

/// <summary>Section <c>Payments:Reconciliation</c>.</summary>
public sealed class ReconciliationOptions
{
    public const string Section = "Payments:Reconciliation";

    /// <summary>How often what changed is compared anew.</summary>
    [Range(1, 86_400)]
    public int MatchSeconds { get; set; } = 300;

    /// <summary>For how many months after this one partitions exist.</summary>
    [Range(1, 24)]
    public int PartitionMonthsAhead { get; set; } = 2;
}
