using System.Diagnostics.Metrics;
using Payments.Connectors;
using Payments.Core;

namespace Payments.Vault;

internal static class VaultTelemetry
{
    private static readonly Meter Meter = new("Payments.Vault");

    private static readonly Counter<long> Tokenisations = Meter.CreateCounter<long>("payments.vault.tokenisations", "{card}", "Cards sent to a provider for storing.");

    public static void Tokenised(Provider provider, Mode mode, OutcomeKind outcome) => Tokenisations.Add(
        1,
        new KeyValuePair<string, object?>("payments.provider", provider.ToString().ToLowerInvariant()),
        new KeyValuePair<string, object?>("payments.mode", mode.ToString().ToLowerInvariant()),
        new KeyValuePair<string, object?>("payments.outcome", outcome.ToString()));
}
