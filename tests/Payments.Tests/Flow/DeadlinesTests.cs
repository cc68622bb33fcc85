using Payments.Api.Flow;
using Payments.Api.Recovery;
using Payments.Core;
using Xunit;

namespace Payments.Tests.Flow;

/// <summary>The product's own times, as docs/payment-states.md tells them. Tests elsewhere run with shorter ones.</summary>
public sealed class DeadlinesTests
{
    private readonly Deadlines deadlines = new();

    [Fact]
    public void Who_is_told_when_and_how_long_a_call_may_be_repeated()
    {
        Assert.Equal(TimeSpan.FromSeconds(30), deadlines.Open);
        Assert.Equal(TimeSpan.FromMinutes(15), deadlines.Alert);
        Assert.Equal(TimeSpan.FromHours(6), deadlines.PendingAlert);
        Assert.Equal(TimeSpan.FromSeconds(60), deadlines.MissingSpacing);
        Assert.Equal(TimeSpan.FromHours(1), deadlines.AuthorizationWanted);
        Assert.Equal(TimeSpan.FromHours(20), deadlines.ReplayLimit);
    }

    /// <summary>A phantom is seen within five minutes, a hold released within an hour.</summary>
    [Fact]
    public void What_is_looked_for_now_and_then_is_looked_for_as_often_as_the_documents_say()
    {
        Assert.Equal((180_000, TimeSpan.FromMinutes(10)), (new ListingOptions().IntervalMilliseconds, new ListingOptions().Overlap));
        Assert.Equal((30 * 60_000, 5 * 60_000, 10_000), (new FlowOptions().HoldSweepMilliseconds, new FlowOptions().LikelyDuplicatesMilliseconds, new FlowOptions().UnresolvedWatchMilliseconds));
    }

    [Theory]
    [InlineData(AttemptState.Unknown, 0, 5)]
    [InlineData(AttemptState.Unknown, 1, 10)]
    [InlineData(AttemptState.Unknown, 2, 20)]
    [InlineData(AttemptState.Unknown, 3, 40)]
    [InlineData(AttemptState.Unknown, 4, 60)]
    [InlineData(AttemptState.Unknown, 100_000, 60)]
    [InlineData(AttemptState.Open, 3, 40)]
    [InlineData(AttemptState.Pending, 0, 300)]
    [InlineData(AttemptState.Pending, 1, 600)]
    [InlineData(AttemptState.Pending, 2, 1_200)]
    [InlineData(AttemptState.Pending, 3, 1_800)]
    [InlineData(AttemptState.Pending, 100_000, 1_800)]
    [InlineData(AttemptState.Succeeded, 0, 3_600)]
    [InlineData(AttemptState.Succeeded, 4, 57_600)]
    [InlineData(AttemptState.Succeeded, 10, 2_592_000)]
    public void Looks_at_one_attempt_back_off_and_never_end(AttemptState state, int readings, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), deadlines.Pause(state, readings));
}
