namespace Payments.Platform;

/// <summary>Names that several hosts must agree on: services, databases, connection strings, topics, telemetry.</summary>
public static class Names
{
    /// <summary>Services; also their telemetry service names under the AppHost.</summary>
    public static class Services
    {
        public const string Api = "api";
        public const string Vault = "vault";
        public const string Ledger = "ledger";
        public const string Fraud = "fraud";
        public const string Webhooks = "webhooks";
        public const string Reconciliation = "reconciliation";
        public const string Simulators = "simulators";
    }

    /// <summary>Databases and, equally named, connection strings.</summary>
    public static class Databases
    {
        public const string Payments = "payments";
        public const string Vault = "vault";
        public const string Ledger = "ledger";
        public const string Fraud = "fraud";
        public const string Webhooks = "webhooks";
        public const string Reconciliation = "reconciliation";
    }

    /// <summary>Connection strings of what is not a database.</summary>
    public static class Connections
    {
        public const string Redis = "redis";
        public const string Kafka = "kafka";
    }

    public static class Topics
    {
        public const string PaymentEvents = "payments.events";
    }

    /// <summary>The Kafka consumer group of a consumer; the scale rules of its service watch the group's lag.</summary>
    public static string ConsumerGroup(string consumer) => "payments." + consumer;

    /// <summary>Activity sources and meters: one per service, plus the plumbing's own.</summary>
    public const string TelemetryPrefix = "Payments.";
}
