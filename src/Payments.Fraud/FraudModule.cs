using Payments.Platform;

namespace Payments.Fraud;

/// <summary>What a host adds to run this service.</summary>
public static class FraudModule
{
    public static void AddFraud(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
    }

    public static void MapFraud(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
    }
}
