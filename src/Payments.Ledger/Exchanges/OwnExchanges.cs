using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Ledger.Books;
using Payments.Ledger.Settlement;
using Payments.Platform;
using Payments.Platform.Postgres;

namespace Payments.Ledger.Exchanges;

public enum ExchangeState
{
    /// <summary>It is above its currency's limit, and waits for another person.</summary>
    AwaitingApproval,
    Booked,

    /// <summary>It is not booked, and will not be.</summary>
    Refused,
}

/// <summary>What became of a request about an exchange.</summary>
public enum ExchangeVerdict
{
    /// <summary>It stands as was asked for.</summary>
    Done,

    /// <summary>Recorded, and booked when another person approves it.</summary>
    AwaitingApproval,

    /// <summary>An exchange of the bank's reference is booked already.</summary>
    Known,

    /// <summary>No rate of ours is valid at its time, so that nobody can say whether it is a slip of the pen.</summary>
    RateMissing,

    /// <summary>It is farther from our rate than any bank is.</summary>
    OffOurRate,

    /// <summary>It was recorded in a time in which nothing is booked any more.</summary>
    TooOld,

    NotFound,

    /// <summary>Who recorded it does not approve it.</summary>
    SamePerson,

    /// <summary>It was decided otherwise.</summary>
    WrongState,
}

/// <summary>Exchanges of our own: recorded by one person, above the limit approved or refused by another, and booked in the same transaction.</summary>
public sealed class OwnExchanges(NpgsqlDataSource database, TimeProvider time)
{
    /// <summary>A bank's price is within a few hundredths of the market's; a misplaced decimal point is not.</summary>
    private const decimal FarthestFromOurRate = 0.10m;

    private static readonly TimeSpan Oldest = TimeSpan.FromDays(27);

    private const string Read = """
        SELECT x.id, x.mode, x.sold_currency, x.sold, x.bought_currency, x.bought, x.exchanged_at, x.reference, x.reason, x.recorded_by, x.needs_approval,
            coalesce(d.state, 'awaiting_approval'), d.decided_by, d.because
        FROM ledger.exchanges x LEFT JOIN ledger.exchange_decisions d ON d.exchange_id = x.id
        WHERE ($1 IS NULL OR x.id = $1) AND ($2 IS NULL OR x.id < $2) AND ($3 IS NULL OR x.mode = $3) ORDER BY x.id DESC LIMIT $4
        """;

    private const string Decide = """
        INSERT INTO ledger.exchange_decisions (exchange_id, mode, reference, state, because, decided_by) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
        """;

    /// <param name="DecidedBy">Null while it waits.</param>
    public sealed record Row(OwnExchange Exchange, string RecordedBy, bool NeedsApproval, ExchangeState State, string? DecidedBy, string? Because);

    public async Task<ExchangeVerdict> RecordAsync(NpgsqlTransaction transaction, OwnExchange exchange, string by, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        ArgumentNullException.ThrowIfNull(exchange);
        var connection = transaction.Connection!;
        if (await FxRates.BetweenAsync(connection, transaction, exchange.Sold.Currency, exchange.Bought.Currency, exchange.ExchangedAt, cancellationToken) is not { } rate)
        {
            return ExchangeVerdict.RateMissing;
        }

        if (!IsNear(exchange, rate))
        {
            return ExchangeVerdict.OffOurRate;
        }

        await using (var insert = new NpgsqlCommand("""
            INSERT INTO ledger.exchanges (id, mode, sold_currency, sold, bought_currency, bought, exchanged_at, reference, reason, recorded_by)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            """, connection, transaction).With(
            exchange.Id.Value, Account.Text(exchange.Mode), exchange.Sold.Currency.Code, exchange.Sold.Minor, exchange.Bought.Currency.Code, exchange.Bought.Minor,
            exchange.ExchangedAt.ToUniversalTime(), exchange.Reference, exchange.Reason, by))
        {
            await insert.ExecuteNonQueryAsync(cancellationToken);
        }

        var recorded = (await ReadAsync(connection, transaction, exchange.Id.Value, null, null, 1, cancellationToken)).Single();
        return recorded.NeedsApproval ? ExchangeVerdict.AwaitingApproval : await BookAsync(transaction, recorded, by, cancellationToken);
    }

