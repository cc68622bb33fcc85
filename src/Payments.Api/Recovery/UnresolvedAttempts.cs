using Microsoft.Extensions.Options;
using Npgsql;
using Payments.Api.Flow;
using Payments.Core;
using Payments.Platform;
using Payments.Platform.Postgres;

namespace Payments.Api.Recovery;

/// <summary>How many attempts are in a state, and for how long the oldest of them has been.</summary>
public sealed record UnsettledAge(AttemptState State, long Count, TimeSpan Oldest);

/// <summary>
/// Attempts that have been unresolved for too long: a person is told once, and the incident is closed when the attempt is settled,
/// by whatever settles it. Times are the database's.
/// </summary>
public sealed class UnresolvedAttempts(NpgsqlDataSource database, IdSource ids, IOptions<FlowOptions> options, ILogger<UnresolvedAttempts> logger)
{
    private const int AtOnce = 200;

    /// <summary>Attempts a that the provider of a debit of a bank account has accepted: banks take days, and that is nothing to be told of before <c>$1</c>.</summary>
    private const string InItsTime = """
        a.state = 'pending' AND a.opened_at >= now() - $1 AND EXISTS (
            SELECT FROM payments AS p
            WHERE p.merchant_id = a.merchant_id AND p.mode = a.mode AND p.id = a.payment_id AND p.details::json #>> '{payment_method,type}' = 'ach' AND p.authorized_at IS NULL)
        """;

    public async Task<IReadOnlyList<UnsettledAge>> AgesAsync(CancellationToken cancellationToken)
    {
        const string sql = $"""
            SELECT a.state, count(*), max(now() - a.opened_at) FROM attempts AS a
            WHERE a.due_at IS NOT NULL AND a.state IN ('scheduled', 'open', 'needs_action', 'pending', 'unknown') AND NOT ({InItsTime}) GROUP BY a.state
            """;
        await using var command = database.CreateCommand(sql).With(options.Value.Deadlines.DebitAlert);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var ages = new List<UnsettledAge>();
        while (await row.ReadAsync(cancellationToken))
        {
            ages.Add(new UnsettledAge(Words.Parse<AttemptState>(row.GetString(0)), row.GetInt64(1), row.GetTimeSpan(2)));
        }

        return ages;
    }

