using Payments.Core;

namespace Payments.Platform.Outbox;

/// <summary>
/// The publisher's own partitions of its event log, independent of how many partitions the Kafka topic has. A payment always
/// belongs to the same one. Their number is fixed for the life of a log.
/// </summary>
public static class LogicalPartition
{
    public const int Count = 16;

    /// <summary>The last four bits of the id, which are random in a UUIDv7. Its twin in SQL is <c>outbox_partition</c>.</summary>
    public static int Of(PaymentId payment)
    {
        Span<byte> bytes = stackalloc byte[16];
        payment.Value.TryWriteBytes(bytes, bigEndian: true, out _);
        return bytes[15] & (Count - 1);
    }
}
