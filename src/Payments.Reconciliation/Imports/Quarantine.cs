using Npgsql;
using Payments.Platform.Postgres;

namespace Payments.Reconciliation.Imports;

/// <summary>A line of a file that could not be read. Its text stays in the file.</summary>
/// <param name="Import">The file's number.</param>
/// <param name="Column">Null: it is about the line as a whole.</param>
public sealed record QuarantinedLine(string Object, long Import, long Line, string? Column, string Reason);

/// <summary>What was set aside of files.</summary>
public sealed class Quarantine(NpgsqlDataSource database)
{
    /// <summary>In the order of their lines, from behind one on; null: there is no such import.</summary>
    public async Task<IReadOnlyList<QuarantinedLine>?> ReadAsync(long import, long after, int limit, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            SELECT q.line, q."column", q.reason FROM recon.imports i
            LEFT JOIN LATERAL (SELECT line, "column", reason FROM recon.quarantine WHERE import_number = i.number AND line > $2 ORDER BY line LIMIT $3) q ON true
            WHERE i.number = $1 ORDER BY q.line
            """).With(import, after, limit);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var (lines, isThere) = (new List<QuarantinedLine>(), false);
        while (await reader.ReadAsync(cancellationToken))
        {
            isThere = true;
            if (!await reader.IsDBNullAsync(0, cancellationToken))
            {
                lines.Add(new("quarantined_line", import, reader.GetInt64(0), await reader.IsDBNullAsync(1, cancellationToken) ? null : reader.GetString(1), reader.GetString(2)));
            }
        }

        return isThere ? lines : null;
    }
}
