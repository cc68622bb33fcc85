using System.Globalization;
using System.Text;
using Confluent.Kafka;
using Payments.Core;
using Payments.Platform.Outbox;

namespace Payments.Platform.Kafka;

/// <summary>
/// The Kafka form of an event: CloudEvents 1.0, binary mode. Attributes are headers <c>ce_…</c>, the value is the JSON data, the key
/// is the payment's id. Beyond the standard's attributes it carries the place in the publisher's log and whose payment it is.
/// </summary>
public static class CloudEvent
{
    public const string ContentType = "application/json";
    public const string TraceParent = "traceparent";
    private const string SpecVersion = "1.0";

    /// <summary>The <c>source</c> attribute of a publisher.</summary>
    public static string SourceOf(string publisher) => "urn:payments:" + publisher;

    public static Message<string, byte[]> Write(string publisher, Guid epoch, OutboxRow row, string? traceParent)
    {
        ArgumentNullException.ThrowIfNull(row);
        var headers = new Headers();
        Add(headers, "ce_specversion", SpecVersion);
        Add(headers, "ce_id", new EventId(row.Id).ToString());
        Add(headers, "ce_source", SourceOf(publisher));
        Add(headers, "ce_type", row.Type);
        Add(headers, "ce_subject", new PaymentId(row.Subject).ToString());
        Add(headers, "ce_time", row.OccurredAt.UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
        Add(headers, "content-type", ContentType);
        Add(headers, "ce_sequence", row.Sequence.ToString(CultureInfo.InvariantCulture));
        Add(headers, "ce_partition", row.Partition.ToString(CultureInfo.InvariantCulture));
        Add(headers, "ce_epoch", epoch.ToString());
        Add(headers, "ce_merchantid", new MerchantId(row.MerchantId).ToString());
        Add(headers, "ce_mode", row.Mode);
        Add(headers, "ce_paymentversion", row.Version.ToString(CultureInfo.InvariantCulture));
        if (traceParent is not null)
        {
            Add(headers, TraceParent, traceParent);
        }

        return new Message<string, byte[]> { Key = new PaymentId(row.Subject).ToString(), Value = row.Data, Headers = headers, Timestamp = new Timestamp(row.OccurredAt) };
    }

    /// <summary>
    /// Reads a message of the given publisher. False for anything else: a message whose place in the log cannot be told is
    /// ignored, and what it should have been is missed by its number and refilled.
    /// </summary>
    public static bool TryRead(string publisher, Message<string, byte[]> message, out Guid epoch, out OutboxRow row)
    {
        ArgumentNullException.ThrowIfNull(message);
        (epoch, row) = (Guid.Empty, null!);
        var attributes = new Dictionary<string, string>(message.Headers?.Count ?? 0, StringComparer.Ordinal);
        foreach (var header in message.Headers ?? [])
        {
            if (header.GetValueBytes() is { } bytes)
            {
                attributes[header.Key] = Encoding.UTF8.GetString(bytes);
            }
        }

        string Text(string name) => attributes.GetValueOrDefault(name, "");
        bool Number(string name, out long number) => long.TryParse(Text(name), NumberStyles.None, CultureInfo.InvariantCulture, out number);

        if (Text("ce_specversion") != SpecVersion || Text("ce_source") != SourceOf(publisher) || message.Value is null
            || !Guid.TryParse(Text("ce_epoch"), out epoch)
            || !Number("ce_sequence", out var sequence) || sequence < 1
            || !Number("ce_partition", out var partition) || partition >= LogicalPartition.Count
            || !Number("ce_paymentversion", out var version)
            || !Id.TryParse<EventId>(Text("ce_id"), out var id)
            || !Id.TryParse<PaymentId>(Text("ce_subject"), out var subject)
            || !Id.TryParse<MerchantId>(Text("ce_merchantid"), out var merchant)
            || !DateTimeOffset.TryParse(Text("ce_time"), CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var time))
        {
            return false;
        }

        row = new OutboxRow(
            (int)partition, sequence, id.Value, Text("ce_type"), subject.Value, merchant.Value, Text("ce_mode"), version, time, message.Value,
            attributes.GetValueOrDefault(TraceParent));
        return true;
    }

    private static void Add(Headers headers, string name, string value) => headers.Add(name, Encoding.UTF8.GetBytes(value));
}
