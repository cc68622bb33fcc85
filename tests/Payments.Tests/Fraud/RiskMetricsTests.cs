using Payments.Core;
using Payments.Fraud.Metrics;

namespace Payments.Tests.Fraud;

public sealed class RiskMetricsTests
{
    private static readonly RiskPeriod Period = new(Mode.Live, null, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddDays(30));

    [Theory]
    [InlineData(0.1, 0)]
    [InlineData(1, 0)]
    [InlineData(1.1, 2)]
    [InlineData(2, 9)]
    [InlineData(2.1, 10)]
    [InlineData(1_000_000_000_000, DurationBuckets.Count - 1)]
    public void A_duration_has_a_bucket(double microseconds, int bucket) => Assert.Equal(bucket, DurationBuckets.Of(TimeSpan.FromMicroseconds(microseconds)));

    [Fact]
    public void No_duration_is_told_too_short_nor_more_than_a_twelfth_too_long()
    {
        for (var micros = 2.0; micros < 60_000_000; micros *= 1.07)
        {
            var longest = DurationBuckets.Longest(DurationBuckets.Of(TimeSpan.FromMicroseconds(micros))).TotalMicroseconds;
            Assert.InRange(longest / micros, .9, 1.084 + (.1 / micros));
        }
    }

    [Fact]
    public void A_percentile_is_the_bucket_where_its_rank_falls()
    {
        var counts = new Dictionary<int, long> { [90] = 1, [9] = 98, [45] = 1 };
        Assert.Equal(DurationBuckets.Longest(9), DurationBuckets.Percentile(counts, 50));
        Assert.Equal(DurationBuckets.Longest(9), DurationBuckets.Percentile(counts, 98));
        Assert.Equal(DurationBuckets.Longest(45), DurationBuckets.Percentile(counts, 99));
        Assert.Equal(DurationBuckets.Longest(90), DurationBuckets.Percentile(counts, 99.1));
        Assert.Null(DurationBuckets.Percentile(new Dictionary<int, long>(), 50));
    }

    [Theory]
    //          metric, numerator, denominator, value, within its target
    [InlineData("fraud_rate", 99, 100_000, .00099, true)]
    [InlineData("fraud_rate", 100, 100_000, .001, false)]
    [InlineData("chargeback_rate", 4, 1_000, .004, true)]
    [InlineData("chargeback_rate", 5, 1_000, .005, false)]
    [InlineData("false_decline_rate", 29, 1_000, .029, true)]
    [InlineData("false_decline_rate", 30, 1_000, .03, false)]
    [InlineData("review_rate", 49, 1_000, .049, true)]
    [InlineData("review_rate", 50, 1_000, .05, false)]
    [InlineData("auto_approve_rate", 85, 100, .85, false)]
    [InlineData("auto_approve_rate", 86, 100, .86, true)]
    [InlineData("authorization_rate", 92, 100, .92, false)]
    [InlineData("authorization_rate", 93, 100, .93, true)]
    [InlineData("reject_rate", 1, 8, .125, null)]
    [InlineData("fraud_rate", 0, 0, null, null)]
    public void A_share_is_held_against_its_target(string name, long numerator, long denominator, double? value, bool? within)
    {
        var metric = RiskMetric.Shares.Single(m => m.Name == name);
        var counts = RiskMetric.Shares.SelectMany(m => new[] { m.Numerator, m.Denominator }).Append("reviews_open").Distinct().ToDictionary(n => n, _ => 0L);
        (counts[metric.Numerator], counts[metric.Denominator]) = (numerator, denominator);
        var report = RiskReport.Of(Period, new(counts, [null, null, null], Enum.GetValues<TimedKind>().ToDictionary(k => k, IReadOnlyDictionary<int, long> (_) => new Dictionary<int, long>())));

        var told = report.Metrics.Single(m => m.Name == name);
        Assert.Equal((value, numerator, denominator, within), (told.Value, told.Numerator!.Value, told.Denominator, told.WithinTarget));
        Assert.Equal(report.Metrics.Length, report.Metrics.Select(m => m.Name).Distinct().Count());
        Assert.All(report.Metrics, m => Assert.EndsWith(".", m.Definition, StringComparison.Ordinal));
    }
}
