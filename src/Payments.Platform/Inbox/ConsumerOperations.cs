using Microsoft.Extensions.Logging;
using Npgsql;

namespace Payments.Platform.Inbox;

/// <summary>A consumer as operators see it.</summary>
/// <param name="Applied">Events applied since the log began, over all partitions.</param>
public sealed record ConsumerView(string Name, Guid Epoch, long Applied, int ParkedPayments, DateTimeOffset? HaltedAt, string? HaltedBecause);

/// <summary>What operators do with the consumers of this service.</summary>
internal sealed class ConsumerOperations(NpgsqlDataSource database, ILogger<ConsumerOperations> logger)
{
    public async Task<IReadOnlyList<ConsumerView>> ListAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            SELECT c.consumer, c.epoch,
                (SELECT COALESCE(sum(p.seq), 0)::bigint FROM checkpoints AS p WHERE p.consumer = c.consumer AND p.publisher = c.publisher),
                (SELECT count(*)::int FROM parked_payments AS p WHERE p.consumer = c.consumer AND p.publisher = c.publisher),
                c.halted_at, c.halted_because
            FROM event_consumers AS c ORDER BY c.consumer
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var consumers = new List<ConsumerView>();
        while (await reader.ReadAsync(cancellationToken))
        {
            consumers.Add(new(
                reader.GetString(0), reader.GetGuid(1), reader.GetInt64(2), reader.GetInt32(3),
                await reader.IsDBNullAsync(4, cancellationToken) ? null : await reader.GetFieldValueAsync<DateTimeOffset>(4, cancellationToken),
                await reader.IsDBNullAsync(5, cancellationToken) ? null : reader.GetString(5)));
        }

        return consumers;
    }

    /// <summary>
    /// Lets a halted consumer try again, after the publisher has been put right. If its log is still another one the consumer halts
    /// again. False where no such consumer is halted.
    /// </summary>
    public async Task<bool> ResumeAsync(string consumer, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            "UPDATE event_consumers SET halted_at = NULL, halted_because = NULL WHERE consumer = $1 AND halted_at IS NOT NULL");
        command.Parameters.Add(new() { Value = consumer });
        var resumed = await command.ExecuteNonQueryAsync(cancellationToken) > 0;
        if (resumed)
        {
            InboxLog.Resumed(logger, consumer);
        }

        return resumed;
    }
}
