using Payments.Platform;

namespace Payments.Webhooks;

/// <summary>What a host adds to run this service.</summary>
public static class WebhooksModule
{
    public static void AddWebhooks(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
    }

    public static void MapWebhooks(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
    }
}
