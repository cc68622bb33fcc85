using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Npgsql;
using Payments.Core;
using Payments.Platform.Postgres;

namespace Payments.Api.Recovery;

public enum IncidentStatus
{
    Open,
    Closed,
}

/// <param name="Kind">One of <see cref="IncidentKinds"/>, or null for all.</param>
public sealed record IncidentFilter(IncidentStatus? Status, string? Kind, PaymentId? Payment);

/// <summary>Something that a person must look at, with what to do about it.</summary>
/// <param name="Seen">How often it was found while it was open.</param>
public sealed record IncidentView(
    IncidentId Id, string Object, IncidentStatus Status, string Kind, IncidentSeverity Severity, string? Runbook, string? Action, MerchantId? MerchantId, Mode Mode,
    PaymentId? PaymentId, AttemptId? AttemptId, string Detail, string? Assignee, long Seen, DateTimeOffset RaisedAt, DateTimeOffset LastSeenAt, DateTimeOffset? ClosedAt,
    string? ClosedBy, string? CloseReason);

/// <param name="By">The operator's name.</param>
public sealed record IncidentNote(IncidentNoteId Id, DateTimeOffset At, string By, string Note);

/// <summary>The life of incidents after they were raised: read, given to somebody, written about, closed with a reason.</summary>
public sealed class Incidents(NpgsqlDataSource database)
{
    private const string Columns = """
        id, kind, merchant_id, mode, payment_id, attempt_id, detail, assignee, seen, raised_at, last_seen_at, closed_at, closed_by, close_reason
        """;

    private static readonly Meter Meter = new("Payments.Api");
    private static readonly ConcurrentDictionary<string, long> Open = new(StringComparer.Ordinal);

    static Incidents() => Meter.CreateObservableGauge(
        "payments.incidents.open",
        () => Open.Select(o => new Measurement<long>(o.Value, new("payments.incident", o.Key), new("payments.severity", Words.Of(SeverityOf(o.Key))))),
        "{incident}", "Open incidents, by kind and severity.");

    /// <summary>Newest first.</summary>
    public async Task<IReadOnlyList<IncidentView>> ListAsync(IncidentFilter filter, Guid? after, int limit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        const string sql = $"""
            SELECT {Columns} FROM incidents
            WHERE ($1::text IS NULL OR (closed_at IS NULL) = ($1 = 'open')) AND ($2::text IS NULL OR kind = $2) AND ($3::uuid IS NULL OR payment_id = $3)
              AND ($4::uuid IS NULL OR id < $4)
            ORDER BY id DESC LIMIT $5
            """;
        await using var command = database.CreateCommand(sql).With(filter.Status is { } status ? Words.Of(status) : null, filter.Kind, filter.Payment?.Value, after, limit);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var found = new List<IncidentView>();
        while (await row.ReadAsync(cancellationToken))
        {
            found.Add(Read(row));
        }

        return found;
    }

    public async Task<IncidentView?> FindAsync(IncidentId id, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"SELECT {Columns} FROM incidents WHERE id = $1").With(id.Value);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken) ? Read(row) : null;
    }

    /// <summary>What was written about an incident, oldest first.</summary>
    public async Task<IReadOnlyList<IncidentNote>> NotesAsync(IncidentId id, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT id, at, by, note FROM incident_notes WHERE incident_id = $1 ORDER BY id").With(id.Value);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var notes = new List<IncidentNote>();
        while (await row.ReadAsync(cancellationToken))
        {
            notes.Add(new IncidentNote(new IncidentNoteId(row.GetGuid(0)), row.GetFieldValue<DateTimeOffset>(1), row.GetString(2), row.GetString(3)));
        }

        return notes;
    }

    /// <summary>Locks an incident for a change.</summary>
    public static async Task<IncidentView?> LockAsync(NpgsqlTransaction transaction, IncidentId id, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        await using var command = new NpgsqlCommand($"SELECT {Columns} FROM incidents WHERE id = $1 FOR UPDATE", transaction.Connection, transaction).With(id.Value);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken) ? Read(row) : null;
    }

    public static Task AssignAsync(NpgsqlTransaction transaction, IncidentId id, string assignee, CancellationToken cancellationToken) =>
        RunAsync(transaction, "UPDATE incidents SET assignee = $2 WHERE id = $1", cancellationToken, id.Value, assignee);

    public static Task NoteAsync(NpgsqlTransaction transaction, IncidentId id, IncidentNote note, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(note);
        return RunAsync(
            transaction, "INSERT INTO incident_notes (incident_id, id, at, by, note) VALUES ($1, $2, $3, $4, $5)", cancellationToken,
            id.Value, note.Id.Value, note.At.ToUniversalTime(), note.By, note.Note);
    }

    public static Task CloseAsync(NpgsqlTransaction transaction, IncidentId id, string by, string reason, CancellationToken cancellationToken) =>
        RunAsync(transaction, "UPDATE incidents SET closed_at = now(), closed_by = $2, close_reason = $3 WHERE id = $1", cancellationToken, id.Value, by, reason);

    /// <summary>For the metric: every kind of the table, so that an alert sees the zero as well.</summary>
    public async Task CountAsync(CancellationToken cancellationToken)
    {
        var counts = IncidentKinds.All.ToDictionary(k => k.Name, _ => 0L, StringComparer.Ordinal);
        await using var command = database.CreateCommand("SELECT kind, count(*) FROM incidents WHERE closed_at IS NULL GROUP BY kind");
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
        {
            counts[row.GetString(0)] = row.GetInt64(1);
        }

        foreach (var (kind, count) in counts)
        {
            Open[kind] = count;
        }
    }

    private static async Task RunAsync(NpgsqlTransaction transaction, string sql, CancellationToken cancellationToken, params object[] values)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction).With(values);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static IncidentSeverity SeverityOf(string kind) => IncidentKinds.Find(kind)?.Severity ?? IncidentSeverity.Warning;

    private static IncidentView Read(NpgsqlDataReader row)
    {
        var kind = IncidentKinds.Find(row.GetString(1));
        return new IncidentView(
            new IncidentId(row.GetGuid(0)), "incident", row.IsDBNull(11) ? IncidentStatus.Open : IncidentStatus.Closed, row.GetString(1), SeverityOf(row.GetString(1)), kind?.Runbook,
            kind?.Action, row.IsDBNull(2) ? null : new MerchantId(row.GetGuid(2)), Words.Parse<Mode>(row.GetString(3)), row.IsDBNull(4) ? null : new PaymentId(row.GetGuid(4)),
            row.IsDBNull(5) ? null : new AttemptId(row.GetGuid(5)), row.GetString(6), row.IsDBNull(7) ? null : row.GetString(7), row.GetInt64(8),
            row.GetFieldValue<DateTimeOffset>(9), row.GetFieldValue<DateTimeOffset>(10), row.IsDBNull(11) ? null : row.GetFieldValue<DateTimeOffset>(11),
            row.IsDBNull(12) ? null : row.GetString(12), row.IsDBNull(13) ? null : row.GetString(13));
    }
}
