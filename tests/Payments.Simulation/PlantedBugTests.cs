using Payments.Simulation.Shell;

namespace Payments.Simulation;

/// <summary>Three bugs that payment systems have had, planted in the shell: each must be found, and shrunk to something that can be read.</summary>
public sealed class PlantedBugTests(ITestOutputHelper output)
{
    private const int Enough = 20_000;
    private const int Readable = 6;

    [Fact]
    public void A_refund_that_is_not_reserved_before_the_call_is_found() =>
        IsFound("A refund that is not reserved before the call", Rules.Right with { ReservesBeforeTheCall = false });

    [Fact]
    public void An_attempt_that_fails_on_a_timeout_is_found() =>
        IsFound("An attempt that fails on a timeout", Rules.Right with { TimeoutIsUnknown = false });

    [Fact]
    public void A_consumer_that_commits_its_position_first_is_found() =>
        IsFound("A consumer that commits its position first", Rules.Right with { PositionMovesWithEffects = false });

    /// <param name="name">As docs/TESTING.md tells of it.</param>
    private void IsFound(string name, Rules bug)
    {
        var broken = Search.First(1, Enough, bug);
        Assert.NotNull(broken);
        output.WriteLine(SimulationTests.Report(broken, bug));
        Assert.InRange(broken.Shrunk.Moments.Count, 1, Readable);
        Assert.NotEmpty(broken.Violations);
        Assert.Empty(Search.Violations(broken.Shrunk, Rules.Right));

        var told = Told(name);
        Assert.Contains($"(history {broken.Number}", told, StringComparison.Ordinal);
        Assert.All(broken.Shrunk.Moments, (moment, place) => Assert.Contains($"\n{place + 1}. {moment}\n", told, StringComparison.Ordinal));
        Assert.All(broken.Violations, violation => Assert.Contains(Words(violation), Words(told), StringComparison.Ordinal));
    }

    /// <summary>From the bug's name to the end of the block that shows its history.</summary>
    private static string Told(string name)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Payments.sln")))
        {
            folder = folder.Parent;
        }

        var page = File.ReadAllText(Path.Combine(folder!.FullName, "docs", "TESTING.md"));
        var from = page.IndexOf($"**{name}**", StringComparison.Ordinal);
        Assert.True(from >= 0, $"docs/TESTING.md does not tell of '{name}'.");
        return page[from..page.IndexOf("\n```\n", page.IndexOf("```\n", from, StringComparison.Ordinal) + 4, StringComparison.Ordinal)] + "\n";
    }

    private static string Words(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
