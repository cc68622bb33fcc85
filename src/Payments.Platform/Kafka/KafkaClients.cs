using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Payments.Platform.Kafka;

/// <summary>Makes Kafka clients from configuration, with their logs in ours.</summary>
public sealed class KafkaClients
{
    private readonly string bootstrapServers;
    private readonly KafkaOptions options;
    private readonly ILogger<KafkaClients> logger;

    /// <exception cref="InvalidOperationException">There is no connection string <c>kafka</c>.</exception>
    public KafkaClients(IConfiguration configuration, IOptions<KafkaOptions> options, ILogger<KafkaClients> logger)
    {
        ArgumentNullException.ThrowIfNull(options);
        bootstrapServers = configuration.GetConnectionString(Names.Connections.Kafka) is { Length: > 0 } servers
            ? servers
            : throw new InvalidOperationException($"No connection string '{Names.Connections.Kafka}': set ConnectionStrings__{Names.Connections.Kafka}.");
        this.options = options.Value;
        this.logger = logger;
    }

    /// <summary>A producer that neither loses nor reorders what it is given, until it reports a fatal error.</summary>
    public IProducer<string, byte[]> Producer() =>
        new ProducerBuilder<string, byte[]>(Secured(new ProducerConfig
        {
            EnableIdempotence = true,
            Acks = Acks.All,
            LingerMs = 2,
            MessageTimeoutMs = options.DeliveryTimeoutMilliseconds,
            RequestTimeoutMs = Math.Min(10_000, options.DeliveryTimeoutMilliseconds),
            CompressionType = CompressionType.Lz4,
            TopicMetadataRefreshIntervalMs = 60_000,
        }))
            .SetLogHandler((_, line) => Forward(line))
            .SetErrorHandler((_, error) => KafkaLog.Trouble(logger, error.Reason))
            .Build();

    /// <summary>
    /// A consumer within a group, whose replicas share the topic's partitions. Offsets committed to the group only save work:
    /// what was applied is known by the checkpoints in the consumer's database.
    /// </summary>
    public IConsumer<string, byte[]> Consumer(string group) =>
        new ConsumerBuilder<string, byte[]>(Secured(new ConsumerConfig
        {
            GroupId = group,
            EnableAutoCommit = true,
            EnableAutoOffsetStore = false,
            AutoCommitIntervalMs = 2_000,
            AutoOffsetReset = AutoOffsetReset.Earliest,
            PartitionAssignmentStrategy = PartitionAssignmentStrategy.CooperativeSticky,
            FetchWaitMaxMs = 50,
            SessionTimeoutMs = 20_000,
            AllowAutoCreateTopics = false,
        }))
            .SetLogHandler((_, line) => Forward(line))
            .SetErrorHandler((_, error) => KafkaLog.Trouble(logger, error.Reason))
            .Build();

    /// <summary>How many partitions a topic has, or null while there is none. Creates the topic where that is configured.</summary>
    public async Task<int?> PartitionsAsync(IProducer<string, byte[]> producer, string topic)
    {
        ArgumentNullException.ThrowIfNull(producer);
        using var admin = new DependentAdminClientBuilder(producer.Handle).Build();
        try
        {
            // All topics: asking for one by name makes some brokers create it, with a number of partitions of their own.
            var known = await Task.Run(() => admin.GetMetadata(TimeSpan.FromSeconds(5)));
            var partitions = known.Topics.SingleOrDefault(t => t.Topic == topic)?.Partitions.Count ?? 0;
            if (partitions > 0)
            {
                return partitions;
            }

            if (options.CreateTopicPartitions == 0)
            {
                KafkaLog.TopicMissing(logger, topic);
            }
            else
            {
                await admin.CreateTopicsAsync([new TopicSpecification { Name = topic, NumPartitions = options.CreateTopicPartitions, ReplicationFactor = options.CreateTopicReplicas }]);
                KafkaLog.TopicCreated(logger, topic, options.CreateTopicPartitions);
            }
        }
        catch (KafkaException e)
        {
            KafkaLog.Trouble(logger, e.Error.Reason);
        }

        return null;
    }

    private TConfig Secured<TConfig>(TConfig config)
        where TConfig : ClientConfig
    {
        config.BootstrapServers = bootstrapServers;
        config.ClientId = "payments";
        config.SecurityProtocol = options.SecurityProtocol;
        config.SaslMechanism = options.SaslMechanism;
        config.SaslUsername = options.SaslUsername;
        config.SaslPassword = options.SaslPassword;
        config.SslCaLocation = options.SslCaLocation;
        config.ReconnectBackoffMs = 50;
        config.ReconnectBackoffMaxMs = 2_000;
        config.SocketKeepaliveEnable = true;
        return config;
    }

    private void Forward(LogMessage line)
    {
        var level = line.Level switch
        {
            SyslogLevel.Emergency or SyslogLevel.Alert or SyslogLevel.Critical => LogLevel.Error,
            SyslogLevel.Error or SyslogLevel.Warning => LogLevel.Warning,
            _ => LogLevel.Debug,
        };
        KafkaLog.Library(logger, level, line.Name, line.Message);
    }
}
