using Microsoft.Extensions.Options;
using Payments.Simulators;
using Payments.Simulators.Faults;
using Payments.Simulators.Wire;
using Xunit;

namespace Payments.Tests.Simulators;

/// <summary>What the simulated providers leave to chance comes as often, and as long, as it was asked for: many draws, of a fixed seed, within five standard deviations.</summary>
public sealed class ChanceTests
{
    private const int Draws = 2_000;
    private const double Deviations = 5;

    private readonly Chance chance = new(new Random(20_260_131).NextBytes);

    // probability
    [Theory]
    [InlineData(0.02)]
    [InlineData(0.3)]
    [InlineData(0.9)]
    public void A_fault_of_some_probability_strikes_that_often(double probability)
    {
        var faults = new FaultInjector(chance);
        var (fault, problem) = faults.Add(new FaultRequest(Providers.Stripe, "authorize", FaultKind.TooManyRequests, Probability: probability));
        Assert.True(fault is not null, problem);

        var struck = Enumerable.Range(0, Draws).Count(_ => faults.BeforeExecution(Providers.Stripe, "authorize") is not null);

        Assert.InRange(Math.Abs(struck - (Draws * probability)), 0, Deviations * Math.Sqrt(Draws * probability * (1 - probability)));
        Assert.Equal(struck, Assert.Single(faults.All).Struck);
        Assert.Null(faults.BeforeExecution(Providers.Adyen, "authorize"));
        Assert.Null(faults.BeforeExecution(Providers.Stripe, "capture"));
    }

    [Fact]
    public void A_fault_without_probability_or_count_strikes_every_time_and_a_counted_one_that_often()
    {
        var faults = new FaultInjector(chance);
        faults.Add(new FaultRequest(Providers.Stripe, "refund", FaultKind.TooManyRequests));
        faults.Add(new FaultRequest(Providers.Adyen, "refund", FaultKind.TooManyRequests, Count: 3));

        Assert.Equal(Draws, Enumerable.Range(0, Draws).Count(_ => faults.BeforeExecution(Providers.Stripe, "refund") is not null));
        Assert.Equal(3, Enumerable.Range(0, Draws).Count(_ => faults.BeforeExecution(Providers.Adyen, "refund") is not null));
    }

    [Fact]
    public void Providers_answer_within_a_median_of_250_milliseconds_unless_set_otherwise()
    {
        var settings = new Settings(Options.Create(new SimulatorsOptions()));
        Assert.Equal((250, 0.35), (settings.Current.LatencyMedianMilliseconds, settings.Current.LatencySigma));
        AssertLognormal(settings, 250, 0.35);
    }

    // median in milliseconds, sigma
    [Theory]
    [InlineData(40, 1.0)]
    [InlineData(600, 0.1)]
    public void Answering_times_are_lognormal_around_the_median_that_is_set(double median, double sigma)
    {
        var settings = new Settings(Options.Create(new SimulatorsOptions()));
        settings.Current = settings.Current with { LatencyMedianMilliseconds = median, LatencySigma = sigma };
        AssertLognormal(settings, median, sigma);
    }

    [Fact]
    public void A_median_of_zero_answers_at_once()
    {
        var settings = new Settings(Options.Create(new SimulatorsOptions { LatencyMedianMilliseconds = 0 }));
        Assert.All(Enumerable.Range(0, Draws), _ => Assert.Equal(TimeSpan.Zero, new Latency(settings, chance, TimeProvider.System).Draw()));
    }

    [Fact]
    public void Chance_is_uniform_below_one()
    {
        var draws = Enumerable.Range(0, Draws).Select(_ => chance.Next()).ToList();
        Assert.All(draws, d => Assert.True(d is >= 0 and < 1));
        Assert.All(
            draws.GroupBy(d => (int)(d * 10)).Select(g => g.Count()).ToList(),
            count => Assert.InRange(Math.Abs(count - (Draws / 10)), 0, Deviations * Math.Sqrt(Draws * 0.1 * 0.9)));
    }

    /// <summary>The logarithm is normal: its median and its spread are what was set, and it leans to neither side.</summary>
    private void AssertLognormal(Settings settings, double median, double sigma)
    {
        var latency = new Latency(settings, chance, TimeProvider.System);
        var logarithms = Enumerable.Range(0, Draws).Select(_ => Math.Log(latency.Draw().TotalMilliseconds)).Order().ToList();
        var mean = logarithms.Average();
        var spread = Math.Sqrt(logarithms.Sum(l => (l - mean) * (l - mean)) / (Draws - 1));
        var error = sigma / Math.Sqrt(Draws);

        Assert.InRange(Math.Abs(mean - Math.Log(median)), 0, Deviations * error);
        Assert.InRange(Math.Abs(logarithms[Draws / 2] - Math.Log(median)), 0, Deviations * error * Math.Sqrt(Math.PI / 2));
        Assert.InRange(Math.Abs(spread - sigma), 0, Deviations * error / Math.Sqrt(2));

        // One in six lies more than one sigma above, as many below.
        var tail = Draws * 0.158655;
        Assert.InRange(Math.Abs(logarithms.Count(l => l > Math.Log(median) + sigma) - tail), 0, Deviations * Math.Sqrt(tail));
        Assert.InRange(Math.Abs(logarithms.Count(l => l < Math.Log(median) - sigma) - tail), 0, Deviations * Math.Sqrt(tail));
    }
}
