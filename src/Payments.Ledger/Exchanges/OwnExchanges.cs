using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Ledger.Books;
using Payments.Ledger.Settlement;
using Payments.Platform;
using Payments.Platform.Postgres;

namespace Payments.Ledger.Exchanges;

/// <summary>What became of an exchange that somebody recorded or approved.</summary>
public enum ExchangeVerdict
{
    Booked,

    /// <summary>It is above its currency's limit: recorded, and booked when another person approves it.</summary>
    AwaitingApproval,

    /// <summary>The bank's reference stands already.</summary>
    Known,

    /// <summary>No rate of ours is valid at its time, so that nobody can say whether it is a slip of the pen.</summary>
    RateMissing,

    /// <summary>It is farther from our rate than any bank is.</summary>
    OffOurRate,

    /// <summary>Its month is no longer open for what is new.</summary>
    TooOld,

    NotFound,

    /// <summary>Who recorded it does not approve it.</summary>
    SamePerson,
}

/// <summary>Exchanges of our own: recorded by one person, above the limit approved by another, and booked in the same transaction.</summary>
public sealed class OwnExchanges(NpgsqlDataSource database, TimeProvider time)
{
    /// <summary>A bank's price is within a few hundredths of the market's; a misplaced decimal point is not.</summary>
    private const decimal FarthestFromOurRate = 0.10m;

    private static readonly TimeSpan Oldest = TimeSpan.FromDays(27);

    private const string Read = """
        SELECT x.id, x.mode, x.sold_currency, x.sold, x.bought_currency, x.bought, x.exchanged_at, x.reference, x.reason, x.proposed_by, a.approved_by,
            NOT x.needs_approval OR a.exchange_id IS NOT NULL
        FROM ledger.exchanges x LEFT JOIN ledger.exchange_approvals a ON a.exchange_id = x.id
        WHERE ($1 IS NULL OR x.id = $1) AND ($2 IS NULL OR x.id < $2) AND ($3 IS NULL OR x.mode = $3) ORDER BY x.id DESC LIMIT $4
        """;

    /// <param name="Booked">False: it waits for another person.</param>
    public sealed record Row(OwnExchange Exchange, string ProposedBy, string? ApprovedBy, bool Booked);

    public async Task<ExchangeVerdict> RecordAsync(NpgsqlTransaction transaction, OwnExchange exchange, string by, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        ArgumentNullException.ThrowIfNull(exchange);
        var connection = transaction.Connection!;
        if (IsTooOld(exchange))
        {
            return ExchangeVerdict.TooOld;
        }

        if (await FxRates.BetweenAsync(connection, transaction, exchange.Sold.Currency, exchange.Bought.Currency, exchange.ExchangedAt, cancellationToken) is not { } rate)
        {
            return ExchangeVerdict.RateMissing;
        }

        var worth = FxRates.Convert(exchange.Sold.Minor, exchange.Sold.Currency, exchange.Bought.Currency, rate);
        if (Math.Abs((decimal)exchange.Bought.Minor - worth) > Math.Max(1, worth * FarthestFromOurRate))
        {
            return ExchangeVerdict.OffOurRate;
        }

        await using var insert = new NpgsqlCommand("""
            INSERT INTO ledger.exchanges (id, mode, sold_currency, sold, bought_currency, bought, exchanged_at, reference, reason, proposed_by)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING
            """, connection, transaction).With(
            exchange.Id.Value, Account.Text(exchange.Mode), exchange.Sold.Currency.Code, exchange.Sold.Minor, exchange.Bought.Currency.Code, exchange.Bought.Minor,
            exchange.ExchangedAt.ToUniversalTime(), exchange.Reference, exchange.Reason, by);
        return await insert.ExecuteNonQueryAsync(cancellationToken) == 0 ? ExchangeVerdict.Known : await BookAsync(transaction, exchange, cancellationToken);
    }

