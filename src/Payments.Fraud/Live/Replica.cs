namespace Payments.Fraud.Live;

/// <summary>This process among those that score: a number of its own for as long as it lives.</summary>
internal sealed record Replica(Guid Id);
