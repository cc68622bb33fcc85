using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Payments.Simulators.Books;

/// <summary>One line of the journal: everything one request changed, all or nothing.</summary>
public sealed record JournalLine(DateTimeOffset At, IReadOnlyList<Entity> Put);

/// <summary>
/// Append-only file of JSON lines. A line is in the operating system's hands before the request is answered, so it survives
/// the death of this process; a line torn by such a death is cut off at the next start.
/// </summary>
public sealed class Journal : IDisposable
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.General)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        IgnoreReadOnlyProperties = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    private readonly FileStream file;
    private readonly ArrayBufferWriter<byte> buffer = new();
    private readonly Utf8JsonWriter writer;
    private long end;

    public Journal(string directory)
    {
        Directory.CreateDirectory(directory);
        file = new FileStream(Path.Combine(directory, "books.jsonl"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
        writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = Json.Encoder });
    }

    /// <summary>Reads all whole lines from the start and cuts off what follows the last one.</summary>
    public void Replay(Action<JournalLine, JournalPosition> apply)
    {
        ArgumentNullException.ThrowIfNull(apply);
        file.Position = 0;
        using var reader = new LineReader(file);
        long number = 0;
        while (reader.TryRead(out var line, out var position))
        {
            number++;
            apply(Parse(line, number), position);
        }

        end = reader.EndOfLastLine;
        file.SetLength(end);
    }

    /// <summary>Writes one line and tells where it stands. One at a time.</summary>
    public JournalPosition Append(JournalLine line)
    {
        buffer.ResetWrittenCount();
        writer.Reset();
        JsonSerializer.Serialize(writer, line, Json);
        var position = new JournalPosition(end, buffer.WrittenCount);
        buffer.Write("\n"u8);
        RandomAccess.Write(file.SafeFileHandle, buffer.WrittenSpan, end);
        end += buffer.WrittenCount;
        return position;
    }

    public JournalLine Read(JournalPosition position)
    {
        var bytes = new byte[position.Length];
        for (var filled = 0; filled < bytes.Length;)
        {
            var read = RandomAccess.Read(file.SafeFileHandle, bytes.AsSpan(filled), position.Offset + filled);
            filled += read > 0 ? read : throw new InvalidDataException($"The journal of the simulators ends before {position.Offset + position.Length}.");
        }

        return Parse(bytes, position.Offset);
    }

    public void Dispose()
    {
        writer.Dispose();
        file.Dispose();
    }

    private static JournalLine Parse(ReadOnlySpan<byte> line, long where)
    {
        try
        {
            return JsonSerializer.Deserialize<JournalLine>(line, Json) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"The journal of the simulators is damaged at {where}: {e.Message}", e);
        }
    }
}

public readonly record struct JournalPosition(long Offset, int Length);
