using Npgsql;
using NpgsqlTypes;
using Payments.Platform.Outbox;

namespace Payments.Platform.Inbox;

/// <summary>How far a consumer has come in a publisher's log.</summary>
/// <param name="Sequences">The last number applied in each logical partition.</param>
/// <param name="HaltedBecause">Set where the log turned out to be another one than before; nothing is applied any more.</param>
internal sealed record ConsumerPosition(Guid Epoch, long[] Sequences, string? HaltedBecause);

/// <summary>A consumer's checkpoints in its own database.</summary>
internal sealed class Checkpoints(NpgsqlDataSource database, string consumer, string publisher)
{
    /// <summary>Null for a consumer that was never registered.</summary>
    public async Task<ConsumerPosition?> LoadAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            SELECT c.epoch, c.halted_because, p.partition, p.seq
            FROM event_consumers AS c JOIN checkpoints AS p ON p.consumer = c.consumer AND p.publisher = c.publisher
            WHERE c.consumer = $1 AND c.publisher = $2
            """);
        command.Parameters.Add(new() { Value = consumer });
        command.Parameters.Add(new() { Value = publisher });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        ConsumerPosition? position = null;
        while (await reader.ReadAsync(cancellationToken))
        {
            position ??= new(reader.GetGuid(0), new long[LogicalPartition.Count], await reader.IsDBNullAsync(1, cancellationToken) ? null : reader.GetString(1));
            position.Sequences[reader.GetInt32(2)] = reader.GetInt64(3);
        }

        return position;
    }

    /// <summary>Registers the consumer at a position; a registration that another replica has made meanwhile stands.</summary>
    public async Task RegisterAsync(Guid epoch, IReadOnlyList<long> sequences, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            WITH registered AS (
                INSERT INTO event_consumers (consumer, publisher, epoch) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
                RETURNING consumer, publisher, epoch)
            INSERT INTO checkpoints (consumer, publisher, epoch, partition, seq)
            SELECT r.consumer, r.publisher, r.epoch, s.place - 1, s.seq
            FROM registered AS r, unnest($4) WITH ORDINALITY AS s (seq, place)
            """);
        command.Parameters.Add(new() { Value = consumer });
        command.Parameters.Add(new() { Value = publisher });
        command.Parameters.Add(new() { Value = epoch });
        command.Parameters.Add(new() { Value = sequences.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>The publisher's log goes on in another epoch; the numbers stay. Nothing where another replica has done it.</summary>
    public async Task GoOnAsync(Guid from, Guid to, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        foreach (var sql in new[]
        {
            "SELECT FROM checkpoints WHERE consumer = $1 AND publisher = $2 AND epoch = $3 ORDER BY partition FOR UPDATE",
            "UPDATE checkpoints SET epoch = $4 WHERE consumer = $1 AND publisher = $2 AND epoch = $3",
            "UPDATE event_consumers SET epoch = $4 WHERE consumer = $1 AND publisher = $2 AND epoch = $3",
        })
        {
            await using var command = new NpgsqlCommand(sql, connection, transaction)
            {
                Parameters = { new() { Value = consumer }, new() { Value = publisher }, new() { Value = from } },
            };
            if (sql.Contains("$4", StringComparison.Ordinal))
            {
                command.Parameters.Add(new() { Value = to });
            }

            await command.ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Stops the consumer until a person has looked; a restart does not start it again.</summary>
    public async Task HaltAsync(string because, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            UPDATE event_consumers SET halted_at = now(), halted_because = $3 WHERE consumer = $1 AND publisher = $2 AND halted_at IS NULL
            """);
        command.Parameters.Add(new() { Value = consumer });
        command.Parameters.Add(new() { Value = publisher });
        command.Parameters.Add(new() { Value = because });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>
    /// Adds to the batch what moves the checkpoints over the rows, which are a gapless run in each partition, locking them in order of partition;
    /// the lock's result, which says nothing, comes first.
    /// </summary>
    public Advance Advance(NpgsqlBatch batch, Guid epoch, IReadOnlyList<OutboxRow> rows)
    {
        var runs = rows.GroupBy(r => r.Partition).OrderBy(g => g.Key).Select(g => (Partition: g.Key, Expected: g.First().Sequence - 1, Next: g.Last().Sequence)).ToArray();
        var partitions = runs.Select(r => r.Partition).ToArray();
        batch.BatchCommands.Add(new("""
            SELECT FROM checkpoints WHERE consumer = $1 AND publisher = $2 AND partition = ANY ($3)
            ORDER BY partition FOR UPDATE
            """)
        {
            Parameters = { new() { Value = consumer }, new() { Value = publisher }, new() { Value = partitions } },
        });
        var move = new NpgsqlBatchCommand("""
            UPDATE checkpoints AS c SET seq = run.next
            FROM unnest($4, $5, $6) AS run (partition, expected, next)
            WHERE c.consumer = $1 AND c.publisher = $2 AND c.epoch = $3 AND c.partition = run.partition AND c.seq = run.expected
              AND EXISTS (SELECT FROM event_consumers WHERE consumer = $1 AND publisher = $2 AND halted_at IS NULL)
            """)
        {
            Parameters =
            {
                new() { Value = consumer },
                new() { Value = publisher },
                new() { Value = epoch },
                new() { Value = partitions, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Integer },
                new() { Value = runs.Select(r => r.Expected).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint },
                new() { Value = runs.Select(r => r.Next).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint },
            },
        };
        batch.BatchCommands.Add(move);
        return new(move, runs.Length);
    }
}

/// <summary>A move of checkpoints within a batch.</summary>
internal sealed record Advance(NpgsqlBatchCommand Move, int Runs)
{
    /// <summary>
    /// After the batch: whether all of them were where the rows begin. Otherwise another replica was faster, and the transaction is to be rolled back.
    /// </summary>
    public bool Succeeded => Move.RecordsAffected == Runs;
}
