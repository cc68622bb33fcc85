using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text.Json.Serialization;

namespace Payments.Platform.Http;

/// <summary>
/// Where a list goes on: the key of the last row shown, opaque to callers. Lists are read by key (<c>WHERE id &lt; $cursor ORDER BY id
/// DESC LIMIT n + 1</c>), so rows that are added meanwhile neither move nor repeat what follows.
/// </summary>
public static class Cursor
{
    private const byte IdForm = 1;
    private const byte NumberForm = 2;

    public static string Of(Guid lastId)
    {
        Span<byte> bytes = stackalloc byte[17];
        bytes[0] = IdForm;
        lastId.TryWriteBytes(bytes[1..], bigEndian: true, out _);
        return Base64Url.EncodeToString(bytes);
    }

    public static string Of(long lastNumber)
    {
        Span<byte> bytes = stackalloc byte[9];
        bytes[0] = NumberForm;
        BinaryPrimitives.WriteInt64BigEndian(bytes[1..], lastNumber);
        return Base64Url.EncodeToString(bytes);
    }

    public static bool TryRead(string text, out Guid lastId)
    {
        Span<byte> bytes = stackalloc byte[17];
        var read = TryDecode(text, bytes, IdForm);
        lastId = read ? new Guid(bytes[1..], bigEndian: true) : default;
        return read;
    }

    public static bool TryRead(string text, out long lastNumber)
    {
        Span<byte> bytes = stackalloc byte[9];
        var read = TryDecode(text, bytes, NumberForm);
        lastNumber = read ? BinaryPrimitives.ReadInt64BigEndian(bytes[1..]) : default;
        return read;
    }

    private static bool TryDecode(string text, Span<byte> bytes, byte form) =>
        text.Length <= 32 && Base64Url.IsValid(text) && Base64Url.TryDecodeFromChars(text, bytes, out var written) && written == bytes.Length && bytes[0] == form;
}

/// <summary>A page of a list.</summary>
public sealed record Page<T>(
    [property: JsonPropertyOrder(1)] IReadOnlyList<T> Data,
    [property: JsonPropertyOrder(2)] bool HasMore,
    [property: JsonPropertyOrder(3)] string? NextCursor)
{
    [JsonPropertyOrder(0)]
    public string Object => "list";
}

public static class Page
{
    /// <summary>Makes a page of up to <paramref name="limit"/> rows out of the <c>limit + 1</c> that were asked for.</summary>
    /// <param name="cursorOf">The cursor after a row: <c>row => Cursor.Of(row.Id)</c>.</param>
    public static Page<T> Of<T>(IReadOnlyList<T> rows, int limit, Func<T, string> cursorOf)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(cursorOf);
        return rows.Count > limit
            ? new Page<T>([.. rows.Take(limit)], true, cursorOf(rows[limit - 1]))
            : new Page<T>(rows, false, null);
    }

    /// <summary>A list that is always given whole.</summary>
    public static Page<T> Whole<T>(IReadOnlyList<T> rows) => new(rows, false, null);
}
