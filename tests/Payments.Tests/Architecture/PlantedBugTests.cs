using Xunit;

namespace Payments.Tests.Architecture;

/// <summary>The bugs that the proving machine has to find are patches of the sources, and must go on fitting them.</summary>
public sealed class PlantedBugTests
{
    [Theory]
    [InlineData("refund-before-reservation")]
    [InlineData("failed-on-timeout")]
    [InlineData("offset-before-effects")]
    public void A_planted_bug_still_fits_the_sources(string name)
    {
        var patch = File.ReadAllLines(Path.Combine(Repository.Root, "tests/Payments.Chaos/planted", name + ".patch"));
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
}