    /// <summary>Raises what is overdue; returns how many. One replica at a time, so that nothing is raised twice.</summary>
    public async Task<int> RaiseOverdueAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var turn = new NpgsqlCommand("SELECT pg_try_advisory_xact_lock(hashtext('raise_overdue_attempts'))", connection, transaction))
        {
            if (!(bool)(await turn.ExecuteScalarAsync(cancellationToken))!)
            {
                return 0;
            }
        }

        var overdue = await OverdueAsync(transaction, cancellationToken);
        foreach (var attempt in overdue)
        {
            const string sql = "INSERT INTO incidents (id, merchant_id, mode, kind, payment_id, attempt_id, detail, subject) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
            await using var insert = new NpgsqlCommand(sql, connection, transaction).With(
                ids.New<IncidentId>().Value, attempt.Payment.MerchantId.Value, Words.Of(attempt.Payment.Mode), IncidentKinds.AttemptUnresolved, attempt.Payment.Id.Value, attempt.Id.Value, attempt.Detail, attempt.Id.ToString());
            await insert.ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        foreach (var attempt in overdue)
        {
            Log.AttemptOverdue(logger, attempt.Id, attempt.Payment.Id, attempt.Provider, attempt.Age);
        }

        return overdue.Count;
    }

    public async Task<int> CloseSettledAsync(CancellationToken cancellationToken)
    {
        const string sql = """
            UPDATE incidents AS i SET closed_at = now(), closed_by = $2, close_reason = 'the attempt is settled'
            WHERE i.kind = $1 AND i.closed_at IS NULL AND EXISTS (
                SELECT FROM attempts AS a
                WHERE a.merchant_id = i.merchant_id AND a.mode = i.mode AND a.payment_id = i.payment_id AND a.id = i.attempt_id
                  AND a.state IN ('succeeded', 'declined', 'not_processed'))
            """;
        await using var command = database.CreateCommand(sql).With(IncidentKinds.AttemptUnresolved, Resolver.Actor);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<List<Overdue>> OverdueAsync(NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        const string sql = $"""
            SELECT a.merchant_id, a.mode, a.payment_id, a.id, a.provider, a.state, o.kind, now() - a.opened_at
            FROM attempts AS a
            JOIN operations AS o ON o.merchant_id = a.merchant_id AND o.mode = a.mode AND o.payment_id = a.payment_id AND o.id = a.operation_id
            WHERE a.due_at IS NOT NULL AND a.state IN ('scheduled', 'open', 'needs_action', 'pending', 'unknown')
              AND CASE WHEN a.state = 'scheduled' THEN a.due_at ELSE a.opened_at END < now() - CASE
                  WHEN a.state = 'needs_action' THEN $3
                  WHEN a.state = 'pending' AND o.kind <> 'authorize' THEN $4
                  ELSE $2 END
              AND NOT EXISTS (SELECT FROM incidents AS i WHERE i.attempt_id = a.id AND i.kind = $5)
              AND NOT ({InItsTime})
            ORDER BY a.opened_at LIMIT $6
            """;
        var deadlines = options.Value.Deadlines;
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction)
            .With(deadlines.DebitAlert, deadlines.Alert, deadlines.Challenge + deadlines.Alert, deadlines.PendingAlert, IncidentKinds.AttemptUnresolved, AtOnce);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var overdue = new List<Overdue>();
        while (await row.ReadAsync(cancellationToken))
        {
            overdue.Add(new Overdue(
                new PaymentKey(MerchantId.From(row.GetGuid(0)), Words.Parse<Mode>(row.GetString(1)), PaymentId.From(row.GetGuid(2))),
                AttemptId.From(row.GetGuid(3)), Words.Parse<Provider>(row.GetString(4)), Words.Parse<AttemptState>(row.GetString(5)), row.GetString(6), row.GetTimeSpan(7)));
        }

        return overdue;
    }

    private sealed record Overdue(PaymentKey Payment, AttemptId Id, Provider Provider, AttemptState State, string Kind, TimeSpan Age)
    {
        /// <summary>Truthful about what can still happen by itself: what a provider accepted and cannot be asked about comes by webhook or report only.</summary>
        public string Detail => State switch
        {
            AttemptState.Scheduled => $"A {Kind} that is to be made at {Words.Of(Provider)} is not begun although its time has come.",
            AttemptState.Pending => $"{Words.Of(Provider)} accepted a {Kind} and has not told its outcome. It stays reserved until the provider's webhook or report tells.",
            AttemptState.NeedsAction => $"A challenge at {Words.Of(Provider)} was not finished in time, and its cancellation has not come to an end.",
            _ => $"Nobody knows whether {Words.Of(Provider)} executed a {Kind}. It is asked again and again; nothing is assumed meanwhile.",
        };
    }
}

/// <summary>Looks at what is unresolved, every few seconds.</summary>
public sealed class UnresolvedWatch(UnresolvedAttempts attempts, TimeProvider time, IOptions<FlowOptions> options, ILogger<UnresolvedWatch> logger) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Rounds.RunAsync(
        TimeSpan.FromMilliseconds(options.Value.UnresolvedWatchMilliseconds), time,
        async cancellationToken =>
        {
            FlowTelemetry.Unsettled = await attempts.AgesAsync(cancellationToken);
            await attempts.RaiseOverdueAsync(cancellationToken);
            await attempts.CloseSettledAsync(cancellationToken);
        },
        e => Log.WatchFailed(logger, e), stoppingToken);
}
