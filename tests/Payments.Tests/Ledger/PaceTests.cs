using Payments.Ledger.Controls;
using Xunit;

namespace Payments.Tests.Ledger;

public sealed class PaceTests
{
    private readonly Clock time = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Work_is_followed_by_four_times_the_rest()
    {
        var pace = new Pace(time);
        time.Pass(20);
        await pace.RestAsync(Cancel);
        time.Pass(30);
        await pace.RestAsync(Cancel);
        Assert.Equal([80, 120], time.Rests);
    }

    [Fact]
    public async Task Small_parts_are_put_together()
    {
        var pace = new Pace(time);
        time.Pass(9);
        await pace.RestAsync(Cancel);
        Assert.Empty(time.Rests);
        time.Pass(2);
        await pace.RestAsync(Cancel);
        Assert.Equal([44], time.Rests);
    }

    [Fact]
    public async Task A_part_that_took_long_does_not_hold_the_round_up()
    {
        var pace = new Pace(time);
        time.Pass(5_000);
        await pace.RestAsync(Cancel);
        Assert.Equal([250], time.Rests);
    }

    [Fact]
    public async Task A_rest_ends_when_the_host_stops()
    {
        using var stopped = new CancellationTokenSource();
        await stopped.CancelAsync();
        var pace = new Pace(time);
        time.Pass(20);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pace.RestAsync(stopped.Token));
    }

    /// <summary>Time passes when told to; who rests is noted and woken at once.</summary>
    private sealed class Clock : TimeProvider
    {
        private long passed;

        public List<double> Rests { get; } = [];

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => passed;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Rests.Add(dueTime.TotalMilliseconds);
            return base.CreateTimer(callback, state, TimeSpan.Zero, period);
        }

        public void Pass(int milliseconds) => passed += milliseconds * TimeSpan.TicksPerMillisecond;
    }
}
