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

    /// <summary>How often providers are asked for reports, and the directory of statements is looked at.</summary>
    [Range(1, 86_400)]
    public int FetchSeconds { get; set; } = 60;

    /// <summary>How often the ledger is asked for what is to be booked.</summary>
    [Range(1, 86_400)]
    public int BookSeconds { get; set; } = 60;

    /// <summary>For how long a charge that only a report tells of may still be told by a webhook, before the payment path is told.</summary>
    [Range(0, 10_080)]
    public int TellChargesAfterMinutes { get; set; } = 60;

    /// <summary>Where reports are until they are imported; by default a directory among the machine's temporary files.</summary>
    public string? FetchDirectory { get; set; }

    /// <summary>Where the bank's statements are put, in <c>test</c> and <c>live</c>. Null: nowhere.</summary>
    public string? StatementDirectory { get; set; }

    /// <summary>For how long a file in that directory must not have changed before it is taken.</summary>
    [Range(0, 3_600)]
    public int StatementQuietSeconds { get; set; } = 10;

    [Range(1, 100_000)]
    public int LargestReportMegabytes { get; set; } = 2_048;

    /// <summary>How far back payouts are looked for.</summary>
    [Range(1, 365)]
    public int PayoutDays { get; set; } = 14;

    /// <summary>For how many days a payout that was announced may stay unnoted before health says so.</summary>
    [Range(1, 365)]
    public int UnnotedDays { get; set; } = 7;
}
