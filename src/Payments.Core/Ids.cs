using System.Buffers.Binary;

namespace Payments.Core;

/// <summary>A prefixed, time-ordered identifier: a UUIDv7 (RFC 9562) in the database, <c>pay_01j…</c> outside.</summary>
public interface IId<TSelf>
    where TSelf : struct, IId<TSelf>
{
    /// <summary>What stands before the underscore.</summary>
    static abstract string Prefix { get; }

    /// <summary>The identifier as the database stores it.</summary>
    Guid Value { get; }

    static abstract TSelf From(Guid value);
}

/// <summary>Text form of ids: prefix, underscore, 26 characters of lower-case Crockford base 32, which sort as the UUIDs do.</summary>
public static class Id
{
    private const string Alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
    private const int Digits = 26;

    public static string Format(string prefix, Guid value)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        return string.Create(prefix.Length + 1 + Digits, (prefix, value), static (text, id) =>
        {
            id.prefix.CopyTo(text);
            text[id.prefix.Length] = '_';
            Span<byte> bytes = stackalloc byte[16];
            id.value.TryWriteBytes(bytes, bigEndian: true, out _);
            var number = BinaryPrimitives.ReadUInt128BigEndian(bytes);
            for (var i = text.Length - 1; i > id.prefix.Length; i--)
            {
                text[i] = Alphabet[(int)(uint)(number & 31)];
                number >>= 5;
            }
        });
    }

    /// <summary>The time that a UUIDv7 carries, to the millisecond: when the id was made.</summary>
    public static DateTimeOffset TimeOf(Guid value)
    {
        Span<byte> bytes = stackalloc byte[16];
        value.TryWriteBytes(bytes, bigEndian: true, out _);
        return DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(bytes) >>> 16);
    }

    /// <summary>The smallest UUIDv7 of a time: a bound for ranges of ids.</summary>
    public static Guid FirstAt(DateTimeOffset time)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(bytes, time.ToUnixTimeMilliseconds() << 16);
        bytes[6] = 0x70;
        bytes[8] = 0x80;
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>False for a wrong prefix, length or character, and for a number beyond 128 bits.</summary>
    public static bool TryParse<TId>(string? text, out TId id)
        where TId : struct, IId<TId>
    {
        id = default;
        var prefix = TId.Prefix;
        if (text is null || text.Length != prefix.Length + 1 + Digits || !text.StartsWith(prefix, StringComparison.Ordinal) || text[prefix.Length] != '_')
        {
            return false;
        }

        UInt128 number = 0;
        foreach (var character in text.AsSpan(prefix.Length + 1))
        {
            var digit = Alphabet.IndexOf(character, StringComparison.Ordinal);
            if (digit < 0 || number >> 123 != 0)
            {
                return false;
            }

            number = (number << 5) | (uint)digit;
        }

        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, number);
        id = TId.From(new Guid(bytes, bigEndian: true));
        return true;
    }
}

/// <summary>
/// Makes ids; injected, so that tests can repeat them and every id exists before the call that carries it. Ids of one source and one
/// millisecond ascend too (RFC 9562, 6.2, method 1), so that what one process wrote lists in the order in which it was written.
/// </summary>
public sealed class IdSource
{
    private const int MostInAMillisecond = 1 << 12;
    private const int MostBorrowed = 10;
    private readonly TimeProvider time;
    private readonly Random? repeatable;
    private readonly Lock gate = new();
    private long millisecond;
    private int count;

    public IdSource(TimeProvider time) => this.time = time;

    /// <summary>Ids that can be guessed, and repeated with the same seed and times: for simulation, never for a service.</summary>
    public IdSource(TimeProvider time, Random repeatable) => (this.time, this.repeatable) = (time, repeatable);

    public TId New<TId>()
        where TId : struct, IId<TId>
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        long at;
        int place;
        lock (gate)
        {
            // A millisecond that is overrun borrows from the next ones; a clock that was set back is followed all the same.
            if (now <= millisecond && millisecond - now <= MostBorrowed)
            {
                count++;
                if (count == MostInAMillisecond)
                {
                    millisecond++;
                    count = 0;
                }
            }
            else
            {
                millisecond = now;
                count = 0;
            }

            (at, place) = (millisecond, count);
        }

        Span<byte> bytes = stackalloc byte[16];
        Version7(at).TryWriteBytes(bytes, bigEndian: true, out _);
        bytes[6] = (byte)(0x70 | (place >> 8));
        bytes[7] = (byte)place;
        return TId.From(new Guid(bytes, bigEndian: true));
    }

    private Guid Version7(long at)
    {
        if (repeatable is null)
        {
#pragma warning disable RS0030 // The one place where ids are made.
            return Guid.CreateVersion7(DateTimeOffset.FromUnixTimeMilliseconds(at));
#pragma warning restore RS0030
        }

        Span<byte> bytes = stackalloc byte[16];
        repeatable.NextBytes(bytes);
        BinaryPrimitives.WriteInt64BigEndian(bytes, (at << 16) | BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]));
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }
}
