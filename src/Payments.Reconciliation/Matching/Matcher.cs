using System.Globalization;
using Npgsql;
using Payments.Core;
using Payments.Platform;
using Payments.Platform.Http;
using Payments.Platform.Postgres;
using Payments.Reconciliation.Bookings;
using Payments.Reconciliation.Intake;

namespace Payments.Reconciliation.Matching;

/// <param name="Days">How many days were compared anew.</param>
public sealed record MatchResult(int Books, int Days);

/// <summary>
/// Compares what is open: days that changed, in parallel and each in a transaction of its own, then each book as a whole. Everything is done
/// in the database; this process holds nothing but the list of days. Both steps begin by forgetting their earlier result, so that
/// they can be ended and repeated at will.
/// </summary>
public sealed class Matcher(NpgsqlDataSource database, ILogger<Matcher> logger)
{
    internal const int UsualJoinMegabytes = 64;

    /// <summary>Days compared at once.</summary>
    public int Parallel { get; init; } = Math.Clamp(Environment.ProcessorCount, 1, 8);

    /// <summary>Memory of one join before it goes to disk, in the database.</summary>
    public int JoinMegabytes { get; init; } = UsualJoinMegabytes;

    /// <summary>All books.</summary>
    /// <param name="mode">Null: both.</param>
    /// <param name="progress">Told after each step: days done, days in all, what was done.</param>
    public Task<MatchResult> MatchAsync(Mode? mode, Action<int, int, string>? progress, CancellationToken cancellationToken) => MatchAsync(mode, false, progress, cancellationToken);

    /// <summary>Leaves books in which nothing changed but what is expected of today.</summary>
    public Task<MatchResult> MatchDueAsync(CancellationToken cancellationToken) => MatchAsync(null, true, null, cancellationToken);

    private async Task<MatchResult> MatchAsync(Mode? mode, bool due, Action<int, int, string>? progress, CancellationToken cancellationToken)
    {
        using var span = ReconciliationTelemetry.Source.StartActivity("reconciliation.match");
        Steps.Reached(ReconciliationSteps.MatchBefore);
        var books = await BooksAsync(mode, due, cancellationToken);
        var days = await DirtyDaysAsync(mode, cancellationToken);
        days.RemoveAll(d => !books.Contains(d.Book));
        var done = 0;
        var options = new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellationToken };
        await System.Threading.Tasks.Parallel.ForEachAsync(days, options, async (day, ct) =>
        {
            await RunAsync("SELECT recon.match_day($1, $2, $3, $4)", day.Book, day.Day, ReconciliationSteps.MatchDay, ct);
            Steps.Reached(ReconciliationSteps.MatchDayAfter);
            progress?.Invoke(Interlocked.Increment(ref done), days.Count, $"{day.Book} {day.Day:O}");
        });
        await System.Threading.Tasks.Parallel.ForEachAsync(books, options, async (book, ct) =>
        {
            await SettleAsync(book, ct);
            progress?.Invoke(done, days.Count, $"{book} settled");
        });
        foreach (var book in (await BooksAsync(mode, false, cancellationToken)).Where(b => b.Leg == Leg.Bank && b.Provider != Book.Merchants))
        {
            await NoteAsync(book, cancellationToken);
        }

        await RaiseSuspendedAsync(cancellationToken);
        Log.Matched(logger, books.Count, days.Count);
        return new(books.Count, days.Count);
    }

    /// <summary>One book as a whole, with what changed in it since it was last compared.</summary>
    private async Task SettleAsync(Book book, CancellationToken cancellationToken)
    {
        await RunAsync("SELECT recon.settle($1, $2, $3)", book, null, ReconciliationSteps.SettleEffects, cancellationToken);
        Steps.Reached(ReconciliationSteps.SettleAfter);
    }

    /// <summary>What was being booked when more of it became known.</summary>
    private async Task RaiseSuspendedAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await SuspendedMoney.RaiseAsync(connection, transaction, null, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Notes payouts that the bank has as they were announced: what the ledger has to book of them is durable from here on.</summary>
    private async Task NoteAsync(Book book, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var command = new NpgsqlCommand("SELECT recon.note_settlements($1, $2)", connection, transaction) { CommandTimeout = 0 };
        command.With(ModeNames.Of(book.Mode), book.Provider);
        await command.ExecuteNonQueryAsync(cancellationToken);
        await NotedSettlements.AskAsync(connection, transaction, book, cancellationToken);
        await LateCosts.AskAsync(connection, transaction, book, cancellationToken);
        Steps.Reached(ReconciliationSteps.NoteEffects);
        await transaction.CommitAsync(cancellationToken);
        Steps.Reached(ReconciliationSteps.NoteAfter);
    }

    private async Task<IReadOnlyList<Book>> BooksAsync(Mode? mode, bool due, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            SELECT mode, leg, provider FROM recon.books b WHERE ($1::text IS NULL OR mode = $1) AND (NOT $2 OR recon.is_due(b)) ORDER BY mode, leg, provider
            """);
        command.With(mode is { } m ? ModeNames.Of(m) : null, due);
        var books = new List<Book>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            books.Add(new(Words.Parse<Mode>(reader.GetString(0)), Words.Parse<Leg>(reader.GetString(1)), reader.GetString(2)));
        }

        return books;
    }

    private async Task<List<(Book Book, DateOnly Day)>> DirtyDaysAsync(Mode? mode, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            SELECT d.mode, d.leg, d.provider, d.day FROM recon.days d JOIN recon.books b USING (mode, leg, provider)
            WHERE d.dirty AND d.day > coalesce(b.closed_through, '-infinity') AND ($1::text IS NULL OR d.mode = $1) ORDER BY d.mode, d.leg, d.provider, d.day
            """);
        command.With(mode is { } m ? ModeNames.Of(m) : null);
        var days = new List<(Book, DateOnly)>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            days.Add((new(Words.Parse<Mode>(reader.GetString(0)), Words.Parse<Leg>(reader.GetString(1)), reader.GetString(2)), reader.GetFieldValue<DateOnly>(3)));
        }

        return days;
    }

    /// <summary>Gives a transaction that compares the memory for it.</summary>
    internal static async Task LendAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, int megabytes, CancellationToken cancellationToken)
    {
        await using var memory = new NpgsqlCommand(string.Create(CultureInfo.InvariantCulture, $"SET LOCAL work_mem = '{megabytes}MB'"), connection, transaction);
        await memory.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<object?> RunAsync(string sql, Book book, DateOnly? day, string step, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await LendAsync(connection, transaction, JoinMegabytes, cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection, transaction) { CommandTimeout = 0 };
        command.With(ModeNames.Of(book.Mode), Words.Of(book.Leg), book.Provider);
        if (day is { } d)
        {
            command.With(d);
        }

        var result = await command.ExecuteScalarAsync(cancellationToken);
        Steps.Reached(step);
        await transaction.CommitAsync(cancellationToken);
        return result;
    }
}
