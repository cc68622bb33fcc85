using System.Collections.Concurrent;
using System.Reflection;
using Payments.Chaos.KillPoints;
using Payments.Platform;
using Xunit;

namespace Payments.IntegrationTests.Chaos;

[Trait("proof", "apart")]
public sealed class KillPointTests
{
    /// <summary>Every step with every operation; the test's output lists them in the order in which they were visited, and <c>./test.sh</c> prints it.</summary>
    [Fact]
    public async Task A_process_may_die_at_every_step_of_every_operation()
    {
        var visited = new ConcurrentQueue<string>();

        var problems = await KillPointTour.RunAsync(KillPoint.All, visited.Enqueue, TestContext.Current.CancellationToken);

        foreach (var point in visited)
        {
            TestContext.Current.TestOutputHelper!.WriteLine($"survived {point}");
        }

        Assert.Empty(problems);
        Assert.Equal(KillPoint.All.Count, visited.Count);
    }

    [Fact]
    public void Every_named_step_is_a_kill_point()
    {
        var steps = typeof(Steps).GetFields(BindingFlags.Public | BindingFlags.Static).Where(f => f.Name != nameof(Steps.ListenerName)).Select(f => (string)f.GetRawConstantValue()!);

        Assert.Equal(steps.Order(StringComparer.Ordinal), KillPoint.All.Select(p => p.Step).Distinct().Order(StringComparer.Ordinal));
    }
}
