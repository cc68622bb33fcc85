using Xunit;

namespace Payments.Tests.Architecture;

/// <summary>The bugs that the proving machine has to find are patches of the sources, and must go on fitting them.</summary>
public sealed class PlantedBugTests
{
    private static string Planted => Path.Combine(Repository.Root, "tests/Payments.Chaos/planted");

    [Theory]
    [InlineData("refund-before-reservation")]
    [InlineData("failed-on-timeout")]
    [InlineData("offset-before-effects")]
    public void A_planted_bug_still_fits_the_sources(string name)
    {
        var patch = File.ReadAllLines(Path.Combine(Planted, name + ".patch"));
        var source = File.ReadAllText(Path.Combine(Repository.Root, Assert.Single(patch, l => l.StartsWith("+++ b/", StringComparison.Ordinal))["+++ b/".Length..]));
        var hunks = string.Join('\n', patch.SkipWhile(l => !l.StartsWith("@@", StringComparison.Ordinal)))
            .Split("@@", StringSplitOptions.RemoveEmptyEntries).Where((_, i) => i % 2 == 1)
            .Select(h => h.Split('\n').Skip(1).ToArray()).ToArray();
        Assert.NotEmpty(hunks);
        Assert.All(hunks, hunk =>
        {
            var before = string.Join('\n', hunk.Where(l => l.Length > 0 && l[0] is ' ' or '-').Select(l => l[1..]));
            Assert.Contains(before, source, StringComparison.Ordinal);
            Assert.Contains(hunk, l => l.StartsWith('+'));
        });
    }

    /// <summary>What each has to be convicted of are rules of the verdict, and docs/TESTING.md tells the same.</summary>
    [Fact]
    public void A_planted_bug_says_which_rules_it_breaks()
    {
        var rules = File.ReadLines(Path.Combine(Repository.Root, "tests/Payments.Chaos/Judging/Violation.cs"))
            .Where(l => l.Contains("public const string", StringComparison.Ordinal)).Select(l => l.Split('"')[1]).ToHashSet();
        var page = File.ReadAllLines(Path.Combine(Repository.Root, "docs/TESTING.md"));
        var names = Directory.GetFiles(Planted, "*.patch").Select(Path.GetFileNameWithoutExtension).ToArray();
        Assert.Equal(3, names.Length);
        Assert.All(names, name =>
        {
            var expected = File.ReadAllLines(Path.Combine(Planted, name + ".expect"));
            Assert.NotEmpty(expected);
            Assert.Subset(rules, expected.ToHashSet());
            var row = Assert.Single(page, l => l.StartsWith($"| `{name}` |", StringComparison.Ordinal));
            Assert.All(expected, rule => Assert.Contains($"`{rule}`", row, StringComparison.Ordinal));
        });
    }
}
