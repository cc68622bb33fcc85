using Confluent.Kafka;
using Npgsql;
using Payments.AllInOne;
using Payments.AllInOne.Embedded;
using Payments.Platform;

namespace Payments.IntegrationTests.CardSearch;

/// <summary>Where card data could end up, read whole.</summary>
internal static class Places
{
    /// <summary>Every database of a product and every message that its broker still holds; and how many those are.</summary>
    public static async Task<(List<string> Found, int Messages)> ProductAsync(AllInOneHost host, CancellationToken cancellationToken)
    {
        var found = new List<string>();
        foreach (var name in DatabaseNames)
        {
            found.AddRange(await DatabaseAsync(host.Backends.Connections[name], cancellationToken));
        }

        found.AddRange(Topic(host.Backends.Kafka!.BootstrapServers, Names.Topics.PaymentEvents, KafkaBroker.DefaultPartitions, out var messages));
        return (found, messages);
    }

    /// <summary>Every row of every table, as the bytes in which PostgreSQL itself would carry it: nothing compressed, nothing encoded.</summary>
    public static async Task<IReadOnlyList<string>> DatabaseAsync(string connectionString, CancellationToken cancellationToken)
    {
        await using var database = NpgsqlDataSource.Create(connectionString);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var tables = new List<string>();
        await using (var list = new NpgsqlCommand(
            """
            SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1
            """, connection))
        await using (var reader = await list.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                tables.Add(reader.GetString(0));
            }
        }

        Assert.NotEmpty(tables);
        var found = new List<string>();
        foreach (var table in tables)
        {
            await using var copy = await connection.BeginRawBinaryCopyAsync($"COPY (SELECT * FROM {table}) TO STDOUT (FORMAT BINARY)", cancellationToken);
            using var content = new MemoryStream();
            await copy.CopyToAsync(content, cancellationToken);
            found.AddRange(CardDataSearch.InBytes(content.GetBuffer().AsSpan(0, (int)content.Length), table));
        }

        return found;
    }

    /// <summary>Every message that the broker still holds: keys, values and headers.</summary>
    public static IReadOnlyList<string> Topic(string bootstrapServers, string topic, int partitions, out int messages)
    {
        using var consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig
        {
            BootstrapServers = bootstrapServers,
            GroupId = "card-data-search",
            EnableAutoCommit = false,
            EnablePartitionEof = true,
        }).Build();
        consumer.Assign(Enumerable.Range(0, partitions).Select(p => new TopicPartitionOffset(topic, p, Offset.Beginning)));
        var found = new List<string>();
        var ended = new HashSet<int>();
        messages = 0;
        while (ended.Count < partitions)
        {
            var result = consumer.Consume(TimeSpan.FromSeconds(120));
            Assert.NotNull(result);
            if (result.IsPartitionEOF)
            {
                ended.Add(result.Partition.Value);
                continue;
            }

            messages++;
            foreach (var bytes in result.Message.Headers.Select(h => h.GetValueBytes()).Append(result.Message.Key).Append(result.Message.Value))
            {
                found.AddRange(CardDataSearch.InBytes(bytes, $"{topic}/{result.Partition.Value}"));
            }
        }

        return found;
    }

    public static IReadOnlyList<string> DatabaseNames { get; } =
        [Names.Databases.Payments, Names.Databases.Vault, Names.Databases.Ledger, Names.Databases.Fraud, Names.Databases.Webhooks, Names.Databases.Reconciliation];
}
