using System.Diagnostics;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Core.Events;

namespace Payments.Platform.Outbox;

/// <summary>An event to be written, and the trace it belongs to (W3C <c>traceparent</c>), which goes on over Kafka.</summary>
public sealed record TracedEvent(PaymentEvent Event, string? TraceParent)
{
    /// <summary>The event in the trace that is current now.</summary>
    public static TracedEvent InCurrentTrace(PaymentEvent payment) => new(payment, Activity.Current?.Id);
}

/// <summary>
/// Writes events to the outbox within the caller's transaction. After the commit the caller tells <see cref="OutboxSignal"/>.
/// Rows of payments are to be locked before this (in order of id), because heads of partitions stay locked until the commit.
/// </summary>
public static class OutboxWriter
{
    /// <summary>Takes the nine arrays of <see cref="OutboxColumns"/> as <c>$1</c> to <c>$9</c>; returns the number of events.</summary>
    public const string AppendSql = "SELECT outbox_append($1, $2, $3, $4, $5, $6, $7, $8, $9)";

    /// <summary>A command to be put into the caller's batch.</summary>
    public static NpgsqlBatchCommand Command(IReadOnlyList<TracedEvent> events)
    {
        var command = new NpgsqlBatchCommand(AppendSql);
        OutboxColumns.Of(events).AddTo(command.Parameters);
        return command;
    }

    /// <summary>Writes the events in one round trip.</summary>
    public static async Task AppendAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyList<TracedEvent> events, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(events);
        if (events.Count == 0)
        {
            return;
        }

        await using var batch = new NpgsqlBatch(connection, transaction) { BatchCommands = { Command(events) } };
        var appended = (int)(await batch.ExecuteScalarAsync(cancellationToken))!;
        Invariant.Holds(appended == events.Count, $"{events.Count} events were to be appended, {appended} were.");
    }
}

/// <summary>Events as the parallel arrays that <c>outbox_append</c> takes, in the order of its parameters.</summary>
public sealed record OutboxColumns(
    Guid[] Ids,
    string[] Types,
    Guid[] Subjects,
    Guid[] MerchantIds,
    string[] Modes,
    long[] Versions,
    DateTimeOffset[] OccurredAts,
    byte[][] Datas,
    string?[] TraceParents)
{
    public static OutboxColumns Of(IReadOnlyList<TracedEvent> events)
    {
        ArgumentNullException.ThrowIfNull(events);
        return new(
            [.. events.Select(e => e.Event.Id.Value)],
            [.. events.Select(e => e.Event.Type)],
            [.. events.Select(e => e.Event.PaymentId.Value)],
            [.. events.Select(e => e.Event.MerchantId.Value)],
            [.. events.Select(e => e.Event.Mode == Mode.Live ? "live" : "test")],
            [.. events.Select(e => e.Event.Version)],
            [.. events.Select(e => e.Event.OccurredAt.ToUniversalTime())],
            [.. events.Select(e => JsonSerializer.SerializeToUtf8Bytes(e.Event.Data, Json.Options))],
            [.. events.Select(e => e.TraceParent)]);
    }

    /// <summary>Of rows as they were read; where they stand in the log goes beside them.</summary>
    public static OutboxColumns Of(IReadOnlyList<OutboxRow> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        return new(
            [.. rows.Select(r => r.Id)],
            [.. rows.Select(r => r.Type)],
            [.. rows.Select(r => r.Subject)],
            [.. rows.Select(r => r.MerchantId)],
            [.. rows.Select(r => r.Mode)],
            [.. rows.Select(r => r.Version)],
            [.. rows.Select(r => r.OccurredAt.ToUniversalTime())],
            [.. rows.Select(r => r.Data)],
            [.. rows.Select(r => r.TraceParent)]);
    }

    /// <summary>Adds nine positional parameters, wherever they begin in the caller's statement.</summary>
    public void AddTo(NpgsqlParameterCollection parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        parameters.Add(Array(NpgsqlDbType.Uuid, Ids));
        parameters.Add(Array(NpgsqlDbType.Text, Types));
        parameters.Add(Array(NpgsqlDbType.Uuid, Subjects));
        parameters.Add(Array(NpgsqlDbType.Uuid, MerchantIds));
        parameters.Add(Array(NpgsqlDbType.Text, Modes));
        parameters.Add(Array(NpgsqlDbType.Bigint, Versions));
        parameters.Add(Array(NpgsqlDbType.TimestampTz, OccurredAts));
        parameters.Add(Array(NpgsqlDbType.Bytea, Datas));
        parameters.Add(Array(NpgsqlDbType.Text, TraceParents));
    }

    private static NpgsqlParameter Array(NpgsqlDbType element, object values) =>
        new() { Value = values, NpgsqlDbType = NpgsqlDbType.Array | element };
}
