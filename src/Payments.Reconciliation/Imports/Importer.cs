using Npgsql;
using Payments.Core;
using Payments.Platform;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Reconciliation.Imports;

/// <param name="State">complete; superseded (by a later file); refused.</param>
/// <param name="IsNew">False: the same content was imported before, and nothing was done.</param>
public sealed record ImportResult(long Number, string State, bool IsNew, string Format, string Identity, long Accepted, long Quarantined, long? Line, string? Reason);

/// <summary>
/// Loads a file: known by its hash, read as a stream, staged in chunks that are durable with the number of the last line, and made to count
/// in one transaction at the end. Ended anywhere, the next import of the same file goes on where it was.
/// </summary>
public sealed class Importer(NpgsqlDataSource database)
{
    /// <summary>Lines in one transaction.</summary>
    public int ChunkLines { get; init; } = 20_000;

    public async Task<ImportResult> ImportAsync(string path, Mode mode, string? format, Action<long>? progress, CancellationToken cancellationToken)
    {
        using var span = ReconciliationTelemetry.Source.StartActivity("reconciliation.import");
        var file = StatementFile.Open(path);
        if (await FindAsync(mode, file, cancellationToken) is { State: not "loading" } known)
        {
            return known with { IsNew = false };
        }

        try
        {
            var found = StatementFormat.Of(file, format);
            var begun = await BeginAsync(mode, file, found.Name, found.NameIn(file), cancellationToken);
            Steps.Reached(ReconciliationSteps.ImportBegun);
            var staging = new Staging(begun.Number, mode, file.Hash, await Rates.LoadAsync(database, cancellationToken));
            await StageAsync(file, found, begun, staging, progress, cancellationToken);
            Steps.Reached(ReconciliationSteps.ImportCompleting);
            await CompleteAsync(begun.Number, [.. found.StatementsIn(file)], cancellationToken);
            Steps.Reached(ReconciliationSteps.ImportAfter);
        }
        catch (RefusedFileException e)
        {
            await RefuseAsync(mode, file, format, e.Line, e.Message, cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState is "RC001" or "RC003")
        {
            await RefuseAsync(mode, file, format, 1, e.MessageText, cancellationToken);
        }

        var result = await FindAsync(mode, file, cancellationToken) ?? throw new InvariantException("an import that was begun is there");
        ReconciliationTelemetry.Imports.Add(1, new KeyValuePair<string, object?>("format", result.Format), new KeyValuePair<string, object?>("state", result.State));
        return result with { IsNew = true };
    }

    private sealed record Begun(long Number, long LinesRead);

    private async Task<ImportResult?> FindAsync(Mode mode, StatementFile file, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            SELECT number, state, format, identity, lines_accepted, lines_quarantined, refused_line, refused_because FROM recon.imports WHERE mode = $1 AND content_hash = $2
            """);
        command.With(ModeNames.Of(mode), file.Hash.ToArray());
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new(
                reader.GetInt64(0), reader.GetString(1), false, reader.GetString(2), reader.GetString(3), reader.GetInt64(4), reader.GetInt64(5),
                await reader.IsDBNullAsync(6, cancellationToken) ? null : reader.GetInt64(6), await reader.IsDBNullAsync(7, cancellationToken) ? null : reader.GetString(7))
            : null;
    }

    /// <summary>Numbers are gapless and depend on nothing but the order of files, so that a repeated history has the same ones.</summary>
    private async Task<Begun> BeginAsync(Mode mode, StatementFile file, string format, string identity, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var line = new NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtextextended('recon.imports', 0))", connection, transaction))
        {
            await line.ExecuteNonQueryAsync(cancellationToken);
        }

        await using (var insert = new NpgsqlCommand("""
            INSERT INTO recon.imports (number, mode, format, identity, file_name, content_hash, state)
            SELECT coalesce(max(number), 0) + 1, $1, $2, $3, $4, $5, 'loading' FROM recon.imports ON CONFLICT (mode, content_hash) DO NOTHING
            """, connection, transaction))
        {
            insert.With(ModeNames.Of(mode), format, identity, file.Name, file.Hash.ToArray());
            await insert.ExecuteNonQueryAsync(cancellationToken);
        }

        Begun begun;
        await using (var read = new NpgsqlCommand("SELECT number, lines_read FROM recon.imports WHERE mode = $1 AND content_hash = $2", connection, transaction))
        {
            read.With(ModeNames.Of(mode), file.Hash.ToArray());
            await using var reader = await read.ExecuteReaderAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            begun = new(reader.GetInt64(0), reader.GetInt64(1));
        }

        await using (var table = new NpgsqlCommand($"CREATE TABLE IF NOT EXISTS {Staging.TableOf(begun.Number)} (LIKE recon.staged)", connection, transaction))
        {
            await table.ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return begun;
    }

    private async Task StageAsync(StatementFile file, StatementFormat format, Begun begun, Staging staging, Action<long>? progress, CancellationToken cancellationToken)
    {
        var lines = new List<StatementLine>(ChunkLines);
        var rejected = new List<LineRead>();
        var last = begun.LinesRead;
        foreach (var read in format.Read(file))
        {
            // What is durable already is only read over. Records come in the order of their lines.
            if (read.Number <= begun.LinesRead)
            {
                continue;
            }

            if (read.Line is not { } line)
            {
                rejected.Add(read);
            }
            else if (staging.CanHold(line))
            {
                lines.Add(line);
            }
            else
            {
                rejected.Add(LineRead.Rejected(read.Number, null, "its exchange is out of all bounds"));
            }

            if (lines.Count + rejected.Count >= ChunkLines)
            {
                last = await WriteAsync(begun.Number, last, lines, rejected, staging, cancellationToken);
                progress?.Invoke(last);
            }
        }

        last = await WriteAsync(begun.Number, last, lines, rejected, staging, cancellationToken);
        progress?.Invoke(last);
    }

    private async Task<long> WriteAsync(long number, long before, List<StatementLine> lines, List<LineRead> rejected, Staging staging, CancellationToken cancellationToken)
    {
        if (lines.Count + rejected.Count == 0)
        {
            return before;
        }

        var last = Math.Max(lines.Count > 0 ? lines[^1].Number : 0, rejected.Count > 0 ? rejected.Max(r => r.Number) : 0);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var mark = new NpgsqlCommand("""
            UPDATE recon.imports SET lines_read = $3, lines_accepted = lines_accepted + $4, lines_quarantined = lines_quarantined + $5 WHERE number = $1 AND lines_read = $2 AND state = 'loading'
            """, connection, transaction))
        {
            mark.With(number, before, last, (long)lines.Count, (long)rejected.Count);
            if (await mark.ExecuteNonQueryAsync(cancellationToken) == 0)
            {
                throw new ImportTakenException();
            }
        }

        await staging.CopyAsync(connection, lines, cancellationToken);
        if (rejected.Count > 0)
        {
            await using var quarantine = new NpgsqlCommand("""
                INSERT INTO recon.quarantine (import_number, line, "column", reason) SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING
                """, connection, transaction);
            quarantine.Parameters.Add(new() { Value = number });
            quarantine.Parameters.Add(new() { Value = rejected.Select(r => r.Number).ToArray() });
            quarantine.Parameters.Add(new() { Value = rejected.Select(r => r.Rejection!.Column).ToArray(), NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Array | NpgsqlTypes.NpgsqlDbType.Text });
            quarantine.Parameters.Add(new() { Value = rejected.Select(r => r.Rejection!.Reason).ToArray() });
            await quarantine.ExecuteNonQueryAsync(cancellationToken);
        }

        Steps.Reached(ReconciliationSteps.ImportChunk);
        await transaction.CommitAsync(cancellationToken);
        Steps.Reached(ReconciliationSteps.ImportChunkAfter);
        lines.Clear();
        rejected.Clear();
        return last;
    }

    // Only what is said for the first time counts: a payout or a statement that stands already by another file is none.
    private async Task CompleteAsync(long number, IReadOnlyList<BankStatement> statements, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var place = new NpgsqlCommand("""
            INSERT INTO recon.import_statements (import_number, place, account, currency, opened_on, opening, closed_on, closing)
            SELECT $1, s.place, s.account, s.currency, s.opened_on, s.opening, s.closed_on, s.closing
            FROM unnest($2::text[], $3::text[], $4::date[], $5::bigint[], $6::date[], $7::bigint[]) WITH ORDINALITY AS s (account, currency, opened_on, opening, closed_on, closing, place)
            ON CONFLICT DO NOTHING
            """, connection, transaction))
        {
            place.With(
                number, statements.Select(s => s.Account).ToArray(), statements.Select(s => s.Currency).ToArray(), statements.Select(s => s.OpenedOn).ToArray(), statements.Select(s => s.Opening).ToArray(),
                statements.Select(s => s.ClosedOn).ToArray(), statements.Select(s => s.Closing).ToArray());
            await place.ExecuteNonQueryAsync(cancellationToken);
        }

        foreach (var step in new[] { "SELECT recon.speak_once($1)", "SELECT recon.finish_import($1)" })
        {
            await using var command = new NpgsqlCommand(step, connection, transaction) { CommandTimeout = 0 };
            await command.With(number).ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Nothing of the file counts, and the same file is refused again without being read.</summary>
    private async Task RefuseAsync(Mode mode, StatementFile file, string? format, long line, string reason, CancellationToken cancellationToken)
    {
        var begun = await BeginAsync(mode, file, format ?? "unknown", file.Name, cancellationToken);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var refuse = new NpgsqlCommand("""
            UPDATE recon.imports SET state = 'refused', refused_line = $2, refused_because = $3, lines_read = 0, lines_accepted = 0, lines_quarantined = 0, ended_at = now() WHERE number = $1 AND state = 'loading'
            """, connection, transaction))
        {
            refuse.With(begun.Number, line, reason);
            await refuse.ExecuteNonQueryAsync(cancellationToken);
        }

        await using (var clear = new NpgsqlCommand($"DROP TABLE IF EXISTS {Staging.TableOf(begun.Number)}; DELETE FROM recon.quarantine WHERE import_number = {begun.Number}", connection, transaction))
        {
            await clear.ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }
}

/// <summary>Another process imports the same file at this moment.</summary>
public sealed class ImportTakenException() : Exception("Another process imports this file; ask again later.");
