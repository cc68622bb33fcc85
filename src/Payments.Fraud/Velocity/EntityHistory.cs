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

    private static readonly (Measure Measure, Func<Parties, uint> Of)[] Distinct =
    [
        (Measure.Cards, p => p.Card), (Measure.Customers, p => p.Customer), (Measure.Ips, p => p.Ip),
        (Measure.Devices, p => p.Device), (Measure.Emails, p => p.Email), (Measure.Merchants, p => p.Merchant),
    ];

    private static readonly Dictionary<Subject, (Subject Pair, Func<Parties, uint> Other)[]> Pairs = new()
    {
        [Subject.Card] =
        [
            (Subject.CardMerchant, p => p.Merchant), (Subject.CardIp, p => p.Ip), (Subject.CardDevice, p => p.Device),
            (Subject.CardEmail, p => p.Email), (Subject.CardCustomer, p => p.Customer),
        ],
        [Subject.Ip] = [(Subject.IpMerchant, p => p.Merchant), (Subject.IpEmail, p => p.Email)],
        [Subject.Device] = [(Subject.DeviceMerchant, p => p.Merchant)],
        [Subject.Email] = [(Subject.EmailMerchant, p => p.Merchant)],
    };

    /// <param name="attempts">In any order.</param>
    /// <param name="present">Who takes part in the attempt that is decided: pairs are counted with them.</param>
    public static void Count(VelocityReading reading, Subject subject, ReadOnlySpan<VelocityRecord> attempts, ReadOnlySpan<VelocityRecord> outcomes, Parties present, long nowMilliseconds)
    {
        var tally = new Tally(reading, nowMilliseconds);
        foreach (var record in attempts)
        {
            if (tally.Window(record) is { } window)
            {
                tally.Add(subject, Measure.Attempts, window);
                tally.See(record, window);
                AddPairs(ref tally, subject, record, present, window);
            }
        }

        tally.AddDistinct(subject);

        foreach (var record in outcomes)
        {
            if (tally.Window(record) is { } window)
            {
                tally.Add(subject, record.Kind, window);
                AddPairs(ref tally, subject, record, present, window);
            }
        }
    }

    private static void AddPairs(ref Tally tally, Subject subject, VelocityRecord record, Parties present, int window)
    {
        foreach (var (pair, other) in Pairs.GetValueOrDefault(subject, []))
        {
            if (other(present) is not 0 and var wanted && other(record.Parties) == wanted)
            {
                tally.Add(pair, record.Kind, window);
            }
        }
    }

    /// <summary>The last 255 that were written, each of <see cref="VelocityRecord.Bytes"/>.</summary>
    public static VelocityRecord[] Newest(ReadOnlySpan<byte> bytes)
    {
        var count = Math.Min(bytes.Length / VelocityRecord.Bytes, MostRecords);
        var records = new VelocityRecord[count];
        var from = (bytes.Length / VelocityRecord.Bytes) - count;
        for (var i = 0; i < count; i++)
        {
            records[i] = VelocityRecord.Read(bytes[((from + i) * VelocityRecord.Bytes)..]);
        }

        return records;
    }

    /// <summary>What is being counted of one history.</summary>
    private readonly ref struct Tally(VelocityReading reading, long now)
    {
        // For each kind of other: in which window at the earliest each was last seen.
        private readonly Dictionary<(Measure, uint), int> seen = [];

        /// <summary>The shortest window that holds the record; null where none does. What a clock put ahead of now is now.</summary>
        public int? Window(VelocityRecord record)
        {
            var age = Math.Max(0, now - record.AtMilliseconds);
            for (var i = 0; i < Velocity.Window.All.Length; i++)
            {
                if (age < (long)Velocity.Window.All[i].Length.TotalMilliseconds)
                {
                    return i;
                }
            }

            return null;
        }

        public void Add(Subject subject, Measure measure, int window)
        {
            if (VelocityCounter.PlaceOf(subject, measure) is not { } place)
            {
                return;
            }

            for (var i = window; i < Velocity.Window.All.Length; i++)
            {
                reading.Set(place + i, reading[place + i] + 1);
            }
        }

        public void See(VelocityRecord record, int window)
        {
            foreach (var (measure, of) in Distinct)
            {
                if (of(record.Parties) is not 0 and var other && (!seen.TryGetValue((measure, other), out var before) || window < before))
                {
                    seen[(measure, other)] = window;
                }
            }
        }

        public void AddDistinct(Subject subject)
        {
            foreach (var ((measure, _), window) in seen)
            {
                Add(subject, measure, window);
            }
        }
    }
}
