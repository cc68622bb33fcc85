using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Platform;
using Payments.Platform.Http;
using Payments.Platform.Postgres;
using Payments.Platform.Secrets;
using Payments.Reconciliation.Matching;

namespace Payments.Reconciliation.Closing;

public enum CloseResult
{
    /// <summary>Closed by this call.</summary>
    Now,

    /// <summary>It was closed before.</summary>
    Closed,

    /// <summary>No statement speaks of this day yet.</summary>
    NoStatement,

    /// <summary>There is no such book.</summary>
    Unknown,

    /// <summary>There is no key to sign with.</summary>
    NoKey,
}

/// <summary>A closing as it stands.</summary>
/// <param name="PreviousHash">Of the closing before it in its book.</param>
public sealed record DayClosing(ClosedDays Days, byte[] PreviousHash, byte[] Hash, string KeyId, byte[] Signature, DateTimeOffset ClosedAt);

/// <summary>A closing that is not what was signed.</summary>
public sealed record BrokenClosing(string Name, string Problem);

/// <summary>Closes days and signs what they came to; tells later whether they are still that.</summary>
public sealed class DayClosings(NpgsqlDataSource database, ClosingKeys keys)
{
    private const string Columns = "mode, leg, provider, day, after, previous_hash, hash, key_id, signature, closed_at";

    /// <summary>Closes a day and those before it that have anything in them; says why not, if it cannot be.</summary>
    public async Task<CloseResult> CloseAsync(Book book, DateOnly day, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(book);
        if (!keys.Configured)
        {
            return CloseResult.NoKey;
        }

        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await Matcher.LendAsync(connection, transaction, Matcher.UsualJoinMegabytes, cancellationToken);
        var (mode, leg) = (ModeNames.Of(book.Mode), Words.Of(book.Leg));
        var after = await ScalarAsync("SELECT closed_through FROM recon.books WHERE mode = $1 AND leg = $2 AND provider = $3 FOR UPDATE") is DateOnly through ? through : (DateOnly?)null;
        var result = Words.Parse<CloseResult>((string)(await ScalarAsync("SELECT recon.close_day($1, $2, $3, $4)", day))!);
        if (result == CloseResult.Now)
        {
            await SignAsync(connection, new(book, after, day), cancellationToken);
        }

        Steps.Reached(ReconciliationSteps.CloseEffects);
        await transaction.CommitAsync(cancellationToken);
        Steps.Reached(ReconciliationSteps.CloseAfter);
        return result;

        async Task<object?> ScalarAsync(string sql, params object[] more)
        {
            await using var command = new NpgsqlCommand(sql, connection, transaction) { CommandTimeout = 0 };
            command.With(mode, leg, book.Provider);
            command.With(more);
            return await command.ExecuteScalarAsync(cancellationToken);
        }
    }

    /// <summary>All closings, each book's in their order.</summary>
    public async Task<IReadOnlyList<DayClosing>> ListAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"SELECT {Columns} FROM recon.closings ORDER BY mode, leg, provider, day");
        return await ReadAsync(command, cancellationToken);
    }

    /// <summary>The closing that a day is in; null while it is open.</summary>
    public async Task<DayClosing?> FindAsync(Book book, DateOnly day, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(book);
        await using var command = database.CreateCommand($"SELECT {Columns} FROM recon.closings WHERE mode = $1 AND leg = $2 AND provider = $3 AND day >= $4 ORDER BY day LIMIT 1");
        command.With(ModeNames.Of(book.Mode), Words.Of(book.Leg), book.Provider, day);
        return await ReadAsync(command, cancellationToken) is [var closing] ? closing : null;
    }

    /// <summary>What is wrong with a closing, which is computed again from the rows as they are; null where nothing is.</summary>
    /// <param name="before">The closing before it in its book, if there is one.</param>
    public async Task<BrokenClosing?> RefuteAsync(DayClosing closing, DayClosing? before, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(closing);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var problem = !closing.PreviousHash.AsSpan().SequenceEqual(before?.Hash ?? ClosingContent.Beginning) ? "It does not follow the closing before it."
            : !(await ClosingContent.HashAsync(connection, closing.Days, closing.PreviousHash, cancellationToken)).AsSpan().SequenceEqual(closing.Hash) ? "Its days are not what was hashed."
            : keys.Refute(closing.KeyId, closing.Hash, closing.Signature);
        return problem is null ? null : new(closing.Days.ToString(), problem);
    }

    /// <summary>Every closing that is not what was signed.</summary>
    /// <param name="progress">Told after each: how many are done, how many there are, which it was.</param>
    public async Task<IReadOnlyList<BrokenClosing>> VerifyAsync(Action<int, int, string>? progress, CancellationToken cancellationToken)
    {
        var closings = await ListAsync(cancellationToken);
        var broken = new List<BrokenClosing>();
        for (var i = 0; i < closings.Count; i++)
        {
            if (await RefuteAsync(closings[i], Before(closings, i), cancellationToken) is { } found)
            {
                broken.Add(found);
            }

            progress?.Invoke(i + 1, closings.Count, closings[i].Days.ToString());
        }

        return broken;
    }

    internal static DayClosing? Before(IReadOnlyList<DayClosing> closings, int number) =>
        number > 0 && closings[number - 1].Days.Book == closings[number].Days.Book ? closings[number - 1] : null;

    private async Task SignAsync(NpgsqlConnection connection, ClosedDays days, CancellationToken cancellationToken)
    {
        await using var last = new NpgsqlCommand("SELECT hash FROM recon.closings WHERE mode = $1 AND leg = $2 AND provider = $3 ORDER BY day DESC LIMIT 1", connection);
        last.With(ModeNames.Of(days.Book.Mode), Words.Of(days.Book.Leg), days.Book.Provider);
        var previous = await last.ExecuteScalarAsync(cancellationToken) as byte[] ?? ClosingContent.Beginning;
        var hash = await ClosingContent.HashAsync(connection, days, previous, cancellationToken);
        var (keyId, signature) = keys.Sign(hash);
        await using var insert = new NpgsqlCommand(
            "INSERT INTO recon.closings (mode, leg, provider, day, after, previous_hash, hash, key_id, signature) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)", connection);
        insert.With(ModeNames.Of(days.Book.Mode), Words.Of(days.Book.Leg), days.Book.Provider, days.Day);
        insert.Parameters.Add(new() { Value = days.After is { } after ? after : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Date });
        insert.With(previous, hash, keyId, signature);
        await insert.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<IReadOnlyList<DayClosing>> ReadAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        var closings = new List<DayClosing>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var book = new Book(Words.Parse<Mode>(reader.GetString(0)), Words.Parse<Leg>(reader.GetString(1)), reader.GetString(2));
            var after = await reader.IsDBNullAsync(4, cancellationToken) ? (DateOnly?)null : reader.GetFieldValue<DateOnly>(4);
            closings.Add(new(
                new(book, after, reader.GetFieldValue<DateOnly>(3)), reader.GetFieldValue<byte[]>(5), reader.GetFieldValue<byte[]>(6), reader.GetString(7), reader.GetFieldValue<byte[]>(8),
                reader.GetFieldValue<DateTimeOffset>(9)));
        }

        return closings;
    }
}
