using Microsoft.Extensions.Logging;
using Payments.Core;

namespace Payments.Connectors;

/// <summary>The connectors that have credentials, by provider and mode.</summary>
public sealed class ConnectorRegistry(IEnumerable<GuardedConnector> connectors)
{
    private readonly Dictionary<(Provider, Mode), GuardedConnector> byKey = connectors.ToDictionary(c => (c.Provider, c.Mode));

    public IEnumerable<IConnector> All => byKey.Values;

    /// <summary>Null where this provider has no credentials in this mode.</summary>
    public IConnector? Find(Provider provider, Mode mode) => byKey.GetValueOrDefault((provider, mode));

    public IReadOnlyList<IConnector> In(Mode mode) => [.. byKey.Values.Where(c => c.Mode == mode).OrderBy(c => c.Provider)];

    public IReadOnlyList<ProviderStanding> Standing(Mode mode) => [.. byKey.Values.Where(c => c.Mode == mode).Select(c => c.Circuit.Standing())];

    public IReadOnlyList<ProviderHealth> Health() =>
        [.. byKey.Values.Select(c => c.Circuit.Health()).OrderBy(h => h.Mode).ThenBy(h => h.Provider)];

    internal async Task ProbeDueAsync(ILogger logger, CancellationToken cancellationToken) =>
        await Task.WhenAll(byKey.Values.Where(c => c.Circuit.TakeProbe()).Select(async c =>
        {
            var answered = await c.ProbeAsync(cancellationToken);
            Log.Probed(logger, c.Provider, c.Mode, answered);
            if (c.Circuit.Probed(answered))
            {
                Log.CircuitRamping(logger, c.Provider, c.Mode);
            }
        }));
}
