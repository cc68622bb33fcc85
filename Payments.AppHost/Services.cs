using System.Globalization;
using Aspire.Hosting.Azure;
using Payments.Platform;

namespace Payments.AppHost;

/// <summary>How services are added and wired, in words that let AppHost.cs read as the picture of the system.</summary>
internal static class Services
{
    private const int Replicas = 2;
    private const int TopicPartitions = 16;

    /// <summary>A service with a database of its own, two replicas, health checks, and a step before it that migrates the database.</summary>
    public static IResourceBuilder<ProjectResource> AddService<TProject>(
        this IDistributedApplicationBuilder builder, string name, int port, IResourceBuilder<AzurePostgresFlexibleServerResource> server, string databaseName)
        where TProject : IProjectMetadata, new()
    {
        // Resources share one name space, so the database is not called as its service is; the connection string still is.
        var database = server.AddDatabase(databaseName + "-db", databaseName);
        var migration = builder.AddProject<TProject>(name + "-migrate")
            .WithArgs("migrate")
            .WithReference(database, connectionName: databaseName)
            .WaitFor(database)
            .PublishAsAzureContainerAppJob();
        return builder.AddProject<TProject>(name)
            .WithHttpEndpoint(port: builder.ExecutionContext.IsRunMode ? Ports.DefaultBase + port : null)
            .WithReference(database, connectionName: databaseName)
            .WaitForCompletion(migration)
            .WithReplicas(Replicas)
            .WithProbes();
    }

    public static IResourceBuilder<ProjectResource> With(this IResourceBuilder<ProjectResource> service, Secrets secrets) => service
        .WithEnvironment("Payments__InternalKey", secrets.InternalKey)
        .WithEnvironment("Payments__Secrets__EncryptionKey", secrets.EncryptionKey)
        .WithEnvironment("Payments__Secrets__FingerprintKey", secrets.FingerprintKey);

    public static IResourceBuilder<ProjectResource> With(this IResourceBuilder<ProjectResource> service, Providers providers)
    {
        foreach (var (key, value) in providers.Settings)
        {
            service.WithEnvironment("Payments__" + key, value);
        }

        return service;
    }

    /// <summary>The service fetches settlement reports, as users who can do nothing else.</summary>
    public static IResourceBuilder<ProjectResource> FetchesReports(this IResourceBuilder<ProjectResource> service, Providers providers)
    {
        foreach (var (key, value) in providers.Reports)
        {
            service.WithEnvironment("Payments__Reports__" + key, value);
        }

        return service;
    }

    /// <summary>The service calls the internal endpoints of others.</summary>
    public static IResourceBuilder<ProjectResource> Calls(this IResourceBuilder<ProjectResource> service, params IResourceBuilder<ProjectResource>[] others)
    {
        foreach (var other in others)
        {
            var name = other.Resource.Name;
            service.WithEnvironment($"Payments__Urls__{char.ToUpperInvariant(name[0])}{name[1..]}", other.GetEndpoint("http"));
        }

        return service;
    }

    /// <summary>The service writes the event stream, and makes its topic where the broker lets it.</summary>
    public static IResourceBuilder<ProjectResource> Publishes(this IResourceBuilder<ProjectResource> service, EventStream events)
    {
        service.Connects(events);
        return events.Login is null ? service.WithEnvironment("Payments__Kafka__CreateTopicPartitions", TopicPartitions.ToString(CultureInfo.InvariantCulture)) : service;
    }

    /// <summary>The service reads the event stream as a consumer, and in Azure gets replicas as it falls behind.</summary>
    public static IResourceBuilder<ProjectResource> Consumes(this IResourceBuilder<ProjectResource> service, EventStream events, string consumer) =>
        service.Connects(events).ScalesWithLag(events, Names.ConsumerGroup(consumer), least: Replicas, most: TopicPartitions);

    public static IResourceBuilder<ProjectResource> Sends(this IResourceBuilder<ProjectResource> service, MailServer mail)
    {
        service
            .WithEnvironment("Payments__Smtp__Host", mail.Host)
            .WithEnvironment("Payments__Smtp__Port", mail.Port)
            .WithEnvironment("Payments__Smtp__From", mail.From);
        return mail is { User: { } user, Password: { } password }
            ? service.WithEnvironment("Payments__Smtp__User", user).WithEnvironment("Payments__Smtp__Password", password)
            : service.WithEnvironment("Payments__Smtp__StartTls", "false");
    }

    /// <summary>
    /// Where the ledger writes its chain's heads, out of the database's reach: a share in Azure Files, which a volume of a project
    /// becomes in Container Apps. All replicas see the same files.
    /// </summary>
    public static IResourceBuilder<ProjectResource> AnchorsOn(this IResourceBuilder<ProjectResource> ledger, string directory) => ledger
        .WithAnnotation(new ContainerMountAnnotation("ledger-anchors", directory, ContainerMountType.Volume, isReadOnly: false))
        .WithEnvironment("Payments__Ledger__AnchorFile", directory + "/ledger-anchors.jsonl");

#pragma warning disable ASPIREPROBES001 // Still marked experimental; without probes Container Apps looks at nothing but the port.
    private static IResourceBuilder<ProjectResource> WithProbes(this IResourceBuilder<ProjectResource> service) => service
        .WithHttpProbe(ProbeType.Readiness, "/health", timeoutSeconds: 5)
        .WithHttpProbe(ProbeType.Liveness, "/alive", timeoutSeconds: 5);
#pragma warning restore ASPIREPROBES001

    private static IResourceBuilder<ProjectResource> Connects(this IResourceBuilder<ProjectResource> service, EventStream events)
    {
        service.WithReference(events.Connection).WaitFor(events.Connection);
        if (events.Login is { } login)
        {
            service
                .WithEnvironment("Payments__Kafka__SecurityProtocol", "SaslSsl")
                .WithEnvironment("Payments__Kafka__SaslMechanism", "Plain")
                .WithEnvironment("Payments__Kafka__SaslUsername", login.User)
                .WithEnvironment("Payments__Kafka__SaslPassword", login.Password);
        }

        return service;
    }
}
