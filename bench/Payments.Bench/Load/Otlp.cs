using System.Buffers.Binary;
using System.Text;

namespace Payments.Bench.Load;

/// <summary>Reads as much of OTLP as is wanted: the newest value of one counter in an export of metrics, of each process that exports.</summary>
/// <remarks>ExportMetricsServiceRequest and what is in it, by the numbers of its fields: opentelemetry-proto, <c>metrics/v1/metrics.proto</c>.</remarks>
internal static class Otlp
{
    private const int ResourceMetrics = 1;
    private const int Resource = 1;
    private const int ScopeMetrics = 2;
    private const int Metrics = 2;
    private const int Name = 1;
    private const int Sum = 7;
    private const int DataPoints = 1;
    private const int AsInteger = 6;

    /// <summary>By the resource of who exported it, as text that means nothing but itself.</summary>
    public static IReadOnlyDictionary<string, long> CounterOf(string name, ReadOnlyMemory<byte> request)
    {
        var values = new Dictionary<string, long>();
        foreach (var ofResource in All(request, ResourceMetrics))
        {
            var metrics = All(ofResource, ScopeMetrics).SelectMany(s => All(s, Metrics)).Where(m => All(m, Name).Any(n => Encoding.UTF8.GetString(n.Span) == name));
            var points = metrics.SelectMany(m => All(m, Sum)).SelectMany(s => All(s, DataPoints)).SelectMany(p => All(p, AsInteger)).ToArray();
            if (points.Length > 0)
            {
                values[string.Concat(All(ofResource, Resource).Select(r => Convert.ToBase64String(r.Span)))] = points.Sum(p => BinaryPrimitives.ReadInt64LittleEndian(p.Span));
            }
        }

        return values;
    }

    /// <summary>The contents of all fields of a message that have this number.</summary>
    private static List<ReadOnlyMemory<byte>> All(ReadOnlyMemory<byte> message, int number)
    {
        var found = new List<ReadOnlyMemory<byte>>();
        for (var at = 0; at < message.Length;)
        {
            var tag = Variable(message.Span, ref at);
            var length = (tag & 7) switch
            {
                0 => Skipped(message.Span, at),
                1 => 8,
                2 => (int)Variable(message.Span, ref at),
                5 => 4,
                var type => throw new InvalidDataException($"A field of wire type {type} is not OTLP."),
            };
            if ((int)(tag >> 3) == number)
            {
                found.Add(message.Slice(at, length));
            }

            at += length;
        }

        return found;
    }

    private static ulong Variable(ReadOnlySpan<byte> message, ref int at)
    {
        var value = 0UL;
        for (var shift = 0; ; shift += 7)
        {
            var part = message[at++];
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
            {
                return value;
            }
        }
    }

    private static int Skipped(ReadOnlySpan<byte> message, int at)
    {
        var end = at;
        Variable(message, ref end);
        return end - at;
    }
}
