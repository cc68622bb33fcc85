using System.Runtime.InteropServices;
using System.Text;

namespace Payments.AllInOne.Embedded;

/// <summary>
/// The part of librdkafka's C interface (rdkafka.h, rdkafka_mock.h) that makes its built-in broker; the same library that
/// Confluent.Kafka loads.
/// </summary>
internal static partial class Librdkafka
{
    private const int Producer = 0;
    private const string Library = "librdkafka";

    [LibraryImport(Library, EntryPoint = "rd_kafka_conf_new")]
    private static partial nint ConfNew();

    [LibraryImport(Library, EntryPoint = "rd_kafka_conf_set", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int ConfSet(nint conf, string name, string value, byte* error, nuint errorSize);

    /// <summary>Takes <paramref name="conf"/> over when it succeeds.</summary>
    [LibraryImport(Library, EntryPoint = "rd_kafka_new")]
    private static unsafe partial nint New(int type, nint conf, byte* error, nuint errorSize);

    [LibraryImport(Library, EntryPoint = "rd_kafka_destroy")]
    public static partial void Destroy(nint handle);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_cluster_new")]
    public static partial nint MockClusterNew(nint handle, int brokers);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_cluster_destroy")]
    public static partial void MockClusterDestroy(nint cluster);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_cluster_bootstraps")]
    private static partial nint MockClusterBootstraps(nint cluster);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_broker_set_host_port", StringMarshalling = StringMarshalling.Utf8)]
    public static partial void MockBrokerSetHostPort(nint cluster, int broker, string host, int port);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_topic_create", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MockTopicCreate(nint cluster, string topic, int partitions, int replicas);

    [LibraryImport(Library, EntryPoint = "rd_kafka_mock_group_initial_rebalance_delay_ms")]
    public static partial void MockGroupInitialRebalanceDelay(nint cluster, int milliseconds);

    [LibraryImport(Library, EntryPoint = "rd_kafka_err2str")]
    private static partial nint ErrorText(int error);

    /// <summary>A client handle, needed only because clusters belong to one.</summary>
    public static unsafe nint NewHandle()
    {
        const int errors = 3;
        var error = stackalloc byte[256];
        var conf = ConfNew();
        // It connects to nothing, and would say so.
        _ = ConfSet(conf, "log_level", errors.ToString(System.Globalization.CultureInfo.InvariantCulture), error, 256);
        var handle = New(Producer, conf, error, 256);
        return handle != 0 ? handle : throw new InvalidOperationException("librdkafka: " + Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(error)));
    }

    /// <summary>The port of the cluster's only broker.</summary>
    public static int PortOf(nint cluster)
    {
        var address = Marshal.PtrToStringUTF8(MockClusterBootstraps(cluster))!;
        return int.Parse(address[(address.LastIndexOf(':') + 1)..], System.Globalization.CultureInfo.InvariantCulture);
    }

    public static void CreateTopic(nint cluster, string topic, int partitions)
    {
        var error = MockTopicCreate(cluster, topic, partitions, 1);
        if (error != 0)
        {
            throw new InvalidOperationException($"Topic {topic} could not be made: {Marshal.PtrToStringUTF8(ErrorText(error))}");
        }
    }
}
