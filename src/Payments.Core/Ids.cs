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

/// <summary>Makes ids; injected, so that tests can repeat them and every id exists before the call that carries it.</summary>
public sealed class IdSource(TimeProvider time)
{
    public TId New<TId>()
        where TId : struct, IId<TId> =>
#pragma warning disable RS0030 // The one place where ids are made.
        TId.From(Guid.CreateVersion7(time.GetUtcNow()));
#pragma warning restore RS0030
}
