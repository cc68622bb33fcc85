using System.ComponentModel.DataAnnotations;

namespace Payments.Ledger;

/// <summary>Section <c>Payments:Ledger</c>.</summary>
public sealed class LedgerOptions
{
    public const string Section = "Payments:Ledger";

    /// <summary>
    /// The file of anchors, or (a path without extension) the directory for it, out of the reach of whoever administers the database. Absent: nothing is
    /// anchored, and health says so.
    /// </summary>
    public string? AnchorFile { get; set; }

    /// <summary>The role that the running service takes on in the database. Empty: it stays the one that connects.</summary>
    [RegularExpression("^[a-z_]*$")]
    public string DatabaseRole { get; set; } = LedgerModule.DefaultRole;

    /// <summary>How often completeness and the newest part of the chain are examined.</summary>
    [Range(1, 3_600)]
    public int ControlSeconds { get; set; } = 30;

    /// <summary>How often the whole of the books is examined: folds, orphans, the whole chain.</summary>
    [Range(1, 10_080)]
    public int AuditMinutes { get; set; } = 360;

    /// <summary>For how many months after its end a month stays in the books; then its closing stands for it.</summary>
    [Range(1, 1_200)]
    public int RetentionMonths { get; set; } = 84;

    /// <summary>The role that retires months and does nothing else. Not used where <see cref="DatabaseRole"/> is empty.</summary>
    [RegularExpression("^[a-z_]*$")]
    public string RetirementRole { get; set; } = LedgerModule.DefaultRetirementRole;

    /// <summary>Where the rows of retired months are kept as files. Absent: they are not.</summary>
    public string? ArchiveDirectory { get; set; }

    /// <summary>For how many months after this one partitions exist.</summary>
    [Range(1, 24)]
    public int PartitionMonthsAhead { get; set; } = 3;

    /// <summary>How often it is seen whether a merchant's cut-off has come.</summary>
    [Range(1, 3_600)]
    public int SettlementSeconds { get; set; } = 60;

    /// <summary>The currency in which open exchanges are valued, and gains and losses by them booked.</summary>
    [RegularExpression("^[A-Z]{3}$")]
    public string BookCurrency { get; set; } = "USD";

    /// <summary>Whose account payouts are made from, as the bank knows it. Absent: no bank file is made.</summary>
    [MaxLength(70)]
    public string? PayoutDebtorName { get; set; }

    public string? PayoutDebtorIban { get; set; }

    public string? PayoutDebtorBic { get; set; }

    /// <summary>How long after its time a cut-off may wait before health says so.</summary>
    [Range(1, 10_080)]
    public int SettlementLateMinutes { get; set; } = 60;

    /// <summary>How long a payout may wait for approval, or for a bank file, before health says so.</summary>
    [Range(1, 720)]
    public int PayoutLateHours { get; set; } = 24;

    /// <summary>How long after it was sent, or the day on which it is executed, the bank may say nothing of a payout before health says so.</summary>
    [Range(1, 720)]
    public int PayoutUnansweredHours { get; set; } = 96;

    /// <summary>How long the ledger may be behind the publisher before that is a finding.</summary>
    [Range(1, 86_400)]
    public int LagSeconds { get; set; } = 300;
}
