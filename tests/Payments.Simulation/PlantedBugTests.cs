using Payments.Simulation.Shell;

namespace Payments.Simulation;

/// <summary>Three bugs that payment systems have had, planted in the shell: each must be found, and shrunk to something that can be read.</summary>
public sealed class PlantedBugTests(ITestOutputHelper output)
{
    private const int Enough = 20_000;
    private const int Readable = 5;

    [Fact]
    public void A_refund_that_is_not_reserved_before_the_call_is_found() =>
        IsFound(Rules.Right with { ReservesBeforeTheCall = false });

    [Fact]
    public void An_attempt_that_fails_on_a_timeout_is_found() =>
        IsFound(Rules.Right with { TimeoutIsUnknown = false });

    [Fact]
    public void A_consumer_that_commits_its_position_first_is_found() =>
        IsFound(Rules.Right with { PositionMovesWithEffects = false });

    private void IsFound(Rules bug)
    {
        var broken = Search.First(1, Enough, bug);
        Assert.NotNull(broken);
        output.WriteLine(SimulationTests.Report(broken, bug));
        Assert.InRange(broken.Shrunk.Moments.Count, 1, Readable);
        Assert.NotEmpty(broken.Violations);
        Assert.Empty(Search.Violations(broken.Shrunk, Rules.Right));
    }
}
