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

    /// <summary>A model so old is followed by a new challenger, if labels have come since it was made; 0 leaves training to the command.</summary>
    [Range(0, 365)]
    public int RetrainDays { get; set; } = 7;

    /// <summary>How often is looked whether it is time to retrain.</summary>
    [Range(1, 1_440)]
    public int RetrainCheckMinutes { get; set; } = 60;

    /// <summary>So many days of scored payments a new challenger learns from.</summary>
    [Range(14, 3_650)]
    public int TrainingDays { get; set; } = 180;

    /// <summary>Payments of so many days are scored again when somebody who took part in them turns out to have taken part in fraud; 0 is never.</summary>
    [Range(0, 30)]
    public int SecondLookDays { get; set; } = 7;

    /// <summary>How often is looked for what has become known.</summary>
    [Range(50, 600_000)]
    public int SecondLookMilliseconds { get; set; } = 5_000;

    /// <summary>What the built-in model does where no model is stored yet.</summary>
    public BuiltInUse BuiltIn { get; set; } = BuiltInUse.Challenger;
}
