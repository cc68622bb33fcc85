using System.Text.Json.Serialization;
using Payments.Simulators.Books;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Webhooks;

/// <summary>A webhook on its way: until it is accepted or given up.</summary>
public sealed record Delivery : Entity
{
    public required string Provider { get; init; }

    /// <summary>What is told: a Stripe event or an Adyen notification.</summary>
    public required string Subject { get; init; }

    public required string Url { get; init; }

    public required DateTimeOffset DueAt { get; init; }

    public int Attempts { get; init; }

    /// <summary>A fault has already delayed or held it; it is not struck twice.</summary>
    public bool Delayed { get; init; }

    public bool Done { get; init; }

    [JsonIgnore]
    public override bool IsGone => Done;

    public static Delivery New(string provider, string subject, string url, DateTimeOffset dueAt) =>
        new() { Id = $"we_{Identifiers.Token(20)}", Provider = provider, Subject = subject, Url = url, DueAt = dueAt };
}
