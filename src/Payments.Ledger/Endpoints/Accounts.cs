using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Ledger.Books;
using Payments.Platform.Http;

namespace Payments.Ledger.Endpoints;

/// <summary>A ledger account as operators see it.</summary>
/// <param name="Partition">Sub-account of a split kind; absent otherwise.</param>
/// <param name="Balance">On its normal side: an asset with more debits than credits is positive, and so is a liability with more credits.</param>
/// <param name="Version">How many movements it has.</param>
public sealed record AccountView(
    AccountId Id, string Object, Mode Mode, string Owner, string Kind, string Currency, int? Partition, NormalSide Normal, long Balance, long Debits, long Credits,
    long PendingDebits, long PendingCredits, long Version, DateTimeOffset OpenedAt);

/// <summary>One side of a movement, as the account sees it.</summary>
/// <param name="Balance">The account's balance on its normal side after this movement.</param>
public sealed record AccountMovementView(
    string Id, string Object, JournalId Journal, int Line, string Kind, NormalSide Direction, long Amount, string Currency, AccountId CounterAccount, long Version, long Balance,
    DateTimeOffset EffectiveAt, DateTimeOffset PostedAt);

/// <summary><c>GET /internal/v1/ops/accounts</c>, <c>…/accounts/{id}</c>, <c>…/accounts/{id}/movements</c></summary>
internal static class Accounts
{
    private const string Columns = """
        a.id, a.mode, a.owner, a.kind, a.currency, a.partition, k.normal, b.debits, b.credits, b.pending_debits, b.pending_credits, b.version, a.opened_at
        """;

    private const string From = """
        FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id JOIN ledger.account_kinds k ON k.kind = a.kind
        """;

    public static async Task<Results<Ok<Page<AccountView>>, Problem>> ListAsync(HttpContext context, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (limit, cursor, mode) = (query.Limit(), query.CursorId(), query.Choice<Mode>("mode"));
        var (owner, kind, currency) = (query.Text("owner", 40), query.Choice<AccountKind>("kind"), query.Currency("currency"));
        if (query.Problem is { } problem)
        {
            return problem;
        }

        await using var command = database.CreateCommand($"""
            SELECT {Columns} {From}
            WHERE ($1 IS NULL OR a.id > $1) AND ($2 IS NULL OR a.mode = $2) AND ($3 IS NULL OR a.owner = $3) AND ($4 IS NULL OR a.kind = $4) AND ($5 IS NULL OR a.currency = $5)
            ORDER BY a.id LIMIT $6
            """);
        command.Parameters.Add(new() { Value = (object?)cursor ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        foreach (var text in new[] { mode is { } m ? ModeNames.Of(m) : null, owner, kind is { } k ? Chart.Of(k).Code : null, currency })
        {
            command.Parameters.Add(new() { Value = (object?)text ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        }

        command.Parameters.Add(new() { Value = limit + 1 });
        return TypedResults.Ok(Page.Of(await ReadAsync(command, cancellationToken), limit, a => Cursor.Of(a.Id.Value)));
    }

    public static async Task<Results<Ok<AccountView>, Problem>> GetAsync(string id, NpgsqlDataSource database, CancellationToken cancellationToken) =>
        await FindAsync(id, database, cancellationToken) is { } account ? TypedResults.Ok(account) : Problems.NotFound("account");

    public static async Task<Results<Ok<Page<AccountMovementView>>, Problem>> MovementsAsync(
        HttpContext context, string id, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (limit, cursor) = (query.Limit(), query.CursorNumber());
        if (query.Problem is { } problem)
        {
            return problem;
        }

        if (await FindAsync(id, database, cancellationToken) is not { } account)
        {
            return Problems.NotFound("account");
        }

        await using var command = database.CreateCommand("""
            SELECT movement_id, journal_id, line, kind, direction, amount, currency, counter_account_id, version, balance, effective_at, posted_at
            FROM ledger.entries WHERE account_id = $1 AND version < $2 ORDER BY version DESC LIMIT $3
            """);
        command.Parameters.Add(new() { Value = account.Id.Value });
        command.Parameters.Add(new() { Value = cursor ?? long.MaxValue });
        command.Parameters.Add(new() { Value = limit + 1 });
        var rows = new List<AccountMovementView>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var balance = reader.GetInt64(9);
            rows.Add(new(
                Id.Format("mov", reader.GetGuid(0)), "movement", new(reader.GetGuid(1)), reader.GetInt32(2), reader.GetString(3), Side(reader.GetString(4)), reader.GetInt64(5),
                reader.GetString(6), new(reader.GetGuid(7)), reader.GetInt64(8), account.Normal == NormalSide.Debit ? balance : -balance,
                reader.GetFieldValue<DateTimeOffset>(10), reader.GetFieldValue<DateTimeOffset>(11)));
        }

        return TypedResults.Ok(Page.Of(rows, limit, r => Cursor.Of(r.Version)));
    }

    /// <summary>Null for an id that is malformed or unknown.</summary>
    public static async Task<AccountView?> FindAsync(string id, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        if (!Id.TryParse<AccountId>(id, out var account))
        {
            return null;
        }

        await using var command = database.CreateCommand($"SELECT {Columns} {From} WHERE a.id = $1");
        command.Parameters.Add(new() { Value = account.Value });
        return (await ReadAsync(command, cancellationToken)).SingleOrDefault();
    }

    private static async Task<List<AccountView>> ReadAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        var accounts = new List<AccountView>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var (normal, debits, credits) = (Side(reader.GetString(6)), reader.GetInt64(7), reader.GetInt64(8));
            accounts.Add(new(
                new(reader.GetGuid(0)), "ledger_account", reader.GetString(1) == "live" ? Mode.Live : Mode.Test, reader.GetString(2), reader.GetString(3), reader.GetString(4),
                reader.GetInt32(5) == Chart.Whole ? null : reader.GetInt32(5), normal, normal == NormalSide.Debit ? debits - credits : credits - debits, debits, credits,
                reader.GetInt64(9), reader.GetInt64(10), reader.GetInt64(11), reader.GetFieldValue<DateTimeOffset>(12)));
        }

        return accounts;
    }

    private static NormalSide Side(string text) => text == "debit" ? NormalSide.Debit : NormalSide.Credit;
}
