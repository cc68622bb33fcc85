using Payments.Bench;
using Payments.Bench.Load;
using Xunit;

namespace Payments.IntegrationTests.Measuring;

/// <summary>What the benchmark reads and tells.</summary>
public sealed class MeasuringTests
{
    [Fact]
    public void Promises_stand_in_a_table_with_what_became_of_them()
    {
        IReadOnlyList<Figure> figures =
        [
            new("sales / B", 1.2, "x") { AtLeast = 1, Floor = 0.8 },
            new("at 64 / B", 0.75, "x") { AtLeast = 0.9, Floor = 0.7 },
            new("WAL", 9, "kB", 6) { Floor = 8 },
            new("B", 3_000, "per second"),
        ];

        var table = Targets.Table([("sale", figures)]).Select(l => string.Join(' ', l.Split(' ', StringSplitOptions.RemoveEmptyEntries))).ToArray();

        Assert.Equal(
            ["scenario what target floor measured", "sale sales / B ≥ 1 0.8 1.2 kept", "sale at 64 / B ≥ 0.9 0.7 0.75 missed, floor kept", "sale WAL ≤ 6 8 9 missed"],
            table);
    }

    [Fact]
    public void A_counter_is_found_in_an_export_of_metrics()
    {
        byte[] other = [.. Text(1, "dotnet.gc.collections"), .. Message(7, Message(1, Fixed(6, 3)))];
        byte[] wanted = [.. Text(1, "dotnet.gc.heap.total_allocated"), .. Text(3, "By"), .. Message(7, [.. Message(1, [.. Fixed(3, 99), .. Fixed(6, 1_234_567_890_123)]), .. Number(2, 2), .. Number(3, 1)])];
        byte[] request = [.. Of(1, other, wanted), .. Of(2, other), .. Of(3, wanted)];

        var found = Otlp.CounterOf("dotnet.gc.heap.total_allocated", request);

        Assert.Equal([1_234_567_890_123, 1_234_567_890_123], found.Values);
        static byte[] Of(byte process, params byte[][] metrics) => Message(1, [.. Message(1, [8, process]), .. Message(2, [.. metrics.SelectMany(m => Message(2, m))])]);
    }

    [Theory]
    [InlineData("WAL statistics between 0/1 and 0/2:\nTransaction/COMMIT        317 ( 82.77)\nTransaction/ABORT  2 (1.0)\n", 317)]
    [InlineData("", double.NaN)]
    public void Commits_are_read_from_the_statistics_of_the_log(string statistics, double commits) => Assert.Equal(commits, WalDump.Commits(statistics));

    [Fact]
    public void Statements_are_shown_on_one_line()
    {
        Assert.Equal("SELECT 1 FROM payments", Profile.Shorten("SELECT 1\n    FROM payments\n"));
        Assert.EndsWith("...", Profile.Shorten(new string('x', 1_000)), StringComparison.Ordinal);
    }

    private static byte[] Message(int field, byte[] content) => [(byte)((field << 3) | 2), .. Length(content.Length), .. content];

    private static byte[] Text(int field, string text) => Message(field, System.Text.Encoding.UTF8.GetBytes(text));

    private static byte[] Fixed(int field, long value) => [(byte)((field << 3) | 1), .. BitConverter.GetBytes(value)];

    private static byte[] Number(int field, byte value) => [(byte)(field << 3), value];

    private static byte[] Length(int length) => length < 0x80 ? [(byte)length] : [(byte)(length | 0x80), (byte)(length >> 7)];
}
