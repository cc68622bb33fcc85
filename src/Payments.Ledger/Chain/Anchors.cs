using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Npgsql;
using NpgsqlTypes;
using Payments.Core;

namespace Payments.Ledger.Chain;

/// <summary>The heads of all chains at one moment, written where the database's administrator cannot change them unseen.</summary>
/// <param name="Previous">SHA-256 of the line before, so that the file itself is a chain.</param>
public sealed record Anchor(DateTimeOffset At, string Previous, IReadOnlyList<ChainHead> Heads);

/// <param name="Checked">Anchors found in the file.</param>
/// <param name="Breaks">What in the file, or in the books that it anchors, is not as it was.</param>
/// <param name="Heads">Those of the last anchor.</param>
public sealed record AnchorReport(int Checked, DateTimeOffset? LastAt, IReadOnlyList<string> Breaks, [property: JsonIgnore] IReadOnlyList<ChainHead> Heads);

/// <summary>
/// The append-only file of anchors (<c>Payments:Ledger:AnchorFile</c>), one JSON object per line. Whoever rewrites the books from
/// some day on would have to rewrite this file too, from that day on; keep it, or copies of it, out of the database's reach.
/// </summary>
public sealed class Anchors(NpgsqlDataSource database, ChainVerification chain, TimeProvider time, LedgerOptions options, ILogger<Anchors> logger) : IDisposable
{
    private static readonly string Beginning = new('0', 64);
    private readonly SemaphoreSlim gate = new(1);

    /// <summary>False where no file is configured.</summary>
    public bool Configured => !string.IsNullOrEmpty(options.AnchorFile);

    private string File => Path.HasExtension(options.AnchorFile) ? options.AnchorFile! : Path.Combine(options.AnchorFile!, "ledger-anchors.jsonl");

    /// <summary>Appends the heads of now and waits until they are on the disk.</summary>
    public async Task<Anchor> AppendAsync(CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken);
        try
        {
            var lines = await LinesAsync(cancellationToken);
            var anchor = new Anchor(time.GetUtcNow(), lines.Count == 0 ? Beginning : HashOf(lines[^1]), await chain.HeadsAsync(cancellationToken));
            if (Path.GetDirectoryName(Path.GetFullPath(File)) is { } directory)
            {
                Directory.CreateDirectory(directory);
            }

            // The line feed comes first: a line that a crash cut short stays a line of its own.
            await using var stream = new FileStream(File, FileMode.Append, FileAccess.Write, FileShare.Read);
            await stream.WriteAsync(Encoding.UTF8.GetBytes("\n" + JsonSerializer.Serialize(anchor, Json.Options)), cancellationToken);
            stream.Flush(flushToDisk: true);

            // The log is a second witness outside the database.
            foreach (var head in anchor.Heads)
            {
                Log.HeadAnchored(logger, head.Partition, head.Seq, head.Hash, anchor.At);
            }

            return anchor;
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>When the last anchor was written; null where there is none, or none that can be read.</summary>
    public async Task<DateTimeOffset?> LastAsync(CancellationToken cancellationToken) =>
        await LinesAsync(cancellationToken) is { Count: > 0 } lines ? Read(lines[^1])?.At : null;

    /// <summary>Whether the file is a chain, and whether the books still hold every journal that it anchors.</summary>
    public async Task<AnchorReport> VerifyAsync(CancellationToken cancellationToken)
    {
        var (breaks, previous, heads) = (new List<string>(), Beginning, new List<(int Line, ChainHead Head)>());
        var lines = await LinesAsync(cancellationToken);
        Anchor? last = null;
        for (var i = 0; i < lines.Count; i++)
        {
            if (Read(lines[i]) is not { } anchor)
            {
                breaks.Add($"Line {i + 1} of the anchor file cannot be read.");
            }
            else
            {
                if (anchor.Previous != previous)
                {
                    breaks.Add($"Line {i + 1} of the anchor file does not follow the line before it.");
                }

                heads.AddRange(anchor.Heads.Select(h => (i + 1, h)));
                last = anchor;
            }

            previous = HashOf(lines[i]);
        }

        var held = await HeldAsync(heads, cancellationToken);
        breaks.AddRange(heads.Where((h, place) => held[place] != h.Head.Hash).Select(h =>
            $"Journal {h.Head.Seq} of ledger partition {h.Head.Partition}, anchored in line {h.Line}, is not in the books as it was."));
        return new(lines.Count, last?.At, breaks, last?.Heads ?? []);
    }

    public void Dispose() => gate.Dispose();

    // What was retired was verified against its anchors before it went: of it the closing's heads are left.
    private async Task<string?[]> HeldAsync(List<(int Line, ChainHead Head)> heads, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            SELECT CASE WHEN h.seq < o.seq THEN h.hash WHEN h.seq = o.seq THEN encode(o.hash, 'hex')
                        ELSE (SELECT encode(j.hash, 'hex') FROM ledger.journals j WHERE j.partition = h.partition AND j.seq = h.seq LIMIT 1) END
            FROM unnest($1, $2, $3) WITH ORDINALITY AS h (partition, seq, hash, place)
            LEFT JOIN ledger.closing_heads o ON o.month = ledger.horizon() AND o.partition = h.partition
            ORDER BY h.place
            """);
        command.Parameters.Add(new() { Value = heads.Select(h => h.Head.Partition).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Integer });
        command.Parameters.Add(new() { Value = heads.Select(h => h.Head.Seq).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint });
        command.Parameters.Add(new() { Value = heads.Select(h => h.Head.Hash).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        var held = new List<string?>(heads.Count);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            held.Add(await reader.IsDBNullAsync(0, cancellationToken) ? null : reader.GetString(0));
        }

        return [.. held];
    }

    private async Task<IReadOnlyList<string>> LinesAsync(CancellationToken cancellationToken) =>
        System.IO.File.Exists(File) ? [.. (await System.IO.File.ReadAllLinesAsync(File, cancellationToken)).Where(l => l.Length > 0)] : [];

    private static Anchor? Read(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<Anchor>(line, Json.Options);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string HashOf(string line) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(line)));
}
