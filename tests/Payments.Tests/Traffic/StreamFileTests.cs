using System.Text.Json;
using Payments.Fraud.Handbook;
using Payments.TrafficGenerator;
using Payments.TrafficGenerator.Export;

namespace Payments.Tests.Traffic;

public sealed class StreamFileTests
{
    private static readonly TrafficOptions Options = new(PaymentsPerDay: 3_000, Customers: 5_000, Merchants: 60)
    {
        Shares = new(.05, .02, .02, .02, .02),
    };

    [Fact]
    public void The_handbooks_columns_are_read_by_the_trainer()
    {
        var payments = TrafficFlow.Payments(Options).Take(3_000).ToArray();
        using var text = new StringWriter();
        StreamFile.Write(text, StreamFormat.Handbook, Options, payments);

        var read = PaymentCsv.Read(new StringReader(text.ToString()), TestContext.Current.CancellationToken);
        Assert.Equal(payments.Select(p => (p.Number, (long)(p.AmountUsd * 100), p.IsFraud, (long)p.Merchant.Number)), read.Select(p => (p.Id, p.Payment.AmountMinor, p.Fraud, p.Payment.Merchant)));
        Assert.All(payments.Zip(read), pair => Assert.Equal((long)(pair.First.At - Options.Begins).TotalSeconds, pair.Second.Payment.At));
    }

    [Fact]
    public void Rows_and_objects_say_the_same()
    {
        var payments = TrafficFlow.Payments(Options).Take(2_000).ToArray();
        var rows = Lines(StreamFormat.Csv, payments);
        var objects = Lines(StreamFormat.Json, payments);
        var names = rows[0].Split(',');
        Assert.Equal(StreamColumns.All.Select(c => c.Name), names);
        Assert.Equal(payments.Length, objects.Length);
        foreach (var (row, line) in rows.Skip(1).Zip(objects))
        {
            var values = row.Split(',');
            var told = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(line)!;
            Assert.Equal(names.Length, values.Length);
            Assert.All(names.Zip(values), pair => Assert.Equal(pair.Second, told.TryGetValue(pair.First, out var value) ? value.ToString() : ""));
        }
    }

    [Fact]
    public void A_command_writes_a_compressed_file_and_refuses_what_it_does_not_know()
    {
        var path = Path.Combine(Path.GetTempPath(), $"traffic-{Environment.ProcessId}.csv.gz");
        try
        {
            string[] command = ["export", "--output", path, "--format", "handbook", "--payments", "500", "--customers", "1000", "--attack", "card-testing", "--attack-after", "0"];
            Assert.Equal(0, Commands.Run(command, TextWriter.Null, TextWriter.Null, TestContext.Current.CancellationToken));
            Assert.Equal(500, PaymentCsv.Read(path, TestContext.Current.CancellationToken).Length);
        }
        finally
        {
            File.Delete(path);
        }

        string[][] wrong =
        [
            [], ["fly"], ["export"], ["export", "--output"], ["describe", "--payments", "0"], ["describe", "--attack", "friendly-fraud"], ["describe", "--sed", "1"], ["export", "--output", "x", "--format", "xml"],
        ];
        Assert.All(wrong, arguments => Assert.Equal(2, Commands.Run(arguments, TextWriter.Null, TextWriter.Null, TestContext.Current.CancellationToken)));
    }

    private static string[] Lines(StreamFormat format, TrafficPayment[] payments)
    {
        using var text = new StringWriter();
        StreamFile.Write(text, format, Options, payments);
        return text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
