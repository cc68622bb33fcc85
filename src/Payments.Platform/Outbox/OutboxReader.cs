using System.Data.Common;
using Npgsql;
using NpgsqlTypes;
using Payments.Platform.Postgres;

namespace Payments.Platform.Outbox;

/// <summary>Reads the log from the publisher's own database.</summary>
public sealed class OutboxReader(NpgsqlDataSource database) : IOutboxSource
{
    /// <summary>The columns of <see cref="OutboxRow"/> in its order.</summary>
    internal const string Columns = "partition, seq, id, type, subject, merchant_id, mode, version, occurred_at, data, traceparent";

    public Task<OutboxHeads> HeadsAsync(CancellationToken cancellationToken) => Reachable(async () =>
    {
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(new("SELECT epoch, seq FROM outbox_heads ORDER BY partition"));
        batch.BatchCommands.Add(new("SELECT continues, sequences FROM outbox_epochs WHERE continues IS NOT NULL ORDER BY number DESC LIMIT 50"));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var epoch = Guid.Empty;
        var sequences = new List<long>(LogicalPartition.Count);
        while (await reader.ReadAsync(cancellationToken))
        {
            epoch = reader.GetGuid(0);
            sequences.Add(reader.GetInt64(1));
        }

        await reader.NextResultAsync(cancellationToken);
        var former = new List<FormerEpoch>();
        while (await reader.ReadAsync(cancellationToken))
        {
            former.Add(new(reader.GetGuid(0), await reader.GetFieldValueAsync<long[]>(1, cancellationToken)));
        }

        return new OutboxHeads(epoch, sequences) { Former = former };
    });

    public Task<OutboxPage> ReadAsync(int partition, long after, int limit, CancellationToken cancellationToken) => Reachable(async () =>
    {
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(new("SELECT epoch FROM outbox_heads WHERE partition = $1") { Parameters = { new() { Value = partition } } });
        batch.BatchCommands.Add(new($"SELECT {Columns} FROM outbox WHERE partition = $1 AND seq > $2 ORDER BY seq LIMIT $3")
        {
            Parameters = { new() { Value = partition }, new() { Value = after }, new() { Value = limit } },
        });
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var epoch = reader.GetGuid(0);
        await reader.NextResultAsync(cancellationToken);
        return new OutboxPage(epoch, await RowsAsync(reader, cancellationToken));
    });

    public Task ReportAsync(string consumer, ConsumerProgress progress, CancellationToken cancellationToken) => Reachable(async () =>
    {
        ArgumentNullException.ThrowIfNull(progress);
        await using var command = database.CreateCommand("""
            INSERT INTO outbox_consumers AS known (consumer, partition, seq)
            SELECT $1, place - 1, seq FROM unnest($2) WITH ORDINALITY AS reported (seq, place)
            WHERE EXISTS (SELECT FROM outbox_heads WHERE epoch = $3)
            ON CONFLICT (consumer, partition) DO UPDATE SET seq = excluded.seq, reported_at = now()
            """);
        command.Parameters.Add(new() { Value = consumer });
        command.Parameters.Add(new() { Value = progress.Sequences.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint });
        command.Parameters.Add(new() { Value = progress.Epoch });
        return await command.ExecuteNonQueryAsync(cancellationToken);
    });

    internal static async Task<IReadOnlyList<OutboxRow>> RowsAsync(DbDataReader reader, CancellationToken cancellationToken)
    {
        var rows = new List<OutboxRow>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(new(
                reader.GetInt32(0), reader.GetInt64(1), reader.GetGuid(2), reader.GetString(3), reader.GetGuid(4), reader.GetGuid(5), reader.GetString(6),
                reader.GetInt64(7), await reader.GetFieldValueAsync<DateTimeOffset>(8, cancellationToken),
                await reader.GetFieldValueAsync<byte[]>(9, cancellationToken), await reader.IsDBNullAsync(10, cancellationToken) ? null : reader.GetString(10)));
        }

        return rows;
    }

    private static async Task<T> Reachable<T>(Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (Exception e) when (Outage.OfDatabase(e))
        {
            throw new OutboxUnavailableException("The publisher's database does not answer.", e);
        }
    }
}
