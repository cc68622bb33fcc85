using System.IO.Compression;
using System.Security.Cryptography;
using Npgsql;

namespace Payments.Ledger.Closing;

/// <summary>
/// A retired month as files: <c>ledger-2019-01-journals.csv.gz</c> and so on. They are whole on the disk before the rows go; a
/// crash in between leaves files that the next attempt overwrites.
/// </summary>
internal static class Archive
{
    private static readonly (string Name, string Rows)[] Tables =
    [
        ("journals", "SELECT j.* FROM ledger.journals_of({0}, {1}) j ORDER BY j.partition, j.seq"),
        ("movements", "SELECT m.* FROM ledger.journals_of({0}, {1}) j JOIN ledger.movements m ON m.journal_id = j.id ORDER BY j.partition, j.seq, m.line"),
        ("pending_transfers", "SELECT p.* FROM ledger.journals_of({0}, {1}) j JOIN ledger.pending_transfers p ON p.journal_id = j.id ORDER BY j.partition, j.seq, p.line"),
    ];

    /// <returns>The files' names and SHA-256, as the retirement records them.</returns>
    public static async Task<string> WriteAsync(NpgsqlConnection connection, DateOnly month, string directory, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(directory);
        await using var find = ClosingText.Of(connection, "SELECT coalesce('''' || max(c.month) || '''::date', 'NULL') FROM ledger.closings c WHERE c.month < $1", month);
        var before = (string)(await find.ExecuteScalarAsync(cancellationToken))!;
        var written = new List<string>();
        foreach (var (name, rows) in Tables)
        {
            var file = $"ledger-{Closings.Name(month)}-{name}.csv.gz";
            var (path, draft) = (Path.Combine(directory, file), Path.Combine(directory, file + ".draft"));
            var sql = string.Format(System.Globalization.CultureInfo.InvariantCulture, rows, before, $"'{month:yyyy-MM-dd}'::date");
            await using (var stream = new FileStream(draft, FileMode.Create, FileAccess.Write))
            {
                await using (var text = new StreamWriter(new GZipStream(stream, CompressionLevel.Optimal, leaveOpen: true)))
                using (var copy = await connection.BeginTextExportAsync($"COPY ({sql}) TO STDOUT (FORMAT csv, HEADER)", cancellationToken))
                {
                    var buffer = new char[16_384];
                    for (int read; (read = await copy.ReadAsync(buffer, cancellationToken)) > 0;)
                    {
                        await text.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
                    }
                }

                stream.Flush(flushToDisk: true);
            }

            File.Move(draft, path, overwrite: true);
            await using var whole = File.OpenRead(path);
            written.Add($"{file} {Convert.ToHexStringLower(await SHA256.HashDataAsync(whole, cancellationToken))}");
        }

        return string.Join('\n', written);
    }
}
