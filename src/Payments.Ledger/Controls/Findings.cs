using Npgsql;
using NpgsqlTypes;

namespace Payments.Ledger.Controls;

/// <summary>Something that a control found and a person should know of.</summary>
/// <param name="Kind">Stable name; decides which runbook applies.</param>
/// <param name="Subject">What it is about: one row per kind and subject.</param>
/// <param name="Reference">Where to look again: <c>partition/number</c> of the publisher's event.</param>
public sealed record Finding(string Kind, string Subject, string Detail, string? Reference = null);

/// <summary>A finding as it is stored.</summary>
public sealed record RecordedFinding(long Id, string Kind, string Subject, string Detail, string? Reference, DateTimeOffset FirstSeenAt, DateTimeOffset LastSeenAt);

/// <summary>What came of closing a finding.</summary>
public enum FindingClosing
{
    Closed,
    NotFound,

    /// <summary>Its control resolves it once it sees it no more: nobody can talk it away.</summary>
    ResolvesItself,
}

/// <summary>What the controls found (<c>ledger.findings</c>). A finding that a control sees no more is resolved, never deleted.</summary>
public sealed class Findings(NpgsqlDataSource database, LedgerMetrics metrics, ILogger<Findings> logger)
{
    public const string PostingConflict = "posting_conflict";

    /// <summary>Raises what is new and touches what is still there.</summary>
    public async Task RaiseAsync(IReadOnlyList<Finding> found, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(found);
        if (found.Count == 0)
        {
            return;
        }

        var distinct = found.DistinctBy(f => (f.Kind, f.Subject)).OrderBy(f => f.Kind, StringComparer.Ordinal).ThenBy(f => f.Subject, StringComparer.Ordinal).ToArray();
        await using var command = database.CreateCommand("""
            INSERT INTO ledger.findings AS f (kind, subject, detail, reference)
            SELECT n.kind, n.subject, n.detail, n.reference FROM unnest($1, $2, $3, $4) AS n (kind, subject, detail, reference)
            ON CONFLICT (kind, subject) DO UPDATE SET last_seen_at = now(), detail = excluded.detail, reference = excluded.reference,
                first_seen_at = CASE WHEN f.resolved_at IS NULL THEN f.first_seen_at ELSE now() END, resolved_at = NULL, close_reason = NULL
            RETURNING kind, subject, detail, first_seen_at = last_seen_at
            """);
        command.Parameters.Add(Texts(distinct.Select(f => f.Kind)));
        command.Parameters.Add(Texts(distinct.Select(f => f.Subject)));
        command.Parameters.Add(Texts(distinct.Select(f => f.Detail)));
        command.Parameters.Add(Texts(distinct.Select(f => f.Reference)));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            if (reader.GetBoolean(3))
            {
                metrics.Raised(reader.GetString(0));
                Log.FindingRaised(logger, reader.GetString(0), reader.GetString(1), reader.GetString(2));
            }
        }
    }

    /// <summary>Resolves the open findings of these kinds that were not found this time.</summary>
    public async Task ResolveOthersAsync(IReadOnlyList<string> kinds, IReadOnlyList<Finding> found, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(found);
        await using var command = database.CreateCommand("""
            UPDATE ledger.findings f SET resolved_at = now()
            WHERE f.resolved_at IS NULL AND f.kind = ANY ($1)
              AND NOT EXISTS (SELECT FROM unnest($2, $3) AS n (kind, subject) WHERE n.kind = f.kind AND n.subject = f.subject)
            """);
        command.Parameters.Add(Texts(kinds));
        command.Parameters.Add(Texts(found.Select(f => f.Kind)));
        command.Parameters.Add(Texts(found.Select(f => f.Subject)));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public async Task ResolveAsync(long id, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("UPDATE ledger.findings SET resolved_at = now() WHERE id = $1 AND resolved_at IS NULL");
        command.Parameters.Add(new() { Value = id });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Closes a conflict for the reason that a person gave; closing again changes nothing, the first reason stands.</summary>
    public async Task<FindingClosing> CloseAsync(long id, string reason, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            WITH closed AS (
                UPDATE ledger.findings SET resolved_at = now(), close_reason = $3 WHERE id = $1 AND kind = $2 AND resolved_at IS NULL)
            SELECT kind FROM ledger.findings WHERE id = $1
            """);
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(new() { Value = PostingConflict });
        command.Parameters.Add(new() { Value = reason });
        return await command.ExecuteScalarAsync(cancellationToken) switch
        {
            null => FindingClosing.NotFound,
            PostingConflict => FindingClosing.Closed,
            _ => FindingClosing.ResolvesItself,
        };
    }

    /// <summary>What is open, oldest first; of all kinds, or of some.</summary>
    public async Task<IReadOnlyList<RecordedFinding>> OpenAsync(int limit, CancellationToken cancellationToken, params string[] kinds)
    {
        await using var command = database.CreateCommand("""
            SELECT id, kind, subject, detail, reference, first_seen_at, last_seen_at FROM ledger.findings
            WHERE resolved_at IS NULL AND (cardinality($1) = 0 OR kind = ANY ($1)) ORDER BY id LIMIT $2
            """);
        command.Parameters.Add(Texts(kinds));
        command.Parameters.Add(new() { Value = limit });
        var open = new List<RecordedFinding>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            open.Add(new(
                reader.GetInt64(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), await reader.IsDBNullAsync(4, cancellationToken) ? null : reader.GetString(4),
                reader.GetFieldValue<DateTimeOffset>(5), reader.GetFieldValue<DateTimeOffset>(6)));
        }

        return open;
    }

    public async Task<long> CountOpenAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT count(*) FROM ledger.findings WHERE resolved_at IS NULL");
        var count = (long)(await command.ExecuteScalarAsync(cancellationToken))!;
        metrics.Open(count);
        return count;
    }

    private static NpgsqlParameter Texts(IEnumerable<string?> values) => new() { Value = values.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text };
}
