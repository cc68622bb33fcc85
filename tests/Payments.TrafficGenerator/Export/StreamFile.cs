using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Payments.Core;

namespace Payments.TrafficGenerator.Export;

public enum StreamFormat
{
    /// <summary>The six columns of the Fraud Detection Handbook.</summary>
    Handbook,

    /// <summary>All columns.</summary>
    Csv,

    /// <summary>All of them, one JSON object a line.</summary>
    Json,
}

/// <summary>Writes a stream to a file, compressed if the name ends with <c>.gz</c>.</summary>
public static class StreamFile
{
    public static void Write(string path, StreamFormat format, TrafficOptions options, IEnumerable<TrafficPayment> payments)
    {
        ArgumentNullException.ThrowIfNull(path);
        using var file = File.Create(path);
        using Stream content = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? new GZipStream(file, CompressionLevel.Fastest) : file;
        using var writer = new StreamWriter(content, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), 1 << 16) { NewLine = "\n" };
        Write(writer, format, options, payments);
    }

    public static void Write(TextWriter writer, StreamFormat format, TrafficOptions options, IEnumerable<TrafficPayment> payments)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(payments);
        var columns = StreamColumns.All.Take(format == StreamFormat.Handbook ? StreamColumns.Handbook : int.MaxValue).ToArray();
        if (format != StreamFormat.Json)
        {
            writer.WriteLine(string.Join(',', columns.Select(c => c.Name)));
        }

        foreach (var payment in payments)
        {
            if (format == StreamFormat.Json)
            {
                WriteObject(writer, columns, payment, options);
            }
            else
            {
                WriteRow(writer, columns, payment, options);
            }
        }
    }

    private static void WriteRow(TextWriter writer, StreamColumn[] columns, TrafficPayment payment, TrafficOptions options)
    {
        for (var i = 0; i < columns.Length; i++)
        {
            if (i > 0)
            {
                writer.Write(',');
            }

            var value = columns[i].Of(payment, options);
            Invariant.Holds(value is null || value.AsSpan().IndexOfAny(",\"\n") < 0, "no value needs quotation marks");
            writer.Write(value);
        }

        writer.WriteLine();
    }

    private static void WriteObject(TextWriter writer, StreamColumn[] columns, TrafficPayment payment, TrafficOptions options)
    {
        var separator = '{';
        foreach (var column in columns)
        {
            if (column.Of(payment, options) is { } value)
            {
                writer.Write(separator);
                writer.Write($"\"{column.Name}\":");
                writer.Write(column.IsNumber ? value : $"\"{JsonEncodedText.Encode(value)}\"");
                separator = ',';
            }
        }

        writer.WriteLine('}');
    }
}
