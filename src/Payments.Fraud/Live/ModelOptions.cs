using System.ComponentModel.DataAnnotations;
using Payments.Fraud.Registry;

namespace Payments.Fraud.Live;

/// <summary><c>Payments:Fraud:Model</c></summary>
public sealed class ModelOptions
{
    public const string Section = "Payments:Fraud:Model";

    /// <summary>So many days of stored payments the state of features is made of when the service starts.</summary>
    [Range(1, 730)]
    public int HistoryDays { get; set; } = 60;

    /// <summary>Of each mode at most so many cards, merchants, customers, addresses and devices together are kept in memory: half a kilobyte each, commonly.</summary>
    [Range(1_000, 100_000_000)]
    public int MostParties { get; set; } = 500_000;

    /// <summary>How often what other replicas saw, answers, labels and promotions are looked for.</summary>
    [Range(50, 60_000)]
    public int RefreshMilliseconds { get; set; } = 1_000;

    /// <summary>Rows of features are kept for so long: fraud signals are needed for two years.</summary>
    [Range(60, 3_650)]
    public int RetentionDays { get; set; } = 730;

    /// <summary>What the built-in model does where no model is stored yet.</summary>
    public BuiltInUse BuiltIn { get; set; } = BuiltInUse.Challenger;
}
