using System.Buffers.Binary;

namespace Payments.Fraud.Velocity;

/// <summary>
/// The others who took part in one record, each by four bytes of its key; 0 where there was none. Within the 255 records of one history
/// two different ones look alike once in a hundred thousand histories.
/// </summary>
internal readonly record struct Parties(uint Merchant, uint Card, uint Customer, uint Ip, uint Device, uint Email)
{
    public const int Bytes = 24;

    public static Parties Of(EntityKeys keys) =>
        new(Short(keys.Merchant), Short(keys.Card), Short(keys.Customer), Short(keys.Ip), Short(keys.Device), Short(keys.Email));

    public static Parties Read(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt32BigEndian(bytes), BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]), BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]),
        BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]), BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]), BinaryPrimitives.ReadUInt32BigEndian(bytes[20..]));

    public byte[] ToBytes()
    {
        var bytes = new byte[Bytes];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, Merchant);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), Card);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(8), Customer);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(12), Ip);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(16), Device);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(20), Email);
        return bytes;
    }

    /// <summary>The end of the key: a merchant's id is a UUIDv7, whose beginning is the time.</summary>
    private static uint Short(Guid? key)
    {
        if (key is not { } value)
        {
            return 0;
        }

        Span<byte> bytes = stackalloc byte[16];
        value.TryWriteBytes(bytes, bigEndian: true, out _);
        return Math.Max(1, BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]));
    }
}

/// <summary>One attempt or outcome in the history of a card, customer, address, device or e-mail.</summary>
internal readonly record struct VelocityRecord(long AtMilliseconds, Measure Kind, Parties Parties)
{
    /// <summary>Kind (2) and time (6), then the parties.</summary>
    public const int Bytes = 8 + Parties.Bytes;

    public static VelocityRecord Read(ReadOnlySpan<byte> bytes)
    {
        var head = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        return new VelocityRecord((long)(head & 0xFFFF_FFFF_FFFF), (Measure)(head >> 48), Parties.Read(bytes[8..]));
    }
}

/// <summary>Counts the records of one history into the windows of a reading. A record exactly as old as a window lies outside of it.</summary>
internal static class EntityHistory
{
    /// <summary>The newest records that a history keeps of attempts, and as many of outcomes.</summary>
    public const int MostRecords = 255;

    private static readonly long[] Milliseconds = [.. Window.All.Select(w => (long)w.Length.TotalMilliseconds)];

    private static readonly (Measure Measure, Func<Parties, uint> Of)[] Distinct =
    [
        (Measure.Cards, p => p.Card), (Measure.Customers, p => p.Customer), (Measure.Ips, p => p.Ip),
        (Measure.Devices, p => p.Device), (Measure.Emails, p => p.Email), (Measure.Merchants, p => p.Merchant),
    ];

    private static readonly (Subject Pair, Func<Parties, uint> Other)[][] Pairs = PairsBySubject();

    /// <param name="attempts">In any order, at most <see cref="MostRecords"/>.</param>
    /// <param name="outcomes">As many at most.</param>
    /// <param name="present">Who takes part in the attempt that is decided: pairs are counted with them.</param>
    public static void Count(VelocityReading reading, Subject subject, ReadOnlySpan<VelocityRecord> attempts, ReadOnlySpan<VelocityRecord> outcomes, Parties present, long nowMilliseconds)
    {
        Span<byte> windows = stackalloc byte[MostRecords];
        CountKinds(reading, subject, attempts, windows[..attempts.Length], present, nowMilliseconds);
        foreach (var (measure, of) in Distinct)
        {
            if (VelocityCounter.PlaceOf(subject, measure) is { } place)
            {
                CountDistinct(reading, place, attempts, windows[..attempts.Length], of);
            }
        }

        CountKinds(reading, subject, outcomes, windows[..outcomes.Length], present, nowMilliseconds);
    }

