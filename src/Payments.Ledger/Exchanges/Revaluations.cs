using System.Globalization;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Ledger.Books;
using Payments.Ledger.Settlement;
using Payments.Platform;
using Payments.Platform.Postgres;

namespace Payments.Ledger.Exchanges;

/// <param name="Missing">Currencies for which no rate of ours is valid; then nothing was booked.</param>
/// <param name="Done">Null where nothing stands open, or a rate is missing.</param>
public sealed record RevaluationOutcome(Revaluation? Done, IReadOnlyList<string> Missing);

/// <param name="Id">Its journal's too, where something was won or lost.</param>
/// <param name="AskedBy">Null: the daily round.</param>
public sealed record Revaluation(JournalId Id, Mode Mode, long Number, string Currency, long Amount, IReadOnlyList<FxPosition> Positions, DateTimeOffset ValuedAt, string? AskedBy);

/// <summary>
/// Values the open position of exchanges in the book currency and books what was won or lost since the last time, in one transaction: once a day, and
/// whenever somebody asks. Each values all that stands, so one that failed, or a rate that was wrong, is made up for by the next.
/// </summary>
public sealed class Revaluations(NpgsqlDataSource database, LedgerOptions options, TimeProvider time)
{
    private const string Positions = "SELECT currency, balance FROM ledger.fx_position($1)";

    private const string Newest = "SELECT number, valued_at FROM ledger.revaluations WHERE mode = $1 ORDER BY number DESC LIMIT 1";

    private const string Read = """
        SELECT id, mode, number, currency, amount, positions::text, valued_at, asked_by FROM ledger.revaluations
        WHERE ($1 IS NULL OR mode = $1) AND ($2 IS NULL OR id < $2) ORDER BY id DESC LIMIT $3
        """;

    /// <summary>Today's, unless it stands.</summary>
    public async Task<RevaluationOutcome> OfTodayAsync(Mode mode, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var outcome = await RevalueAsync(transaction, mode, null, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        Steps.Reached(ExchangeSteps.RevaluationAfter);
        return outcome;
    }

    /// <param name="askedBy">Null: nothing is done where today's stands.</param>
    public async Task<RevaluationOutcome> RevalueAsync(NpgsqlTransaction transaction, Mode mode, string? askedBy, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        var (connection, now, book) = (transaction.Connection!, time.GetUtcNow(), Currency.Of(options.BookCurrency));
        // Whoever reads the position holds it: numbers are counted one after the other, too.
        var balances = await BalancesAsync(connection, transaction, mode, cancellationToken);
        var (number, last) = await NewestAsync(connection, transaction, mode, cancellationToken);
        if (balances.Count == 0 || (askedBy is null && last >= now.UtcDateTime.Date))
        {
            return new(null, []);
        }

        var (rates, missing) = (new Dictionary<Currency, decimal>(), new List<string>());
        foreach (var currency in balances.Keys.Where(c => c != book).OrderBy(c => c.Code, StringComparer.Ordinal))
        {
            if (await FxRates.BetweenAsync(connection, transaction, currency, book, now, cancellationToken) is { } rate)
            {
                rates.Add(currency, rate);
            }
            else
            {
                missing.Add(currency.Code);
            }
        }

        if (missing.Count > 0)
        {
            return new(null, missing);
        }

        var valued = Valuation.Of(book, balances, rates);
        var id = new JournalId(DerivedId.Version7(string.Create(CultureInfo.InvariantCulture, $"revaluation|{Account.Text(mode)}|{number + 1}"), now));
        var done = new Revaluation(id, mode, number + 1, book.Code, valued.Gain, valued.Positions, now, askedBy);
        await AddAsync(connection, transaction, done, cancellationToken);
        if (valued.Lines() is { Count: > 0 } lines)
        {
            var verdict = await JournalWriter.PostAsync(connection, transaction, [HouseJournal.Of(id.Value, id.Value, mode, default, Valuation.EventType, now, lines)], cancellationToken);
            Invariant.Holds(verdict is [PostingVerdict.Posted], $"a revaluation is posted once (verdict {verdict[0]})");
        }

        Steps.Reached(ExchangeSteps.RevaluationEffects);
        return new(done, []);
    }

    public async Task<IReadOnlyList<Revaluation>> ListAsync(Guid? cursor, Mode? mode, int limit, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Read);
        foreach (var (value, type) in new (object?, NpgsqlDbType)[] { (mode is { } m ? Account.Text(m) : null, NpgsqlDbType.Text), (cursor, NpgsqlDbType.Uuid), (limit, NpgsqlDbType.Integer) })
        {
            command.Parameters.Add(new() { Value = value ?? DBNull.Value, NpgsqlDbType = type });
        }

        var rows = new List<Revaluation>();
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
        {
            rows.Add(new(
                new(row.GetGuid(0)), Words.Parse<Mode>(row.GetString(1)), row.GetInt64(2), row.GetString(3), row.GetInt64(4), JsonSerializer.Deserialize<List<FxPosition>>(row.GetString(5), Json.Options)!,
                row.GetFieldValue<DateTimeOffset>(6), await row.IsDBNullAsync(7, cancellationToken) ? null : row.GetString(7)));
        }

        return rows;
    }

    private static async Task<(long Number, DateTime? At)> NewestAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, Mode mode, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Newest, connection, transaction).With(Account.Text(mode));
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken) ? (row.GetInt64(0), row.GetFieldValue<DateTimeOffset>(1).UtcDateTime) : (0, null);
    }

    private static async Task<Dictionary<Currency, long>> BalancesAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, Mode mode, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Positions, connection, transaction).With(Account.Text(mode));
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var balances = new Dictionary<Currency, long>();
        while (await row.ReadAsync(cancellationToken))
        {
            balances.Add(Currency.Of(row.GetString(0)), row.GetInt64(1));
        }

        return balances;
    }

    private static async Task AddAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, Revaluation done, CancellationToken cancellationToken)
    {
        await using var insert = new NpgsqlCommand("""
            INSERT INTO ledger.revaluations (id, mode, number, currency, amount, valued_at, positions, asked_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            """, connection, transaction).With(done.Id.Value, Account.Text(done.Mode), done.Number, done.Currency, done.Amount, done.ValuedAt);
        insert.Parameters.Add(new() { Value = JsonSerializer.Serialize(done.Positions, Json.Options), NpgsqlDbType = NpgsqlDbType.Jsonb });
        insert.With(done.AskedBy);
        await insert.ExecuteNonQueryAsync(cancellationToken);
    }
}
