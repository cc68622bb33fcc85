namespace Payments.AllInOne.Embedded;

/// <summary>
/// A Kafka broker within this process: the one that librdkafka carries for its own tests, speaking the real protocol over TCP
/// with consumer groups and transactions. It keeps everything in memory and only some 5 MB per partition, so consumers meet
/// truncation here as a matter of course. It listens behind a relay on a fixed port, so that it can be emptied, or be gone
/// for a while, at an address that stays.
/// </summary>
public sealed class KafkaBroker : IAsyncDisposable
{
    /// <summary>Few: the broker looks for where a consumer is by walking a partition's batches, of which there are fewer the more messages each has.</summary>
    public const int DefaultPartitions = 2;
    private const int Broker = 1;
    private readonly TcpRelay relay;
    private readonly nint handle;
    private readonly Lock gate = new();
    private readonly Dictionary<string, int> topics;
    private nint cluster;

    private KafkaBroker(int port, IReadOnlyDictionary<string, int> topics)
    {
        this.topics = new Dictionary<string, int>(topics);
        relay = new TcpRelay(port);
        handle = Librdkafka.NewHandle();
        cluster = NewCluster();
        relay.Redirect(Librdkafka.PortOf(cluster));
    }

    public int Port => relay.Port;

    public string BootstrapServers => $"127.0.0.1:{Port}";

    /// <summary>Starts a broker with these topics (name → partitions).</summary>
    /// <param name="port">0 chooses a free one.</param>
    public static KafkaBroker Start(IReadOnlyDictionary<string, int> topics, int port = 0)
    {
        ArgumentNullException.ThrowIfNull(topics);
        if (port != 0 && !FreePort.IsFree(port))
        {
            throw new InvalidOperationException($"Port {port}, wanted for the Kafka broker, is in use.");
        }

        return new KafkaBroker(port, topics);
    }

    public void CreateTopic(string topic, int partitions)
    {
        lock (gate)
        {
            topics.Add(topic, partitions);
            Librdkafka.CreateTopic(cluster, topic, partitions);
        }
    }

    /// <summary>
    /// Replaces the broker by an empty one at the same address: messages, committed offsets and groups are gone, topics exist
    /// again without content.
    /// </summary>
    public void Wipe()
    {
        lock (gate)
        {
            var old = cluster;
            relay.Redirect(null);
            cluster = NewCluster();
            Librdkafka.MockClusterDestroy(old);
            relay.Redirect(Librdkafka.PortOf(cluster));
        }
    }

    /// <summary>Refuses every connection until <see cref="Restore"/>; what the broker holds stays.</summary>
    public void CutOff() => relay.Redirect(null);

    public void Restore()
    {
        lock (gate)
        {
            relay.Redirect(Librdkafka.PortOf(cluster));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await relay.DisposeAsync();
        lock (gate)
        {
            if (cluster != 0)
            {
                Librdkafka.MockClusterDestroy(cluster);
                Librdkafka.Destroy(handle);
                cluster = 0;
            }
        }
    }

    private nint NewCluster()
    {
        var made = Librdkafka.MockClusterNew(handle, 1);
        if (made == 0)
        {
            throw new InvalidOperationException("librdkafka could not start its broker.");
        }

        // Clients follow the address that the broker tells them, so it must tell the relay's.
        Librdkafka.MockBrokerSetHostPort(made, Broker, "127.0.0.1", relay.Port);
        Librdkafka.MockGroupInitialRebalanceDelay(made, 0);
        foreach (var (topic, partitions) in topics)
        {
            Librdkafka.CreateTopic(made, topic, partitions);
        }

        return made;
    }
}
