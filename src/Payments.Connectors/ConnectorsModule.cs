using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Payments.Connectors.Adyen;
using Payments.Connectors.Stripe;
using Payments.Connectors.Wire;
using Payments.Core;

namespace Payments.Connectors;

public static class ConnectorsModule
{
    /// <summary>
    /// Registers <see cref="ConnectorRegistry"/>, <see cref="Router"/> and the probes. A provider is
    /// available in a mode when <c>Payments:{Provider}:{Mode}:ApiKey</c> is set.
    /// </summary>
    public static IServiceCollection AddConnectors(this IServiceCollection services, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configuration);
        services.AddOptions<ResilienceOptions>().Bind(configuration.GetSection(ResilienceOptions.Section)).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<Router>();
        services.AddSingleton(provider => new ConnectorRegistry(Connectors(provider, configuration)));
        services.AddHostedService<CircuitProbes>();
        return services;
    }

    private static IEnumerable<GuardedConnector> Connectors(IServiceProvider services, IConfiguration configuration)
    {
        var options = services.GetRequiredService<IOptions<ResilienceOptions>>().Value;
        var time = services.GetRequiredService<TimeProvider>();
        var logs = services.GetRequiredService<ILoggerFactory>();
        foreach (var mode in Enum.GetValues<Mode>())
        {
            if (StripeAccount.From(configuration, mode) is { } stripe)
            {
                yield return Guard(new StripeConnector(mode, stripe, ProviderWire.To(stripe.BaseUrl, options), time, logs.CreateLogger<StripeConnector>()));
            }

            if (AdyenAccount.From(configuration, mode) is { } adyen)
            {
                yield return Guard(new AdyenConnector(mode, adyen, ProviderWire.To(adyen.BaseUrl, options), logs.CreateLogger<AdyenConnector>()));
            }
        }

        GuardedConnector Guard(IConnector connector) =>
            new(connector, new Circuit(connector.Provider, connector.Mode, options, time), options, time, logs.CreateLogger<GuardedConnector>());
    }
}
