using System.Buffers.Text;
using Payments.Platform;

namespace Payments.AppHost;

/// <summary>What only a developer's machine has: providers that are simulated, and a merchant to try things with.</summary>
internal static class Development
{
    /// <summary>Stripe and Adyen as this system sees them: one process that speaks both protocols and sends their webhooks to the API.</summary>
    public static void AddSimulators(
        this IDistributedApplicationBuilder builder, IResourceBuilder<ProjectResource> api, IResourceBuilder<ProjectResource> vault,
        IResourceBuilder<ProjectResource> reconciliation, Providers providers)
    {
        var simulators = builder.AddProject<Projects.Payments_Simulators>(Names.Services.Simulators)
            .WithHttpEndpoint(port: Ports.DefaultBase + Ports.Simulators)
            .WithHttpHealthCheck("/health")
            .WithEnvironment("Simulators__Data", Path.Combine(builder.DataDirectory(), "simulators"))
            .WithEnvironment("Simulators__Stripe__ApiKey", providers.StripeKey)
            .WithEnvironment("Simulators__Stripe__WebhookSecret", providers.StripeWebhookSecret)
            .WithEnvironment("Simulators__Stripe__WebhookUrl", ReferenceExpression.Create($"{api.GetEndpoint("http")}/providers/stripe/test/webhooks"))
            .WithEnvironment("Simulators__Adyen__ApiKey", providers.AdyenKey)
            .WithEnvironment("Simulators__Adyen__MerchantAccount", providers.AdyenMerchantAccount)
            .WithEnvironment("Simulators__Adyen__HmacKey", providers.AdyenHmacKey)
            .WithEnvironment("Simulators__Adyen__ReportUser", providers.AdyenReportUser)
            .WithEnvironment("Simulators__Adyen__ReportPassword", providers.AdyenReportPassword)
            .WithEnvironment("Simulators__Adyen__WebhookUrl", ReferenceExpression.Create($"{api.GetEndpoint("http")}/providers/adyen/test/webhooks"));
        simulators.WithEnvironment("Simulators__PublicUrl", simulators.GetEndpoint("http"));
        foreach (var service in new[] { api, vault })
        {
            service
                .WithEnvironment("Payments__Stripe__Test__BaseUrl", simulators.GetEndpoint("http"))
                .WithEnvironment("Payments__Adyen__Test__BaseUrl", simulators.GetEndpoint("http"));
        }

        reconciliation
            .WithEnvironment("Payments__Reports__Stripe__Test__BaseUrl", simulators.GetEndpoint("http"))
            .WithEnvironment("Payments__Reports__Adyen__Test__BaseUrl", simulators.GetEndpoint("http"));
    }

    /// <summary>A merchant with one key of each class, shown as parameters in the dashboard.</summary>
    public static void AddDemoMerchant(this IDistributedApplicationBuilder builder, IResourceBuilder<ProjectResource> api) => api
        .WithEnvironment("Payments__Seed__MerchantName", "Demo Shop")
        .WithEnvironment("Payments__Seed__RequestsPerSecond", "2000")
        .WithEnvironment("Payments__RateLimits__OperatorPerSecond", "2000")
        .WithEnvironment("Payments__Seed__SecretKey", builder.AddSecret("merchant-secret-key", bytes => "sk_test_" + Base64Url.EncodeToString(bytes)))
        .WithEnvironment("Payments__Seed__PublishableKey", builder.AddSecret("merchant-publishable-key", bytes => "pk_test_" + Base64Url.EncodeToString(bytes)));
}
