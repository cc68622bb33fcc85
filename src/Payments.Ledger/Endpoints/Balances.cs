using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Ledger.Books;
using Payments.Platform.Http;

namespace Payments.Ledger.Endpoints;

/// <summary>A currency's balances of one mode: all that stand on the debit side against all that stand on the credit side.</summary>
/// <param name="Difference">Debits less credits: always zero.</param>
public sealed record TrialBalanceRow(Mode Mode, string Currency, long Debits, long Credits, long Difference);

public sealed record TrialBalanceView(string Object, DateTimeOffset? At, IReadOnlyList<TrialBalanceRow> Data);

/// <summary>By which of its two times a movement counts.</summary>
public enum BalanceBasis
{
    /// <summary>When it was written: what the books said at that moment, for ever.</summary>
    Posted,

    /// <summary>When it happened: what is known today of that moment.</summary>
    Effective,
}

/// <param name="Balance">On the account's normal side.</param>
public sealed record BalanceAtView(string Object, AccountId Account, DateTimeOffset At, BalanceBasis Basis, string Currency, long Balance, long Movements);

/// <summary><c>GET /internal/v1/ops/trial_balance?mode=&amp;at=</c>, <c>GET /internal/v1/ops/balance?account=&amp;at=&amp;basis=</c></summary>
internal static class Balances
{
    // Now: from the folds. At a past moment: from the running balances that the movements carry.
    private const string NowSql = """
        SELECT a.mode, a.currency, sum(greatest(b.debits - b.credits, 0))::bigint, sum(greatest(b.credits - b.debits, 0))::bigint
        FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id
        WHERE ($1 IS NULL OR a.mode = $1) GROUP BY a.mode, a.currency ORDER BY a.mode, a.currency
        """;

    private const string AtSql = """
        SELECT a.mode, a.currency, coalesce(sum(greatest(e.balance, 0)), 0)::bigint, coalesce(sum(greatest(-e.balance, 0)), 0)::bigint
        FROM ledger.accounts a CROSS JOIN LATERAL ledger.balance_at(a.id, $2) e
        WHERE ($1 IS NULL OR a.mode = $1) GROUP BY a.mode, a.currency ORDER BY a.mode, a.currency
        """;

    private const string PostedSql = "SELECT balance, version FROM ledger.balance_at($1, $2)";

    private const string EffectiveSql = "SELECT balance, movements FROM ledger.effective_balance_at($1, $2)";

    // Of retired months only the ends are known: by posting time the horizon, by effective time also whatever they hold from after it.
    private const string HorizonSql = """
        SELECT greatest(c.cut_at, CASE WHEN $1 IS NOT NULL THEN
            (SELECT max(b.last_effective_at) FROM ledger.closing_balances b WHERE b.account_id = $1 AND b.month <= c.month) END)
        FROM ledger.closings c WHERE c.month = ledger.horizon()
        """;

    public static async Task<Results<Ok<TrialBalanceView>, Problem>> TrialAsync(HttpContext context, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (mode, at) = (query.Choice<Mode>("mode"), query.Instant("at"));
        if (query.Problem is { } problem)
        {
            return problem;
        }

        if (at is { } asked && await BeyondHorizonAsync(asked, null, database, cancellationToken) is { } beyond)
        {
            return beyond;
        }

        await using var command = database.CreateCommand(at is null ? NowSql : AtSql);
        command.Parameters.Add(new() { Value = mode is { } m ? ModeNames.Of(m) : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        if (at is { } moment)
        {
            command.Parameters.Add(new() { Value = moment.ToUniversalTime() });
        }

        var rows = new List<TrialBalanceRow>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var (debits, credits) = (reader.GetInt64(2), reader.GetInt64(3));
            rows.Add(new(reader.GetString(0) == "live" ? Mode.Live : Mode.Test, reader.GetString(1), debits, credits, debits - credits));
        }

        return TypedResults.Ok(new TrialBalanceView("trial_balance", at, rows));
    }

    public static async Task<Results<Ok<BalanceAtView>, Problem>> AtAsync(HttpContext context, NpgsqlDataSource database, TimeProvider time, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (id, at, basis) = (query.Id<AccountId>("account"), query.Instant("at") ?? time.GetUtcNow(), query.Choice<BalanceBasis>("basis") ?? BalanceBasis.Posted);
        if (query.Problem is { } problem)
        {
            return problem;
        }

        if (id is null)
        {
            return Problems.MissingParameter("account");
        }

        if (await Accounts.FindAsync(id.Value.ToString(), database, cancellationToken) is not { } account)
        {
            return Problems.NotFound("account", "account");
        }

        if (await BeyondHorizonAsync(at, basis == BalanceBasis.Effective ? id : null, database, cancellationToken) is { } beyond)
        {
            return beyond;
        }

        await using var command = database.CreateCommand(basis == BalanceBasis.Posted ? PostedSql : EffectiveSql);
        command.Parameters.Add(new() { Value = account.Id.Value });
        command.Parameters.Add(new() { Value = at.ToUniversalTime() });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var (balance, movements) = await reader.ReadAsync(cancellationToken) ? (reader.GetInt64(0), reader.GetInt64(1)) : (0, 0);
        return TypedResults.Ok(new BalanceAtView("account_balance", account.Id, at, basis, account.Currency, account.Normal == NormalSide.Debit ? balance : -balance, movements));
    }

    private static async Task<Problem?> BeyondHorizonAsync(DateTimeOffset at, AccountId? effectiveOf, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(HorizonSql);
        command.Parameters.Add(new() { Value = (object?)effectiveOf?.Value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        return await command.ExecuteScalarAsync(cancellationToken) is DateTime horizon && at < horizon
            ? new Problem(
                StatusCodes.Status410Gone, "before_ledger_horizon",
                string.Create(CultureInfo.InvariantCulture, $"The months before {horizon:yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'} were retired: ask for that moment or a later one."), "at")
            : null;
    }
}
