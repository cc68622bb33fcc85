using Microsoft.Extensions.Logging;

namespace Payments.Platform.Kafka;

internal static partial class KafkaLog
{
    [LoggerMessage(150, LogLevel.Warning, "Kafka: {Reason}. Events wait in the outbox and are refilled from there.")]
    public static partial void Trouble(ILogger logger, string reason);

    [LoggerMessage(EventId = 151, Message = "librdkafka {Client}: {Line}")]
    public static partial void Library(ILogger logger, LogLevel level, string client, string line);

    [LoggerMessage(152, LogLevel.Information, "Topic {Topic} was created with {Partitions} partitions.")]
    public static partial void TopicCreated(ILogger logger, string topic, int partitions);

    [LoggerMessage(153, LogLevel.Error, "There is no topic {Topic} on the broker: create it, or set Payments:Kafka:CreateTopicPartitions.")]
    public static partial void TopicMissing(ILogger logger, string topic);
}
