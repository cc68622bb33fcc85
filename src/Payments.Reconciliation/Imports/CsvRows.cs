using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;

namespace Payments.Reconciliation.Imports;

/// <summary>A CSV file by the names of its columns, whatever their order, quoting and separator.</summary>
internal sealed class CsvRows : IDisposable
{
    private const string Torn = "its quotes do not hold together";
    private static readonly char[] Separators = [',', ';', '\t', '|'];
    private readonly Records records;
    private readonly CsvParser parser;
    private readonly Dictionary<string, int> columns = new(StringComparer.OrdinalIgnoreCase);
    private readonly Queue<long> swallowed = new();
    private bool isTorn;

    private CsvRows(Records records, char separator)
    {
        this.records = records;
        parser = new CsvParser(records, new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            Delimiter = separator.ToString(),
            BadDataFound = null,
            IgnoreBlankLines = false,
            CacheFields = false,
            MaxFieldSize = 0,
        });
    }

    /// <summary>The line that the row begins at.</summary>
    public long Line { get; private set; }

    /// <exception cref="RefusedFileException">A column that must be there is not.</exception>
    public static CsvRows Open(StatementFile file, IReadOnlyList<string> required)
    {
        var separator = SeparatorOf(file.Head());
        var rows = new CsvRows(new Records(file.Read(), separator), separator);
        if (!rows.Next())
        {
            rows.Dispose();
            throw new RefusedFileException(1, "the file has no header");
        }

        var twice = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < rows.parser.Count; i++)
        {
            var name = rows.parser[i].Trim().TrimStart('\uFEFF');
            if (!rows.columns.TryAdd(name, i))
            {
                twice.Add(name);
            }
        }

        var line = rows.Line;
        rows.HeaderWidth = rows.parser.Count;
        if (required.FirstOrDefault(r => !rows.columns.ContainsKey(r)) is { } missing)
        {
            rows.Dispose();
            throw new RefusedFileException(line, $"the column '{missing}' is missing");
        }

        if (required.FirstOrDefault(twice.Contains) is { } repeated)
        {
            rows.Dispose();
            throw new RefusedFileException(line, $"the column '{repeated}' comes twice");
        }

        return rows;
    }

    public bool Has(string column) => columns.ContainsKey(column);

    /// <summary>Null for an absent column or an empty cell.</summary>
    public string? this[string column] =>
        columns.TryGetValue(column, out var index) && index < parser.Count && parser[index].Trim() is { Length: > 0 } text ? text : null;

    public string Required(string column) => this[column] ?? throw new UnreadableException(column, "is empty");

    public int Width => parser.Count;

    public int HeaderWidth { get; private set; }

    /// <summary>Whether the row has the fields of the header. One more separator at its end says nothing.</summary>
    public bool IsWhole => !isTorn && Width >= HeaderWidth && Enumerable.Range(HeaderWidth, Width - HeaderWidth).All(i => parser[i].Length == 0);

    /// <summary>Goes to the next row.</summary>
    public bool Next()
    {
        if (!parser.Read())
        {
            return false;
        }

        // A record is a row. What the parser sees otherwise is no row that could be trusted.
        (Line, isTorn) = records.NextLine() is { } line ? (line, records.TryTakeSwallowed(swallowed)) : (Line, true);
        return true;
    }

    /// <summary>Every row through <paramref name="read"/>; what cannot be read becomes a rejection, null is left out.</summary>
    public IEnumerable<LineRead> ReadAll(Func<CsvRows, StatementLine?> read)
    {
        while (Next())
        {
            while (records.TryTakeRejected(Line, out var torn))
            {
                yield return torn;
            }

            if (One(read) is { } line)
            {
                yield return line;
            }

            while (swallowed.TryDequeue(out var lost))
            {
                yield return LineRead.Rejected(lost, null, Torn);
            }
        }

        while (records.TryTakeRejected(long.MaxValue, out var torn))
        {
            yield return torn;
        }
    }

    public void Dispose()
    {
        parser.Dispose();
        records.Dispose();
    }

    private LineRead? One(Func<CsvRows, StatementLine?> read)
    {
        if (isTorn)
        {
            return LineRead.Rejected(Line, null, Torn);
        }

        if (!IsWhole)
        {
            return LineRead.Rejected(Line, null, $"has {Width} fields, the header has {HeaderWidth}");
        }

        try
        {
            return read(this) is { } line ? LineRead.Of(line) : null;
        }
        catch (UnreadableException e)
        {
            return LineRead.Rejected(Line, e.Column, e.Message);
        }
        catch (OverflowException)
        {
            return LineRead.Rejected(Line, null, "amounts are too large");
        }
    }

    private static char SeparatorOf(string head)
    {
        head = head.TrimStart();
        var header = head.AsSpan(0, head.IndexOfAny(['\r', '\n']) is var end && end < 0 ? head.Length : end).ToString();
        return Separators.MaxBy(c => header.Count(h => h == c));
    }
}
