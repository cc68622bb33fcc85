using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Reconciliation.Fetching;

/// <summary>A report that is to be fetched now.</summary>
public sealed record DueFetch(Mode Mode, string Provider, string Name, int Tries);

/// <summary>Reports that providers told of: durable before anything is fetched.</summary>
public sealed class FetchList(NpgsqlDataSource database)
{
    /// <summary>A report is there. One that was fetched before is fetched again: what it says may have been corrected.</summary>
    /// <param name="again">False: one that is known is left as it is.</param>
    public async Task AddAsync(Mode mode, string provider, string name, bool again, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"""
            INSERT INTO recon.fetches (mode, provider, name, state, due_at) VALUES ($1, $2, $3, 'due', now())
            ON CONFLICT (mode, provider, name) DO {(again ? "UPDATE SET state = 'due', due_at = now(), tries = 0, failure = NULL, ended_at = NULL WHERE fetches.state <> 'due'" : "NOTHING")}
            """);
        command.With(ModeNames.Of(mode), provider, name);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Takes one that is due; it is left alone by others for a while.</summary>
    public async Task<DueFetch?> TakeAsync(TimeSpan atMost, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            UPDATE recon.fetches f SET due_at = now() + $1, tries = f.tries + 1
            FROM (SELECT mode, provider, name FROM recon.fetches WHERE state = 'due' AND due_at <= now() ORDER BY due_at, name LIMIT 1 FOR UPDATE SKIP LOCKED) d
            WHERE f.mode = d.mode AND f.provider = d.provider AND f.name = d.name
            RETURNING f.mode, f.provider, f.name, f.tries
            """);
        command.With(atMost);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? new(Words.Parse<Mode>(reader.GetString(0)), reader.GetString(1), reader.GetString(2), reader.GetInt32(3)) : null;
    }

    public async Task DoneAsync(DueFetch fetch, long import, string? refused, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(fetch);
        await using var command = database.CreateCommand("""
            UPDATE recon.fetches SET state = CASE WHEN $5::text IS NULL THEN 'done' ELSE 'refused' END, due_at = NULL, failure = $5, import_number = $4, ended_at = now() WHERE mode = $1 AND provider = $2 AND name = $3
            """);
        command.With(ModeNames.Of(fetch.Mode), fetch.Provider, fetch.Name, import, refused);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public async Task FailedAsync(DueFetch fetch, string reason, TimeSpan pause, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(fetch);
        await using var command = database.CreateCommand("UPDATE recon.fetches SET due_at = now() + $5, failure = $4 WHERE mode = $1 AND provider = $2 AND name = $3 AND state = 'due'");
        command.With(ModeNames.Of(fetch.Mode), fetch.Provider, fetch.Name, reason, pause);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>How many wait, how many of them in vain so far, and the oldest of those that a person should look at.</summary>
    public async Task<(long Waiting, long Failing, string? Worst)> CountAsync(int triesBeforeWorry, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            SELECT count(*) FILTER (WHERE state = 'due'), count(*) FILTER (WHERE (state = 'due' AND tries >= $1 AND failure IS NOT NULL) OR (state = 'refused' AND ended_at > now() - interval '7 days')),
                (SELECT provider || ' ' || name || ': ' || failure FROM recon.fetches WHERE (state = 'due' AND tries >= $1 AND failure IS NOT NULL) OR (state = 'refused' AND ended_at > now() - interval '7 days') ORDER BY announced_at LIMIT 1)
            FROM recon.fetches
            """);
        command.With(triesBeforeWorry);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (reader.GetInt64(0), reader.GetInt64(1), await reader.IsDBNullAsync(2, cancellationToken) ? null : reader.GetString(2));
    }
}
