using Microsoft.Extensions.Logging;
using Npgsql;
using Payments.Core;
using Payments.Platform.Outbox;
using EventId = Payments.Core.EventId;

namespace Payments.Platform.Inbox;

/// <summary>Applies rows of the log exactly once: effects and checkpoint in one transaction, whoever else tries the same.</summary>
internal sealed class EventApplier(
    NpgsqlDataSource database, ConsumerRegistration registration, Checkpoints checkpoints, ParkedPayments parked, IEventHandler handler, ConsumerTelemetry telemetry, ILogger logger)
{
    /// <summary>
    /// Applies rows that are a gapless run in each partition from the checkpoint on. A row that fails alone, while the database
    /// works, parks its payment. False where the checkpoints stand elsewhere; some of the rows may be applied then.
    /// </summary>
    /// <exception cref="Exception">A failure that passes (<see cref="Failure.Passes"/>): read the checkpoints and try again.</exception>
    public async Task<bool> ApplyAsync(Guid epoch, IReadOnlyList<OutboxRow> rows, CancellationToken cancellationToken)
    {
        try
        {
            return await InTransactionAsync(epoch, rows, null, cancellationToken);
        }
        catch (Exception e) when (!Failure.Passes(e))
        {
            return rows.Count == 1
                ? await AloneAsync(epoch, rows, cancellationToken)
                : await ApplyAsync(epoch, [.. rows.Take(rows.Count / 2)], cancellationToken)
                  && await ApplyAsync(epoch, [.. rows.Skip(rows.Count / 2)], cancellationToken);
        }
    }

    private async Task<bool> AloneAsync(Guid epoch, IReadOnlyList<OutboxRow> row, CancellationToken cancellationToken)
    {
        try
        {
            return await InTransactionAsync(epoch, row, null, cancellationToken);
        }
        catch (Exception e) when (!Failure.Passes(e))
        {
            if (!await InTransactionAsync(epoch, row, Failure.Describe(e), cancellationToken))
            {
                return false;
            }

            telemetry.Parked();
            InboxLog.Parked(logger, telemetry.Consumer, new PaymentId(row[0].Subject), new EventId(row[0].Id), e);
            return true;
        }
    }

    /// <param name="error">Not null: the one row is parked for this reason instead of being handled.</param>
    private async Task<bool> InTransactionAsync(Guid epoch, IReadOnlyList<OutboxRow> rows, string? error, CancellationToken cancellationToken)
    {
        using var measured = telemetry.Process(rows);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        Steps.Reached(Steps.ConsumeBefore, telemetry.Consumer);
        if (await BeginAsync(connection, transaction, epoch, rows, cancellationToken) is not { } waiting)
        {
            return false;
        }

        if (error is not null)
        {
            await parked.ParkAsync(connection, transaction, rows[0].Subject, cancellationToken);
            await parked.KeepAsync(connection, transaction, epoch, rows, error, cancellationToken);
        }
        else
        {
            if (rows.Where(r => waiting.Contains(r.Subject)).ToArray() is { Length: > 0 } kept)
            {
                await parked.KeepAsync(connection, transaction, epoch, kept, null, cancellationToken);
            }

            if (rows.Where(r => !waiting.Contains(r.Subject)).Select(EventReading.Read).ToArray() is { Length: > 0 } events)
            {
                await handler.ApplyAsync(connection, transaction, events, cancellationToken);
            }
        }

        Steps.Reached(Steps.ConsumeEffects, telemetry.Consumer);
        await transaction.CommitAsync(cancellationToken);
        Steps.Reached(Steps.ConsumeAfter, telemetry.Consumer);
        measured.Succeeded();
        return true;
    }

    /// <summary>
    /// What every batch does, in one round trip: moves the checkpoints, keeps copies, and asks which payments are parked. Null where the checkpoints
    /// stand elsewhere.
    /// </summary>
    private async Task<HashSet<Guid>?> BeginAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, Guid epoch, IReadOnlyList<OutboxRow> rows, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection, transaction);
        var advance = checkpoints.Advance(batch, epoch, rows);
        if (registration.KeepsCopies)
        {
            batch.BatchCommands.Add(EventCopies.Keep(registration.Name, registration.Publisher, rows));
        }

        batch.BatchCommands.Add(parked.Among(rows));
        var waiting = new HashSet<Guid>();
        await using (var reader = await batch.ExecuteReaderAsync(cancellationToken))
        {
            await reader.NextResultAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                waiting.Add(reader.GetGuid(0));
            }
        }

        return advance.Succeeded ? waiting : null;
    }
}
