using System.Buffers;

namespace Payments.Fraud.Velocity;

/// <summary>All counters at one moment, this attempt included. Immutable once built.</summary>
internal sealed class VelocityReading
{
    public static readonly VelocityReading Empty = new();

    private readonly ushort[] counts = new ushort[VelocityCounter.All.Length];

    public int this[VelocityCounter counter] => counts[counter.Place];

    public int this[int place] => counts[place];

    public void Set(int place, int count) => counts[place] = (ushort)Math.Min(count, ushort.MaxValue);

    public void Add(int place, int count) => Set(place, counts[place] + count);

    /// <summary>A stored form: seven bits a byte, trailing zeros left out.</summary>
    public byte[] Pack()
    {
        var last = Array.FindLastIndex(counts, c => c != 0);
        var buffer = new ArrayBufferWriter<byte>(counts.Length + 16);
        for (var i = 0; i <= last; i++)
        {
            uint rest = counts[i];
            while (rest >= 0x80)
            {
                buffer.Write([(byte)(rest | 0x80)]);
                rest >>= 7;
            }

            buffer.Write([(byte)rest]);
        }

        return buffer.WrittenSpan.ToArray();
    }

    public static VelocityReading Unpack(ReadOnlySpan<byte> packed)
    {
        var reading = new VelocityReading();
        var (place, value, shift) = (0, 0, 0);
        foreach (var part in packed)
        {
            value |= (part & 0x7F) << shift;
            shift += 7;
            if (part < 0x80 && place < reading.counts.Length)
            {
                reading.counts[place++] = (ushort)value;
                (value, shift) = (0, 0);
            }
        }

        return reading;
    }
}
