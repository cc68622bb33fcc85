using System.Globalization;
using Azure.Provisioning.AppContainers;
using Payments.Platform;

namespace Payments.AppHost;

/// <summary>When Container Apps adds and removes replicas. Nothing scales to zero: recovery workers run in every service.</summary>
internal static class Scaling
{
    private const int LagPerReplica = 500;

    /// <param name="atOnce">Concurrent requests that one replica is given.</param>
    public static IResourceBuilder<ProjectResource> ScalesWithRequests(this IResourceBuilder<ProjectResource> service, int atOnce, int least, int most) =>
        service.PublishAsAzureContainerApp((_, app) =>
        {
            app.Template.Scale.MinReplicas = least;
            app.Template.Scale.MaxReplicas = most;
            app.Template.Scale.Rules.Add(new ContainerAppScaleRule
            {
                Name = "requests",
                Http = new ContainerAppHttpScaleRule { Metadata = { ["concurrentRequests"] = Text(atOnce) } },
            });
        });

    /// <summary>By the lag of a Kafka consumer group, with KEDA's scaler.</summary>
    public static IResourceBuilder<ProjectResource> ScalesWithLag(this IResourceBuilder<ProjectResource> service, EventStream events, string group, int least, int most) =>
        service.PublishAsAzureContainerApp((infrastructure, app) =>
        {
            var login = events.Login ?? throw new InvalidOperationException("Brokers in Azure ask for a login.");
            app.Configuration.Secrets.Add(new ContainerAppWritableSecret { Name = "scaler-user", Value = login.User.AsProvisioningParameter(infrastructure) });
            app.Configuration.Secrets.Add(new ContainerAppWritableSecret { Name = "scaler-password", Value = login.Password.AsProvisioningParameter(infrastructure) });
            app.Template.Scale.MinReplicas = least;
            app.Template.Scale.MaxReplicas = most;
            app.Template.Scale.Rules.Add(new ContainerAppScaleRule
            {
                Name = "lag",
                Custom = new ContainerAppCustomScaleRule
                {
                    CustomScaleRuleType = "kafka",
                    Metadata =
                    {
                        ["bootstrapServers"] = login.Servers.AsProvisioningParameter(infrastructure),
                        ["consumerGroup"] = group,
                        ["topic"] = Names.Topics.PaymentEvents,
                        ["lagThreshold"] = Text(LagPerReplica),
                        ["sasl"] = "plaintext",
                        ["tls"] = "enable",
                    },
                    Auth =
                    {
                        new ContainerAppScaleRuleAuth { TriggerParameter = "username", SecretRef = "scaler-user" },
                        new ContainerAppScaleRuleAuth { TriggerParameter = "password", SecretRef = "scaler-password" },
                    },
                },
            });
        });

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
