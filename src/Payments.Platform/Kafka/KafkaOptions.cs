using System.ComponentModel.DataAnnotations;
using Confluent.Kafka;

namespace Payments.Platform.Kafka;

/// <summary>
/// Section <c>Payments:Kafka</c>. The bootstrap servers themselves are connection string <c>kafka</c>. Nothing else is needed for a
/// broker without authentication; Azure Event Hubs takes <c>SaslSsl</c>, <c>Plain</c>, user <c>$ConnectionString</c> and the
/// connection string as password.
/// </summary>
public sealed class KafkaOptions
{
    public const string Section = "Payments:Kafka";

    public SecurityProtocol SecurityProtocol { get; set; } = SecurityProtocol.Plaintext;

    public SaslMechanism? SaslMechanism { get; set; }

    public string? SaslUsername { get; set; }

    public string? SaslPassword { get; set; }

    /// <summary>PEM file of the authorities to trust, where the system's own are not enough.</summary>
    public string? SslCaLocation { get; set; }

    /// <summary>
    /// Number of partitions with which a publisher creates a topic that is missing; 0 leaves topics to whoever runs the broker,
    /// which is right for brokers that refuse the request.
    /// </summary>
    [Range(0, 1_000)]
    public int CreateTopicPartitions { get; set; }

    [Range(1, 10)]
    public short CreateTopicReplicas { get; set; } = 1;

    /// <summary>How long the producer goes on trying one message before the relay takes it up again from the log.</summary>
    [Range(1_000, 600_000)]
    public int DeliveryTimeoutMilliseconds { get; set; } = 20_000;
}
