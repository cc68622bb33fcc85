using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Platform.Outbox;
using EventId = Payments.Core.EventId;

namespace Payments.Platform.Inbox;

/// <summary>An event that waits because it, or an earlier one of its payment, could not be applied.</summary>
/// <param name="Error">Null where it only waits behind an earlier one.</param>
public sealed record DeadLetter(
    DeadLetterId Id,
    string Consumer,
    EventId EventId,
    string Type,
    PaymentId PaymentId,
    MerchantId MerchantId,
    Mode Mode,
    long Version,
    DateTimeOffset OccurredAt,
    string? Error,
    int Attempts,
    DateTimeOffset ParkedAt);

/// <summary>How a replay ended.</summary>
/// <param name="Found">False where no such event waits.</param>
/// <param name="Applied">How many events of the payment took effect now.</param>
/// <param name="Error">Why the payment stays parked; null where it goes on as before.</param>
public sealed record Replay(bool Found, int Applied, string? Error);

/// <summary>The dead letters of this service's consumers: what waits, and trying it again.</summary>
internal sealed class DeadLetters(NpgsqlDataSource database, IEnumerable<ConsumerParts> consumers, ILogger<DeadLetters> logger)
{
    private const string RowColumns = "partition, seq, event_id, type, payment_id, merchant_id, mode, version, occurred_at, data, traceparent";
    private readonly Dictionary<string, ConsumerParts> consumers = consumers.ToDictionary(c => c.Registration.Name);

    /// <summary>What waits, oldest first, after the given one.</summary>
    public async Task<IReadOnlyList<DeadLetter>> ListAsync(DeadLetterId? after, int limit, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            SELECT id, consumer, event_id, type, payment_id, merchant_id, mode, version, occurred_at, error, attempts, parked_at
            FROM dead_letters WHERE replayed_at IS NULL AND ($1 IS NULL OR id > $1) ORDER BY id LIMIT $2
            """);
        command.Parameters.Add(new() { Value = (object?)after?.Value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        command.Parameters.Add(new() { Value = limit });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var letters = new List<DeadLetter>();
        while (await reader.ReadAsync(cancellationToken))
        {
            letters.Add(new(
                new(reader.GetGuid(0)), reader.GetString(1), new(reader.GetGuid(2)), reader.GetString(3), new(reader.GetGuid(4)), new(reader.GetGuid(5)),
                reader.GetString(6) == "live" ? Mode.Live : Mode.Test, reader.GetInt64(7), await reader.GetFieldValueAsync<DateTimeOffset>(8, cancellationToken),
                await reader.IsDBNullAsync(9, cancellationToken) ? null : reader.GetString(9), reader.GetInt32(10),
                await reader.GetFieldValueAsync<DateTimeOffset>(11, cancellationToken)));
        }

        return letters;
    }

    /// <summary>
    /// Applies all that waits of the dead letter's payment, in order, each event in a transaction with its mark: exactly once, also
    /// if two people ask at the same time. Ends at the first that fails; when nothing is left the payment is no longer parked.
    /// </summary>
    public async Task<Replay> ReplayAsync(DeadLetterId id, CancellationToken cancellationToken)
    {
        if (await WhoseAsync(id, cancellationToken) is not var (consumer, publisher, payment) || !consumers.TryGetValue(consumer, out var parts)
            || parts.Registration.Publisher != publisher)
        {
            return new(false, 0, null);
        }

        for (var applied = 0; ; applied++)
        {
            var (row, error) = await ReplayNextAsync(parts, payment, cancellationToken);
            if (row is null)
            {
                InboxLog.Replayed(logger, consumer, applied, new(payment));
                return new(true, applied, null);
            }

            if (error is not null)
            {
                InboxLog.ReplayFailed(logger, consumer, new(row.Id), new(payment), error);
                await NoteAsync(parts, row, Failure.Describe(error), cancellationToken);
                return new(true, applied, Failure.Describe(error));
            }
        }
    }

    private async Task<(string Consumer, string Publisher, Guid Payment)?> WhoseAsync(DeadLetterId id, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT consumer, publisher, payment_id FROM dead_letters WHERE id = $1 AND replayed_at IS NULL");
        command.Parameters.Add(new() { Value = id.Value });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? (reader.GetString(0), reader.GetString(1), reader.GetGuid(2)) : null;
    }

    /// <summary>The event that was tried and how it failed; no event where none is left, in which case the payment goes on.</summary>
    private async Task<(OutboxRow? Row, Exception? Error)> ReplayNextAsync(ConsumerParts parts, Guid payment, CancellationToken cancellationToken)
    {
        var (consumer, publisher) = (parts.Registration.Name, parts.Registration.Publisher);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        NpgsqlCommand Sql(string sql) => new(sql, connection, transaction)
        {
            Parameters = { new() { Value = consumer }, new() { Value = publisher }, new() { Value = payment } },
        };

        // Waits for the consumer, if it is adding an event of this payment right now; what it added is seen by the next statement.
        await using var hold = Sql("SELECT FROM parked_payments WHERE consumer = $1 AND publisher = $2 AND payment_id = $3 FOR UPDATE");
        await hold.ExecuteNonQueryAsync(cancellationToken);

        await using var next = Sql($"""
            SELECT {RowColumns} FROM dead_letters
            WHERE consumer = $1 AND publisher = $2 AND payment_id = $3 AND replayed_at IS NULL ORDER BY partition, seq LIMIT 1 FOR UPDATE
            """);
        OutboxRow? row;
        await using (var reader = await next.ExecuteReaderAsync(cancellationToken))
        {
            row = (await OutboxReader.RowsAsync(reader, cancellationToken)).SingleOrDefault();
        }

        if (row is null)
        {
            await using var release = Sql("DELETE FROM parked_payments WHERE consumer = $1 AND publisher = $2 AND payment_id = $3");
            await release.ExecuteNonQueryAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return (null, null);
        }

        try
        {
            await parts.Handler.ApplyAsync(connection, transaction, [EventReading.Read(row)], cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            return (row, e);
        }

        await using var mark = new NpgsqlCommand("""
            UPDATE dead_letters SET replayed_at = now(), attempts = attempts + 1
            WHERE consumer = $1 AND publisher = $2 AND partition = $3 AND seq = $4 AND event_id = $5 AND replayed_at IS NULL
            """, connection, transaction)
        {
            Parameters =
            {
                new() { Value = consumer }, new() { Value = publisher }, new() { Value = row.Partition }, new() { Value = row.Sequence },
                new() { Value = row.Id },
            },
        };
        await mark.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return (row, null);
    }

    private async Task NoteAsync(ConsumerParts parts, OutboxRow row, string error, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            UPDATE dead_letters SET error = $5, attempts = attempts + 1
            WHERE consumer = $1 AND publisher = $2 AND partition = $3 AND seq = $4 AND event_id = $6 AND replayed_at IS NULL
            """);
        command.Parameters.Add(new() { Value = parts.Registration.Name });
        command.Parameters.Add(new() { Value = parts.Registration.Publisher });
        command.Parameters.Add(new() { Value = row.Partition });
        command.Parameters.Add(new() { Value = row.Sequence });
        command.Parameters.Add(new() { Value = error });
        command.Parameters.Add(new() { Value = row.Id });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
