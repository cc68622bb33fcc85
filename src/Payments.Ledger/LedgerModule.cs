using Payments.Platform;

namespace Payments.Ledger;

/// <summary>What a host adds to run this service.</summary>
public static class LedgerModule
{
    public static void AddLedger(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
    }

    public static void MapLedger(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
    }
}
