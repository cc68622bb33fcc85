using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;

namespace Payments.Reconciliation.Imports;

/// <summary>A file to import: its hash and its encoding are known from one reading, the content is read as a stream afterwards.</summary>
public sealed record StatementFile(string Path, string Name, ReadOnlyMemory<byte> Hash, Encoding Encoding)
{
    private const int Block = 1 << 16;

    public static StatementFile Open(string path)
    {
        using var stream = File.OpenRead(path);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[Block];
        var (kept, isUtf8, mark) = (0, true, Array.Empty<byte>());
        int read;
        while ((read = stream.Read(buffer, kept, Block - kept)) > 0)
        {
            hash.AppendData(buffer, kept, read);
            var length = kept + read;
            mark = mark.Length == 0 ? buffer[..Math.Min(4, length)] : mark;

            // A character may be cut by the end of the block: it is looked at again with the next one.
            var whole = WholeCharacters(buffer.AsSpan(0, length));
            isUtf8 &= Utf8.IsValid(buffer.AsSpan(0, whole));
            kept = length - whole;
            buffer.AsSpan(whole, kept).CopyTo(buffer);
        }

        isUtf8 &= kept == 0;
        return new(path, System.IO.Path.GetFileName(path), hash.GetHashAndReset(), EncodingOf(mark, isUtf8));
    }

    public StreamReader Read() => new(new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.Read, Block, FileOptions.SequentialScan), Encoding, detectEncodingFromByteOrderMarks: true, Block);

    /// <summary>The beginning, to see what it is.</summary>
    public string Head()
    {
        using var reader = Read();
        var head = new char[4096];
        return new string(head, 0, reader.ReadBlock(head));
    }

    // What is not UTF-8 is Latin-1, in which every byte is a character.
    private static Encoding EncodingOf(ReadOnlySpan<byte> mark, bool isUtf8) => mark switch
    {
        [0xFF, 0xFE, ..] => Encoding.Unicode,
        [0xFE, 0xFF, ..] => Encoding.BigEndianUnicode,
        _ => isUtf8 ? Encoding.UTF8 : Encoding.Latin1,
    };

    private static int WholeCharacters(ReadOnlySpan<byte> bytes)
    {
        for (var back = 1; back <= Math.Min(3, bytes.Length); back++)
        {
            var at = bytes[^back];
            if (at >= 0xC0)
            {
                var needs = at >= 0xF0 ? 4 : at >= 0xE0 ? 3 : 2;
                return back < needs ? bytes.Length - back : bytes.Length;
            }

            if (at < 0x80)
            {
                break;
            }
        }

        return bytes.Length;
    }
}
