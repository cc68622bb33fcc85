using Payments.Connectors;
using Payments.Core;
using Xunit;

namespace Payments.Tests.Connectors;

public sealed class CircuitTests
{
    private static readonly TimeSpan Fast = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Slow = TimeSpan.FromMilliseconds(5_001);

    private readonly FakeTime time = new();
    private readonly Circuit circuit;

    public CircuitTests() => circuit = new Circuit(Provider.Stripe, Mode.Test, new ResilienceOptions(), time);

    [Fact]
    public void Four_failures_leave_it_closed_and_the_fifth_opens_it()
    {
        Fail(4);
        Assert.Equal(CircuitState.Closed, circuit.Standing().State);
        Assert.Equal(100, circuit.Standing().SharePercent);

        Fail(1);
        Assert.True(circuit.IsOpen);
        Assert.Equal("failures", circuit.Health().OpenedBecause);
        Assert.Equal(0, circuit.Standing().SharePercent);
    }

    [Theory]
    [InlineData(-8)]
    [InlineData(8)]
    public void Setting_the_wall_clock_neither_opens_nor_closes_nor_breaks_it(int minutes)
    {
        Fail(5);
        time.Set(TimeSpan.FromMinutes(minutes));
        Assert.True(circuit.IsOpen);
        Assert.False(circuit.TakeProbe());
        Pass(30);
        Assert.True(circuit.TakeProbe());
        Assert.False(circuit.Probed(true));
        Assert.False(circuit.Probed(true));
        Assert.True(circuit.Probed(true));

        time.Set(TimeSpan.FromMinutes(-minutes));
        Assert.Equal((CircuitState.Ramping, 10), (circuit.Standing().State, circuit.Standing().SharePercent));
        time.Set(TimeSpan.FromMinutes(-2 * minutes));
        Pass(60);
        Assert.Equal((CircuitState.Ramping, 30), (circuit.Standing().State, circuit.Standing().SharePercent));
        Fail(4);
        time.Set(TimeSpan.FromMinutes(minutes));
        Fail(1);
        Assert.True(circuit.IsOpen);
    }

    [Fact]
    public void Failures_older_than_a_minute_do_not_count()
    {
        Fail(4);
        Pass(60);
        Fail(4);
        Assert.Equal(CircuitState.Closed, circuit.Standing().State);
        Assert.Equal(4, circuit.Health().Failures);
    }

    [Fact]
    public void Failures_spread_over_less_than_a_minute_count_together()
    {
        for (var i = 0; i < 5; i++)
        {
            Assert.False(circuit.IsOpen);
            Fail(1);
            Pass(14);
        }

        Assert.True(circuit.IsOpen);
    }

    [Fact]
    public void Successes_between_failures_do_not_heal_them()
    {
        for (var i = 0; i < 5; i++)
        {
            Fail(1);
            Succeed(50, Fast);
        }

        Assert.True(circuit.IsOpen);
    }

    [Fact]
    public void A_99th_percentile_above_five_seconds_opens_it()
    {
        Succeed(495, Fast);
        Succeed(5, Slow);
        Assert.False(circuit.IsOpen); // exactly 1 %: the 99th percentile is fast

        Succeed(1, Slow);
        Assert.True(circuit.IsOpen);
        Assert.Equal("slow", circuit.Health().OpenedBecause);
    }

    [Fact]
    public void A_few_slow_calls_of_a_quiet_provider_do_not_open_it()
    {
        Succeed(4, Slow);
        Assert.False(circuit.IsOpen);
        Succeed(1, Slow);
        Assert.True(circuit.IsOpen);
    }

    [Fact]
    public void It_is_probed_every_thirty_seconds_and_not_more_often()
    {
        Fail(5);
        Assert.False(circuit.TakeProbe());
        Pass(29);
        Assert.False(circuit.TakeProbe());
        Pass(1);
        Assert.True(circuit.TakeProbe());
        Assert.False(circuit.TakeProbe());
        Pass(30);
        Assert.True(circuit.TakeProbe());
    }

    [Fact]
    public void Three_successful_probes_in_a_row_bring_it_back_by_steps()
    {
        Fail(5);
        Assert.False(circuit.Probed(true));
        Assert.False(circuit.Probed(true));
        Assert.False(circuit.Probed(false)); // starts over
        Assert.False(circuit.Probed(true));
        Assert.False(circuit.Probed(true));
        Assert.True(circuit.IsOpen);
        Assert.True(circuit.Probed(true));

        var shares = new List<(CircuitState, int)>();
        for (var i = 0; i < 4; i++)
        {
            shares.Add((circuit.Standing().State, circuit.Standing().SharePercent));
            Pass(60);
        }

        Assert.Equal([(CircuitState.Ramping, 10), (CircuitState.Ramping, 30), (CircuitState.Ramping, 50), (CircuitState.Closed, 100)], shares);
    }

    [Fact]
    public void Failures_while_it_returns_open_it_again_and_old_ones_do_not()
    {
        Fail(5);
        ProbeUntilBack();
        Fail(4);
        Assert.Equal(CircuitState.Ramping, circuit.Standing().State);
        Fail(1);
        Assert.True(circuit.IsOpen);
        Assert.Equal(0, circuit.Health().ProbeSuccesses);
    }

    [Fact]
    public void Answers_that_arrive_while_it_is_open_change_nothing()
    {
        Fail(5);
        Succeed(100, Fast);
        Assert.True(circuit.IsOpen);
        Assert.False(circuit.Record(Fast, failed: true));
    }

    [Fact]
    public void Health_tells_calls_failures_and_the_99th_percentile()
    {
        Succeed(98, TimeSpan.FromMilliseconds(90));
        Succeed(2, TimeSpan.FromMilliseconds(900));
        Fail(1);
        var health = circuit.Health();
        Assert.Equal((101, 1), (health.Calls, health.Failures));
        Assert.InRange(health.P99Milliseconds!.Value, 900, 1_125);

        Pass(60);
        Assert.Equal((0, 0, null), (circuit.Health().Calls, circuit.Health().Failures, circuit.Health().P99Milliseconds));
    }

    [Fact]
    public void Counts_of_the_window_are_those_of_a_naive_count()
    {
        var random = new Random(7);
        var window = new CallWindow(60, 5_000);
        var all = new List<(long Second, bool Failed, bool Slow)>();
        var second = 1_000_000L;
        for (var i = 0; i < 5_000; i++)
        {
            second += random.Next(10) == 0 ? random.Next(90) : 0;
            var call = (second, Failed: random.Next(4) == 0, Slow: random.Next(5) == 0);
            all.Add(call);
            window.Add(second, call.Slow ? Slow : Fast, call.Failed);

            var recent = all.Where(c => c.Second > second - 60).ToList();
            Assert.Equal((recent.Count, recent.Count(c => c.Failed), recent.Count(c => c.Slow)), (window.Calls, window.Failures, window.Slow));
        }
    }

    private void ProbeUntilBack()
    {
        for (var i = 0; i < 3; i++)
        {
            circuit.Probed(true);
        }
    }

    private void Fail(int times)
    {
        for (var i = 0; i < times; i++)
        {
            circuit.Record(Fast, failed: true);
        }
    }

    private void Succeed(int times, TimeSpan took)
    {
        for (var i = 0; i < times; i++)
        {
            circuit.Record(took, failed: false);
        }
    }

    private void Pass(int seconds) => time.Pass(TimeSpan.FromSeconds(seconds));
}