    /// <summary>Records by their kind, also those that were made together with who is present.</summary>
    /// <param name="windows">Is filled with the shortest window that holds each record.</param>
    private static void CountKinds(VelocityReading reading, Subject subject, ReadOnlySpan<VelocityRecord> records, Span<byte> windows, Parties present, long now)
    {
        for (var i = 0; i < records.Length; i++)
        {
            windows[i] = ShortestWindow(Math.Max(0, now - records[i].AtMilliseconds));
            AddFrom(reading, VelocityCounter.PlaceOf(subject, records[i].Kind), windows[i]);
        }

        foreach (var (pair, other) in Pairs[(int)subject])
        {
            if (other(present) is not 0 and var wanted)
            {
                for (var i = 0; i < records.Length; i++)
                {
                    if (other(records[i].Parties) == wanted)
                    {
                        AddFrom(reading, VelocityCounter.PlaceOf(pair, records[i].Kind), windows[i]);
                    }
                }
            }
        }
    }

    /// <summary>Different others: each counts from the shortest window that it was seen in. A table with open places, on the stack.</summary>
    private static void CountDistinct(VelocityReading reading, int place, ReadOnlySpan<VelocityRecord> records, ReadOnlySpan<byte> windows, Func<Parties, uint> of)
    {
        // Twice the records, so that a search ends soon.
        var size = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)(2 * records.Length) | 2);
        Span<uint> others = stackalloc uint[size];
        Span<byte> seen = stackalloc byte[size];
        others.Clear();
        for (var i = 0; i < records.Length; i++)
        {
            if (windows[i] < Window.All.Length && of(records[i].Parties) is not 0 and var other)
            {
                var at = (int)(unchecked(other * 0x9E37_79B1) >> 7) & (size - 1);
                while (others[at] != 0 && others[at] != other)
                {
                    at = (at + 1) & (size - 1);
                }

                seen[at] = others[at] == 0 ? windows[i] : Math.Min(seen[at], windows[i]);
                others[at] = other;
            }
        }

        for (var at = 0; at < size; at++)
        {
            if (others[at] != 0)
            {
                AddFrom(reading, place, seen[at]);
            }
        }
    }

    private static void AddFrom(VelocityReading reading, int? place, byte window)
    {
        for (var i = (int)window; place is { } first && i < Window.All.Length; i++)
        {
            reading.Add(first + i, 1);
        }
    }

    /// <summary>The number of windows where none holds it. What a clock put ahead of now is now.</summary>
    private static byte ShortestWindow(long ageMilliseconds)
    {
        byte window = 0;
        while (window < Milliseconds.Length && ageMilliseconds >= Milliseconds[window])
        {
            window++;
        }

        return window;
    }

    /// <summary>The same for histories as they are kept: records of <see cref="VelocityRecord.Bytes"/>, the last 255 of which count.</summary>
    public static void Count(VelocityReading reading, Subject subject, ReadOnlySpan<byte> attempts, ReadOnlySpan<byte> outcomes, Parties present, long nowMilliseconds)
    {
        Span<VelocityRecord> both = stackalloc VelocityRecord[2 * MostRecords];
        var attempted = Newest(attempts, both[..MostRecords]);
        Count(reading, subject, both[..attempted], both.Slice(MostRecords, Newest(outcomes, both[MostRecords..])), present, nowMilliseconds);
    }

    private static int Newest(ReadOnlySpan<byte> bytes, Span<VelocityRecord> records)
    {
        var count = Math.Min(bytes.Length / VelocityRecord.Bytes, MostRecords);
        var from = (bytes.Length / VelocityRecord.Bytes) - count;
        for (var i = 0; i < count; i++)
        {
            records[i] = VelocityRecord.Read(bytes[((from + i) * VelocityRecord.Bytes)..]);
        }

        return count;
    }

    private static (Subject Pair, Func<Parties, uint> Other)[][] PairsBySubject()
    {
        var pairs = Enum.GetValues<Subject>().Select(_ => Array.Empty<(Subject, Func<Parties, uint>)>()).ToArray();
        pairs[(int)Subject.Card] =
        [
            (Subject.CardMerchant, p => p.Merchant), (Subject.CardIp, p => p.Ip), (Subject.CardDevice, p => p.Device),
            (Subject.CardEmail, p => p.Email), (Subject.CardCustomer, p => p.Customer),
        ];
        pairs[(int)Subject.Ip] = [(Subject.IpMerchant, p => p.Merchant), (Subject.IpEmail, p => p.Email)];
        pairs[(int)Subject.Device] = [(Subject.DeviceMerchant, p => p.Merchant)];
        pairs[(int)Subject.Email] = [(Subject.EmailMerchant, p => p.Merchant)];
        return pairs;
    }
}
