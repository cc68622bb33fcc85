using System.Collections.Concurrent;
using System.Reflection;
using Payments.Chaos.Judging;
using Payments.Chaos.KillPoints;
using Payments.Platform;
using Xunit;

namespace Payments.IntegrationTests.Chaos;

/// <summary>
/// Every step with every operation, half of the operations at once with the other half; a test's output lists the points in the order in
/// which they were visited, and <c>./test.sh</c> prints it.
/// </summary>
internal static class Tours
{
    public static IReadOnlyList<KillPoint> Of(params string[] operations) => [.. KillPoint.All.Where(p => operations.Contains(p.Operation))];

    public static async Task VisitAsync(IReadOnlyList<KillPoint> points)
    {
        var visited = new ConcurrentQueue<string>();

        var problems = await KillPointTour.RunAsync(points, visited.Enqueue, TestContext.Current.CancellationToken);

        foreach (var point in visited)
        {
            TestContext.Current.TestOutputHelper!.WriteLine($"survived {point}");
        }

        // In full: xunit shortens what a collection holds.
        Assert.True(problems.Count == 0, string.Join('\n', problems));
        Assert.Equal(points.Count, visited.Count);
    }
}

[Trait("proof", "apart")]
public sealed class AuthorizeAndVoidKillPointTests
{
    internal static readonly IReadOnlyList<KillPoint> Points = Tours.Of("authorize", "void");

    [Fact]
    public Task A_process_may_die_at_every_step_of_authorizations_and_voids() => Tours.VisitAsync(Points);
}

[Trait("proof", "apart")]
public sealed class CaptureAndRefundKillPointTests
{
    internal static readonly IReadOnlyList<KillPoint> Points = Tours.Of("capture", "refund", KillPoint.DoubleCharge, KillPoint.OrphanedHold);

    [Fact]
    public Task A_process_may_die_at_every_step_of_captures_and_refunds_and_of_recoveries() => Tours.VisitAsync(Points);
}

[Trait("proof", "apart")]
public sealed class KillPointTests
{
    [Fact]
    public void The_tours_visit_every_point_once() =>
        Assert.Equal(KillPoint.All.OrderBy(p => p.ToString()), AuthorizeAndVoidKillPointTests.Points.Concat(CaptureAndRefundKillPointTests.Points).OrderBy(p => p.ToString()));

    [Fact]
    public void Every_consumer_of_the_event_log_dies_at_each_of_its_steps_of_every_operation()
    {
        var wanted =
            from consumer in ProgressRules.Consumers.SelectMany(c => c.Consumers)
            from step in new[] { Steps.ConsumeBefore, Steps.ConsumeEffects, Steps.ConsumeAfter }
            from operation in new[] { "authorize", "capture", "void", "refund" }
            select (consumer, step, operation);

        Assert.Equal(wanted.Order(), KillPoint.All.Where(p => p.Consumer is not null).Select(p => (p.Consumer!, p.Step, p.Operation)).Order());
    }

    [Fact]
    public void What_is_visited_together_dies_in_processes_of_its_own_of_the_same_operation()
    {
        var visits = KillPoint.Together(KillPoint.All).ToList();

        Assert.Equal(KillPoint.All.Count, visits.Sum(v => v.Count));
        Assert.All(visits, v => Assert.Equal(v.Count, v.Select(p => p.Service).Distinct().Count()));
        Assert.All(visits, v => Assert.Single(v.Select(p => (p.Step, p.Operation, p.Provider)).Distinct()));
    }

    [Fact]
    public void Every_named_step_is_a_kill_point()
    {
        var steps = typeof(Steps).GetFields(BindingFlags.Public | BindingFlags.Static).Where(f => f.Name != nameof(Steps.ListenerName)).Select(f => (string)f.GetRawConstantValue()!);

        Assert.Equal(steps.Order(StringComparer.Ordinal), KillPoint.All.Select(p => p.Step).Distinct().Order(StringComparer.Ordinal));
    }
}
