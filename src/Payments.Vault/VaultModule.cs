using Payments.Platform;

namespace Payments.Vault;

/// <summary>What a host adds to run this service.</summary>
public static class VaultModule
{
    public static void AddVault(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
    }

    public static void MapVault(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
    }
}
