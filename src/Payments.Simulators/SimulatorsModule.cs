using Payments.Platform;

namespace Payments.Simulators;

/// <summary>What a host adds to run this service.</summary>
public static class SimulatorsModule
{
    public static void AddSimulators(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
    }

    public static void MapSimulators(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
    }
}
