using Npgsql;
using Payments.Connectors;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Vault.Tokens;

/// <summary>
/// Removes the cards of deleted tokens from the providers. A row is claimed by moving its time on, so that replicas share the work
/// and a crash only delays it; failures are tried again ever more rarely, and never given up.
/// </summary>
internal sealed class DetachWorker(NpgsqlDataSource database, ConnectorRegistry connectors, TimeProvider time, ILogger<DetachWorker> logger) : BackgroundService
{
    private const int Batch = 20;
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try
                {
                    while (await DetachDueAsync(stoppingToken) == Batch)
                    {
                    }
                }
                catch (Exception e) when (Outage.OfDatabase(e))
                {
                    Log.DetachPaused(logger, e);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            Log.DetachStopped(logger);
        }
    }

    /// <returns>How many were due.</returns>
    private async Task<int> DetachDueAsync(CancellationToken cancellationToken)
    {
        var due = await ClaimAsync(cancellationToken);
        await Task.WhenAll(due.Select(d => DetachAsync(d, cancellationToken)));
        return due.Count;
    }

    private async Task<List<Due>> ClaimAsync(CancellationToken cancellationToken)
    {
        // 10 s, 20 s, 40 s … up to about an hour and a half.
        const string sql = """
            UPDATE provider_tokens p
            SET detach_due_at = now() + make_interval(secs => 10 * power(2, least(p.detach_tries, 9))), detach_tries = p.detach_tries + 1
            FROM tokens t
            WHERE t.id = p.token_id AND (p.token_id, p.provider) IN (
                SELECT token_id, provider FROM provider_tokens
                WHERE detach_due_at <= now() ORDER BY detach_due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
            RETURNING p.token_id, t.mode, p.provider, p.provider_token, p.detach_tries
            """;
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = Batch });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var due = new List<Due>();
        while (await reader.ReadAsync(cancellationToken))
        {
            Invariant.Holds(ModeNames.TryParse(reader.GetString(1), out var mode), "a constraint allows no other mode");
            due.Add(new Due(new TokenId(reader.GetGuid(0)), mode, ProviderNames.Parse(reader.GetString(2)), reader.GetString(3), reader.GetInt32(4)));
        }

        return due;
    }

    private async Task DetachAsync(Due due, CancellationToken cancellationToken)
    {
        if (connectors.Find(due.Provider, due.Mode) is not { } connector || !await connector.DetachAsync(due.Mode, due.ProviderToken, cancellationToken))
        {
            Log.DetachFailed(logger, due.Token, due.Provider, due.Try);
            return;
        }

        const string sql = """
            UPDATE provider_tokens SET provider_token = NULL, detach_due_at = NULL, detached_at = now()
            WHERE token_id = $1 AND provider = $2 AND detached_at IS NULL
            """;
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = due.Token.Value });
        command.Parameters.Add(new() { Value = ProviderNames.Of(due.Provider) });
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    private sealed record Due(TokenId Token, Mode Mode, Provider Provider, string ProviderToken, int Try);
}
