using Payments.Webhooks.Deliveries;
using Xunit;

namespace Payments.Tests.Webhooks;

public sealed class RetryScheduleTests
{
    [Theory]
    [InlineData(1, "00:00:05")]
    [InlineData(2, "00:05:00")]
    [InlineData(3, "00:30:00")]
    [InlineData(4, "02:00:00")]
    [InlineData(5, "05:00:00")]
    [InlineData(6, "10:00:00")]
    [InlineData(7, "14:00:00")]
    [InlineData(8, "20:00:00")]
    [InlineData(9, "1.00:00:00")]
    public void Webhooks_are_tried_again_after(int attempt, string pause)
    {
        var expected = TimeSpan.Parse(pause, System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(expected, RetrySchedule.Webhooks.After(attempt, jitter: 0));
        Assert.Equal(expected * 1.1, RetrySchedule.Webhooks.After(attempt, jitter: 1));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(11)]
    [InlineData(1000)]
    public void After_the_last_attempt_there_is_no_other(int attempt) => Assert.Null(RetrySchedule.Webhooks.After(attempt, jitter: 0.5, TimeSpan.FromHours(1)));

    [Theory]
    [InlineData(1, 60, 60)]
    [InlineData(1, 2, 5)]
    [InlineData(1, 10 * 86400, 86400)]
    [InlineData(3, 60, 30 * 60)]
    public void The_receivers_wish_only_lengthens_a_pause_and_by_a_day_at_most(int attempt, int wishSeconds, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), RetrySchedule.Webhooks.After(attempt, jitter: 0, TimeSpan.FromSeconds(wishSeconds)));

    [Fact]
    public void The_whole_schedule_spans_a_little_over_three_days()
    {
        var whole = Enumerable.Range(1, RetrySchedule.Webhooks.Attempts - 1).Aggregate(TimeSpan.Zero, (sum, attempt) => sum + RetrySchedule.Webhooks.After(attempt, 0)!.Value);
        Assert.InRange(whole, TimeSpan.FromDays(3), TimeSpan.FromDays(4));
    }
}
