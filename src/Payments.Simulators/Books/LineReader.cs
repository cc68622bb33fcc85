namespace Payments.Simulators.Books;

/// <summary>Whole lines of a stream with their positions; an unfinished last line is not one.</summary>
internal sealed class LineReader(Stream stream) : IDisposable
{
    private byte[] buffer = new byte[256 * 1024];
    private int start;
    private int filled;
    private long bufferOffset;

    public long EndOfLastLine { get; private set; }

    public bool TryRead(out ReadOnlySpan<byte> line, out JournalPosition position)
    {
        var scanned = start;
        while (true)
        {
            var newline = Array.IndexOf(buffer, (byte)'\n', scanned, filled - scanned);
            if (newline >= 0)
            {
                line = buffer.AsSpan(start, newline - start);
                position = new JournalPosition(bufferOffset + start, newline - start);
                start = newline + 1;
                EndOfLastLine = bufferOffset + start;
                return true;
            }

            scanned = filled - start;
            MakeRoom();
            var read = stream.Read(buffer, filled, buffer.Length - filled);
            if (read == 0)
            {
                line = default;
                position = default;
                return false;
            }

            filled += read;
        }
    }

    public void Dispose() => buffer = [];

    private void MakeRoom()
    {
        Array.Copy(buffer, start, buffer, 0, filled - start);
        bufferOffset += start;
        filled -= start;
        start = 0;
        if (filled == buffer.Length)
        {
            Array.Resize(ref buffer, buffer.Length * 2);
        }
    }
}