    /// <summary>Approving what is booked already changes nothing.</summary>
    public async Task<ExchangeVerdict> ApproveAsync(JournalId id, string by, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var hold = new NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtextextended('ledger.exchange|' || $1::text, 0))", connection, transaction).With(id.Value))
        {
            await hold.ExecuteNonQueryAsync(cancellationToken);
        }

        if ((await ReadAsync(connection, transaction, id.Value, null, null, 1, cancellationToken)).SingleOrDefault() is not { } row)
        {
            return ExchangeVerdict.NotFound;
        }

        if (row.Booked)
        {
            return ExchangeVerdict.Booked;
        }

        if (row.ProposedBy == by)
        {
            return ExchangeVerdict.SamePerson;
        }

        if (IsTooOld(row.Exchange))
        {
            return ExchangeVerdict.TooOld;
        }

        await using var approve = new NpgsqlCommand("INSERT INTO ledger.exchange_approvals (exchange_id, approved_by) VALUES ($1, $2)", connection, transaction).With(id.Value, by);
        await approve.ExecuteNonQueryAsync(cancellationToken);
        var verdict = await BookAsync(transaction, row.Exchange, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return verdict;
    }

    public async Task<IReadOnlyList<Row>> ListAsync(Guid? cursor, Mode? mode, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await ReadAsync(connection, null, null, cursor, mode, limit, cancellationToken);
    }

    public async Task<Row?> FindAsync(NpgsqlTransaction? transaction, JournalId id, CancellationToken cancellationToken)
    {
        if (transaction is not null)
        {
            return (await ReadAsync(transaction.Connection!, transaction, id.Value, null, null, 1, cancellationToken)).SingleOrDefault();
        }

        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return (await ReadAsync(connection, null, id.Value, null, null, 1, cancellationToken)).SingleOrDefault();
    }

    private bool IsTooOld(OwnExchange exchange) => exchange.ExchangedAt < time.GetUtcNow() - Oldest;

    private static async Task<ExchangeVerdict> BookAsync(NpgsqlTransaction transaction, OwnExchange exchange, CancellationToken cancellationToken)
    {
        var connection = transaction.Connection!;
        await using var counts = new NpgsqlCommand("SELECT ledger.exchange_counts($1)", connection, transaction).With(exchange.Id.Value);
        if (await counts.ExecuteScalarAsync(cancellationToken) is not true)
        {
            return ExchangeVerdict.AwaitingApproval;
        }

        var verdict = await JournalWriter.PostAsync(connection, transaction, [exchange.Journal()], cancellationToken);
        Invariant.Holds(verdict is [PostingVerdict.Posted], $"an exchange is posted once (verdict {verdict[0]})");
        Steps.Reached(ExchangeSteps.ExchangeEffects);
        return ExchangeVerdict.Booked;
    }

    private static async Task<List<Row>> ReadAsync(
        NpgsqlConnection connection, NpgsqlTransaction? transaction, Guid? id, Guid? cursor, Mode? mode, int limit, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Read, connection, transaction);
        foreach (var (value, type) in new (object?, NpgsqlDbType)[] { (id, NpgsqlDbType.Uuid), (cursor, NpgsqlDbType.Uuid), (mode is { } m ? Account.Text(m) : null, NpgsqlDbType.Text), (limit, NpgsqlDbType.Integer) })
        {
            command.Parameters.Add(new() { Value = value ?? DBNull.Value, NpgsqlDbType = type });
        }

        var rows = new List<Row>();
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
        {
            rows.Add(new(
                new(
                    Words.Parse<Mode>(row.GetString(1)), new(row.GetInt64(3), Currency.Of(row.GetString(2))), new(row.GetInt64(5), Currency.Of(row.GetString(4))),
                    row.GetFieldValue<DateTimeOffset>(6), row.GetString(7), row.GetString(8)),
                row.GetString(9), await row.IsDBNullAsync(10, cancellationToken) ? null : row.GetString(10), row.GetBoolean(11)));
        }

        return rows;
    }
}
