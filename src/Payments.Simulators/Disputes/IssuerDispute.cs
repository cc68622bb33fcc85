using System.Text.Json.Serialization;
using Payments.Simulators.Books;

namespace Payments.Simulators.Disputes;

public enum IssuerStatus
{
    /// <summary>An inquiry; no money moved.</summary>
    Warning,
    NeedsResponse,
    UnderReview,
    Won,
    Lost,
    Accepted,
    Expired,
}

public enum DisputedMoney
{
    Withdrawn,
    Reinstated,
    WithdrawnAgain,
}

/// <summary>Money that moved for a dispute: a line of the provider's report.</summary>
public sealed record DisputeMove(DisputedMoney Kind, string Id, long Amount, long Fee, DateTimeOffset Created);

/// <summary>What a cardholder's bank disputes, as the provider has it.</summary>
public sealed record IssuerDispute : Entity
{
    public required string Provider { get; init; }

    public required string Charge { get; init; }

    public string? PaymentIntent { get; init; }

    public required long Amount { get; init; }

    public required string Currency { get; init; }

    /// <summary>In Stripe's words.</summary>
    public required string Reason { get; init; }

    public required IssuerStatus Status { get; init; }

    /// <summary>It began as an inquiry.</summary>
    public bool IsInquiry { get; init; }

    public required DateTimeOffset Created { get; init; }

    public required DateTimeOffset DueBy { get; init; }

    /// <summary>A returned debit of a bank account.</summary>
    public bool IsReturn { get; init; }

    public int Submissions { get; init; }

    public IReadOnlyDictionary<string, string> Evidence { get; init; } = Movement.NoMetadata;

    /// <summary>Adyen: what it was defended by.</summary>
    public string? DefenseReason { get; init; }

    /// <summary>won or lost: what the evidence says that it will come to; null until somebody decides.</summary>
    public string? Verdict { get; init; }

    public IReadOnlyList<DisputeMove> Moves { get; init; } = [];

    [JsonIgnore]
    public bool IsOpen => Status is IssuerStatus.Warning or IssuerStatus.NeedsResponse;

    [JsonIgnore]
    public bool IsWithheld => Moves.Count % 2 == 1;
}

/// <summary>A file that was laid down as evidence: what it says, not what it holds.</summary>
public sealed record EvidenceFile : Entity
{
    public required string Purpose { get; init; }

    public required int Bytes { get; init; }

    public required DateTimeOffset Created { get; init; }

    public string? Verdict { get; init; }
}
