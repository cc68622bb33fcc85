using System.Text;

namespace Payments.Reconciliation.Imports;

/// <summary>
/// The text of a CSV file as whole records: a record goes on over line breaks inside quotes, but a quote that is never closed costs its
/// own line and not the rest of the file.
/// </summary>
/// <param name="separator">A quote opens a field only right behind one, or at the beginning of a line; anywhere else it is a character.</param>
internal sealed class Records(TextReader file, char separator) : TextReader
{
    private const int MostLines = 20;
    private const int MostCharacters = 64 * 1024;
    private readonly Queue<(long Line, string Text)> ahead = new();
    private readonly Queue<long> given = new();
    private readonly Queue<LineRead> rejected = new();
    private string current = "";
    private int position;
    private long lines;

    /// <summary>Lines that belong to no record, in order, as far as they stand before a line.</summary>
    public bool TryTakeRejected(long before, out LineRead line)
    {
        line = default;
        return rejected.TryPeek(out var first) && first.Number < before && rejected.TryDequeue(out line);
    }

    /// <summary>Where the next record that was given begins; null where none was.</summary>
    public long? NextLine() => given.TryDequeue(out var line) ? line : null;

    /// <summary>Records that were given beyond the one that was read: whether there are any, which is not as it should be.</summary>
    public bool TryTakeSwallowed(Queue<long> lines)
    {
        ArgumentNullException.ThrowIfNull(lines);
        var any = false;
        while (given.TryDequeue(out var line))
        {
            lines.Enqueue(line);
            any = true;
        }

        return any;
    }

    public override int Read(char[] buffer, int index, int count) => Read(buffer.AsSpan(index, count));

    public override int Read(Span<char> buffer)
    {
        if (position == current.Length && !Advance())
        {
            return 0;
        }

        var length = Math.Min(buffer.Length, current.Length - position);
        current.AsSpan(position, length).CopyTo(buffer);
        position += length;
        return length;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            file.Dispose();
        }

        base.Dispose(disposing);
    }

    private bool Advance()
    {
        while (NextPhysical() is var (line, text))
        {
            if (string.IsNullOrWhiteSpace(text))
            {
                continue;
            }

            if (Whole(text) is not { } record)
            {
                rejected.Enqueue(LineRead.Rejected(line, null, "a quote is not closed"));
                continue;
            }

            given.Enqueue(line);
            (current, position) = (record + "\n", 0);
            return true;
        }

        return false;
    }

    private string? Whole(string first)
    {
        var quotes = new Quotes(separator);
        if (!first.Contains('"', StringComparison.Ordinal) || quotes.AreClosedAfter(first))
        {
            return first;
        }

        var text = new StringBuilder(first);
        var taken = new List<(long Line, string Text)>();
        while (taken.Count < MostLines && text.Length < MostCharacters && NextPhysical() is { } more)
        {
            taken.Add(more);
            text.Append('\n').Append(more.Text);
            if (quotes.AreClosedAfter(more.Text))
            {
                return text.ToString();
            }
        }

        // Not closed: what was looked at is given back, before what already waits.
        var waiting = ahead.ToArray();
        ahead.Clear();
        foreach (var line in taken.Concat(waiting))
        {
            ahead.Enqueue(line);
        }

        return null;
    }

    private (long Line, string Text)? NextPhysical()
    {
        if (ahead.TryDequeue(out var waiting))
        {
            return waiting;
        }

        return file.ReadLine() is { } text ? (++lines, text) : null;
    }

    /// <summary>Where quotes open and close, as the parser sees them.</summary>
    private sealed class Quotes(char separator)
    {
        private bool isOpen;
        private bool isQuoted;
        private bool isSpoiled;

        public bool AreClosedAfter(string line)
        {
            var (begins, before) = (!isOpen, '\n');
            foreach (var c in line)
            {
                if (begins)
                {
                    (isQuoted, isSpoiled) = (c == '"', false);
                }

                if (isQuoted && c == '"')
                {
                    // Behind a closing quote only another one, or the end of the field, is expected. Otherwise all that follows is text.
                    isSpoiled |= !isOpen && !begins && before != '"';
                    isOpen = isSpoiled ? isOpen : !isOpen;
                }

                (begins, before) = (!isOpen && c == separator, c);
            }

            return !isOpen;
        }
    }
}
