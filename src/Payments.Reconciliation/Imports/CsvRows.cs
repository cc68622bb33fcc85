using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;

namespace Payments.Reconciliation.Imports;

/// <summary>A CSV file by the names of its columns, whatever their order, quoting and separator.</summary>
internal sealed class CsvRows : IDisposable
{
    private static readonly char[] Separators = [',', ';', '\t', '|'];
    private readonly Records records;
    private readonly CsvParser parser;
    private readonly Dictionary<string, int> columns = new(StringComparer.OrdinalIgnoreCase);

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
        var rows = new CsvRows(new Records(file.Read()), SeparatorOf(file.Head()));
        if (!rows.Next())
        {
            rows.Dispose();
            throw new RefusedFileException(1, "the file has no header");
        }

        for (var i = 0; i < rows.parser.Count; i++)
        {
            rows.columns.TryAdd(rows.parser[i].Trim().TrimStart('\uFEFF'), i);
        }

        if (required.FirstOrDefault(r => !rows.columns.ContainsKey(r)) is { } missing)
        {
            rows.Dispose();
            throw new RefusedFileException(1, $"the column '{missing}' is missing");
        }

        return rows;
    }

    public bool Has(string column) => columns.ContainsKey(column);

    /// <summary>Null for an absent column or an empty cell.</summary>
    public string? this[string column] =>
        columns.TryGetValue(column, out var index) && index < parser.Count && parser[index].Trim() is { Length: > 0 } text ? text : null;

    public string Required(string column) => this[column] ?? throw new UnreadableException(column, "is empty");

    public int Width => parser.Count;

    public int HeaderWidth => columns.Count;

    /// <summary>Goes to the next row.</summary>
    public bool Next()
    {
        if (!parser.Read())
        {
            return false;
        }

        Line = records.NextLine();
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
        if (Width < HeaderWidth)
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
        var header = head.AsSpan(0, head.IndexOfAny(['\r', '\n']) is var end && end < 0 ? head.Length : end).ToString();
        return Separators.MaxBy(c => header.Count(h => h == c));
    }
}