    /// <summary>Approving what is booked already changes nothing.</summary>
    public Task<ExchangeVerdict> ApproveAsync(JournalId id, string by, CancellationToken cancellationToken) => DecideAsync(id, async (transaction, row) => row switch
    {
        { State: ExchangeState.Booked } => ExchangeVerdict.Done,
        { State: ExchangeState.Refused } => ExchangeVerdict.WrongState,
        { RecordedBy: var recorder } when recorder == by => ExchangeVerdict.SamePerson,
        _ when Id.TimeOf(id.Value) < time.GetUtcNow() - Oldest => ExchangeVerdict.TooOld,
        _ => await BookAsync(transaction, row, by, cancellationToken),
    }, cancellationToken);

    /// <summary>By anybody: nothing is booked. Refusing again changes nothing.</summary>
    public Task<ExchangeVerdict> RefuseAsync(JournalId id, string by, string because, CancellationToken cancellationToken) => DecideAsync(id, async (transaction, row) => row switch
    {
        { State: ExchangeState.Refused } => ExchangeVerdict.Done,
        { State: ExchangeState.Booked } => ExchangeVerdict.WrongState,
        _ => await AddAsync(transaction, row, ExchangeState.Refused, because, by, cancellationToken) ? ExchangeVerdict.Done : throw new InvariantException("an exchange that waits can be refused"),
    }, cancellationToken);

    public async Task<IReadOnlyList<Row>> ListAsync(Guid? cursor, Mode? mode, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await ReadAsync(connection, null, null, cursor, mode, limit, cancellationToken);
    }

    public async Task<Row> GetAsync(JournalId id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return (await ReadAsync(connection, null, id.Value, null, null, 1, cancellationToken)).Single();
    }

    public static async Task<Row> GetAsync(NpgsqlTransaction transaction, JournalId id, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        return (await ReadAsync(transaction.Connection!, transaction, id.Value, null, null, 1, cancellationToken)).Single();
    }

    private static bool IsNear(OwnExchange exchange, decimal rate)
    {
        try
        {
            var worth = FxRates.Convert(exchange.Sold.Minor, exchange.Sold.Currency, exchange.Bought.Currency, rate);
            return Math.Abs((decimal)exchange.Bought.Minor - worth) <= Math.Max(1, worth * FarthestFromOurRate);
        }
        catch (OverflowException)
        {
            // Worth more than any amount that can be written down.
            return false;
        }
    }

    private async Task<ExchangeVerdict> DecideAsync(JournalId id, Func<NpgsqlTransaction, Row, Task<ExchangeVerdict>> decide, CancellationToken cancellationToken)
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

        var verdict = await decide(transaction, row);
        if (verdict == ExchangeVerdict.Done)
        {
            await transaction.CommitAsync(cancellationToken);
        }

        return verdict;
    }

    private static async Task<ExchangeVerdict> BookAsync(NpgsqlTransaction transaction, Row row, string by, CancellationToken cancellationToken)
    {
        if (!await AddAsync(transaction, row, ExchangeState.Booked, null, by, cancellationToken))
        {
            return ExchangeVerdict.Known;
        }

        var verdict = await JournalWriter.PostAsync(transaction.Connection!, transaction, [row.Exchange.Journal()], cancellationToken);
        Invariant.Holds(verdict is [PostingVerdict.Posted], $"an exchange is posted once (verdict {verdict[0]})");
        Steps.Reached(ExchangeSteps.ExchangeEffects);
        return ExchangeVerdict.Done;
    }

    /// <summary>False where an exchange of the same reference is booked.</summary>
    private static async Task<bool> AddAsync(NpgsqlTransaction transaction, Row row, ExchangeState state, string? because, string by, CancellationToken cancellationToken)
    {
        await using var add = new NpgsqlCommand(Decide, transaction.Connection, transaction)
            .With(row.Exchange.Id.Value, Account.Text(row.Exchange.Mode), row.Exchange.Reference, Words.Of(state), because, by);
        return await add.ExecuteNonQueryAsync(cancellationToken) == 1;
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
                    new(row.GetGuid(0)), Words.Parse<Mode>(row.GetString(1)), new(row.GetInt64(3), Currency.Of(row.GetString(2))), new(row.GetInt64(5), Currency.Of(row.GetString(4))),
                    row.GetFieldValue<DateTimeOffset>(6), row.GetString(7), row.GetString(8)),
                row.GetString(9), row.GetBoolean(10), Words.Parse<ExchangeState>(row.GetString(11)), await row.IsDBNullAsync(12, cancellationToken) ? null : row.GetString(12),
                await row.IsDBNullAsync(13, cancellationToken) ? null : row.GetString(13)));
        }

        return rows;
    }
}
