using Aspire.Hosting.Azure;
using Azure.Provisioning.PostgreSql;
using Payments.Platform;

namespace Payments.AppHost;

/// <summary>What the services stand on.</summary>
internal static class Backends
{
    /// <summary>PostgreSQL: a container with a volume, or a flexible server with a synchronous standby in another zone.</summary>
    public static IResourceBuilder<AzurePostgresFlexibleServerResource> AddPostgresServer(this IDistributedApplicationBuilder builder) =>
        builder.AddAzurePostgresFlexibleServer("postgres")
            .WithPasswordAuthentication()
            .ConfigureInfrastructure(infrastructure =>
            {
                var server = infrastructure.GetProvisionableResources().OfType<PostgreSqlFlexibleServer>().Single();
                server.Sku = new PostgreSqlFlexibleServerSku { Name = "Standard_D4ds_v5", Tier = PostgreSqlFlexibleServerSkuTier.GeneralPurpose };
                server.StorageSizeInGB = 512;
                server.HighAvailability = new PostgreSqlFlexibleServerHighAvailability { Mode = PostgreSqlFlexibleServerHighAvailabilityMode.ZoneRedundant };
                server.Backup = new PostgreSqlFlexibleServerBackupProperties
                {
                    BackupRetentionDays = 35,
                    GeoRedundantBackup = PostgreSqlFlexibleServerGeoRedundantBackupEnum.Enabled,
                };
            })
            .RunAsContainer(container =>
            {
                if (builder.KeepsData())
                {
                    container.WithDataVolume();
                }
            });

    /// <summary>Redis, which holds nothing that may not be lost. Plain TCP on this machine: nothing leaves it.</summary>
    public static IResourceBuilder<AzureManagedRedisResource> AddRedisCache(this IDistributedApplicationBuilder builder) =>
        builder.AddAzureManagedRedis(Names.Connections.Redis)
            .WithAccessKeyAuthentication()
#pragma warning disable ASPIRECERTIFICATES001 // The way to keep a local container off TLS is still marked experimental.
            .RunAsContainer(container => container.WithoutHttpsCertificate());
#pragma warning restore ASPIRECERTIFICATES001

    /// <summary>
    /// Kafka: a container without volume, because the outbox is the log and whatever is lost here is refilled from it. In Azure
    /// a connection to brokers that speak Kafka over TLS with SASL PLAIN, such as an Event Hubs namespace, which must hold the topic.
    /// </summary>
    public static EventStream AddEventStream(this IDistributedApplicationBuilder builder)
    {
        if (builder.ExecutionContext.IsRunMode)
        {
            return new EventStream(builder.AddKafka(Names.Connections.Kafka), null);
        }

        var servers = builder.AddParameter("kafka-bootstrap-servers");
        var login = new EventStreamLogin(servers, builder.AddParameter("kafka-user"), builder.AddParameter("kafka-password", secret: true));
        return new EventStream(builder.AddConnectionString(Names.Connections.Kafka, ReferenceExpression.Create($"{servers}")), login);
    }

    /// <summary>Where receipts go: a mail server that shows them in the browser, or the one that the parameters name.</summary>
    public static MailServer AddMailServer(this IDistributedApplicationBuilder builder)
    {
        if (builder.ExecutionContext.IsRunMode)
        {
            var mail = builder.AddContainer("mail", "axllent/mailpit", "v1.31.2")
                .WithHttpEndpoint(targetPort: 8025)
                .WithEndpoint(targetPort: 1025, name: "smtp");
            var smtp = mail.GetEndpoint("smtp");
            return new MailServer(
                ReferenceExpression.Create($"{smtp.Property(EndpointProperty.Host)}"),
                ReferenceExpression.Create($"{smtp.Property(EndpointProperty.Port)}"),
                ReferenceExpression.Create($"Payments <receipts@payments.example>"),
                null, null);
        }

        return new MailServer(
            ReferenceExpression.Create($"{builder.AddParameter("smtp-host")}"),
            ReferenceExpression.Create($"{builder.AddParameter("smtp-port", "587", publishValueAsDefault: true)}"),
            ReferenceExpression.Create($"{builder.AddParameter("smtp-from")}"),
            builder.AddParameter("smtp-user"),
            builder.AddParameter("smtp-password", secret: true));
    }

    /// <summary>False with <c>--KeepData=false</c>: every start begins empty.</summary>
    public static bool KeepsData(this IDistributedApplicationBuilder builder) => builder.Configuration["KeepData"] != "false";

    /// <summary>Where services that run here keep files.</summary>
    public static string DataDirectory(this IDistributedApplicationBuilder builder) => builder.KeepsData()
        ? Path.GetFullPath(Path.Combine(builder.AppHostDirectory, "..", ".payments", "apphost"))
        : Directory.CreateTempSubdirectory("payments-apphost-").FullName;
}

/// <param name="Connection">The bootstrap servers.</param>
/// <param name="Login">Absent for a broker that asks for none.</param>
internal sealed record EventStream(IResourceBuilder<IResourceWithConnectionString> Connection, EventStreamLogin? Login);

internal sealed record EventStreamLogin(
    IResourceBuilder<ParameterResource> Servers, IResourceBuilder<ParameterResource> User, IResourceBuilder<ParameterResource> Password);

/// <param name="User">With the password absent where the server asks for none, and offers no TLS either.</param>
internal sealed record MailServer(
    ReferenceExpression Host, ReferenceExpression Port, ReferenceExpression From, IResourceBuilder<ParameterResource>? User, IResourceBuilder<ParameterResource>? Password);
