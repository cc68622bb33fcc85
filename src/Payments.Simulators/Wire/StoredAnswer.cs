using System.Text.Json.Serialization;
using Payments.Simulators.Books;

namespace Payments.Simulators.Wire;

/// <summary>What was once answered under an idempotency key; its id is provider and key.</summary>
public sealed record StoredAnswer : Entity
{
    public required string Fingerprint { get; init; }

    public required int Status { get; init; }

    public required string Body { get; init; }

    public required string RequestId { get; init; }

    public required DateTimeOffset Created { get; init; }

    public bool Pruned { get; init; }

    /// <summary>Where the body stands in the journal; memory does not keep it.</summary>
    [JsonIgnore]
    public JournalPosition Position { get; init; }

    [JsonIgnore]
    public override bool IsGone => Pruned;

    public static string IdOf(string provider, string key) => $"{provider}:{key}";
}
