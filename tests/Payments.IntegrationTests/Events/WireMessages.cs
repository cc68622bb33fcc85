using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Confluent.Kafka;
using Payments.AllInOne.Embedded;
using Payments.Platform;

namespace Payments.IntegrationTests.Events;

/// <summary>Messages as any Kafka client reads them, and their validation by the published schemas.</summary>
internal static class WireMessages
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private static readonly NodePackage Schemas = new("schemas");

    /// <summary>How many messages the broker holds.</summary>
    public static int Count(KafkaBroker broker)
    {
        using var consumer = Consumer(broker);
        return (int)Partitions(consumer).Select(p => consumer.QueryWatermarkOffsets(p, Patience)).Sum(w => w.High - w.Low);
    }

    /// <summary>The first so many messages that the broker holds.</summary>
    public static List<ConsumeResult<string, byte[]>> Read(KafkaBroker broker, int count, CancellationToken cancellationToken)
    {
        using var consumer = Consumer(broker);
        consumer.Assign(Partitions(consumer).Select(p => new TopicPartitionOffset(p, Offset.Beginning)));
        var messages = new List<ConsumeResult<string, byte[]>>();
        while (messages.Count < count)
        {
            messages.Add(consumer.Consume(cancellationToken));
        }

        consumer.Close();
        return messages;
    }

    public static Dictionary<string, string> Headers(ConsumeResult<string, byte[]> message) =>
        message.Message.Headers.ToDictionary(h => h.Key, h => Encoding.UTF8.GetString(h.GetValueBytes()));

    /// <summary>Attributes and data in one object, as the schemas describe them.</summary>
    public static JsonObject Document(ConsumeResult<string, byte[]> message)
    {
        var document = new JsonObject();
        foreach (var (name, value) in Headers(message))
        {
            document[name == "content-type" ? "datacontenttype" : name.Replace("ce_", "", StringComparison.Ordinal)] = value;
        }

        document["data"] = JsonNode.Parse(message.Message.Value);
        return document;
    }

    /// <summary>The types that have a schema, and for each document what its schema finds wrong.</summary>
    public static async Task<(IReadOnlyList<string> Types, IReadOnlyList<string[]> Errors)> ValidateAsync(
        IEnumerable<JsonObject> documents, CancellationToken cancellationToken)
    {
        var directory = Path.Combine(NodePackage.Root, "docs", "events");
        var output = JsonNode.Parse(await Schemas.RunAsync("validate.mjs", [directory], new JsonArray([.. documents]).ToJsonString(), cancellationToken))!;
        return (output["types"].Deserialize<string[]>()!, output["results"].Deserialize<string[][]>()!);
    }

    private static IConsumer<string, byte[]> Consumer(KafkaBroker broker) =>
        new ConsumerBuilder<string, byte[]>(new ConsumerConfig { BootstrapServers = broker.BootstrapServers, GroupId = "wire" }).Build();

    private static TopicPartition[] Partitions(IConsumer<string, byte[]> consumer)
    {
        using var admin = new DependentAdminClientBuilder(consumer.Handle).Build();
        return [.. admin.GetMetadata(Names.Topics.PaymentEvents, Patience).Topics.Single().Partitions.Select(p => new TopicPartition(Names.Topics.PaymentEvents, p.PartitionId))];
    }
}
